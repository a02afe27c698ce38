//! Other bounds than those of the spec until an instant: what an incident needs, and what ends by itself.

use std::fmt;

use crate::{Bounds, Time, Warning};

/// Bounds that stand in place of those of the spec until an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundsOverride {
    min: Option<u32>,
    max: Option<u32>,
    until: Time,
    reason: String,
}

impl BoundsOverride {
    /// A minimum, a maximum or both, until `until`; `reason` is one line, and may be empty. `None` where it says
    /// nothing, or the minimum is above the maximum.
    pub fn new(min: Option<u32>, max: Option<u32>, until: Time, reason: String) -> Option<Self> {
        let is_sound = match (min, max) {
            (Some(min), Some(max)) => min <= max,
            (min, max) => min.is_some() || max.is_some(),
        };
        is_sound.then_some(Self { min, max, until, reason })
    }

    /// Whether it still counts at `now`: before `until`, and no longer at that very instant.
    pub fn is_active(&self, now: Time) -> bool {
        now < self.until
    }

    /// What stands in place of `bounds`. A bound that is left out is that of the spec, moved as far as the other one
    /// needs.
    pub fn over(&self, bounds: Bounds) -> Bounds {
        let (min, max) = match (self.min, self.max) {
            (Some(min), Some(max)) => (min, max),
            (Some(min), None) => (min, bounds.max().max(min)),
            (None, Some(max)) => (bounds.min().min(max), max),
            (None, None) => (bounds.min(), bounds.max()),
        };
        bounds.moved(min, max)
    }

    /// The same with neither bound above `most`.
    pub fn at_most(self, most: u32) -> Self {
        let lower = |bound: Option<u32>| bound.map(|bound| bound.min(most));
        Self { min: lower(self.min), max: lower(self.max), ..self }
    }

    /// That it has ended and only stands there; `None` while it counts. `path` is its place in the manifest.
    pub fn expired(&self, path: &str, now: Time) -> Option<Warning> {
        (!self.is_active(now))
            .then(|| Warning::new(path, format!("it ended at {} and is ignored; remove it", self.until)))
    }
}

/// `min 12, max 40 until 2026-12-01T06:00:00Z`, with the reason behind it in quotes.
impl fmt::Display for BoundsOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = [("min", self.min), ("max", self.max)];
        let named = bounds.iter().filter_map(|(name, bound)| Some(format!("{name} {}", (*bound)?)));
        write!(f, "{} until {}", named.collect::<Vec<_>>().join(", "), self.until)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(min: Option<u32>, max: Option<u32>, bounds: (u32, u32)) -> (u32, u32) {
        let over = BoundsOverride::new(min, max, Time::from_seconds(10), String::new()).unwrap();
        let bounds = over.over(Bounds::new(bounds.0, bounds.1).unwrap());
        (bounds.min(), bounds.max())
    }

    #[test]
    fn what_is_left_out_is_the_specs_as_far_as_the_other_bound_lets_it() {
        for (min, max, bounds) in [
            (Some(12), Some(40), (12, 40)),
            (Some(5), None, (5, 10)),
            (Some(12), None, (12, 12)),
            (None, Some(40), (2, 40)),
            (None, Some(1), (1, 1)),
        ] {
            assert_eq!(over(min, max, (2, 10)), bounds, "{min:?} {max:?}");
        }
        let new = |min, max| BoundsOverride::new(min, max, Time::default(), String::new());
        assert_eq!((new(None, None), new(Some(3), Some(2))), (None, None));
    }

    #[test]
    fn it_ends_at_its_instant_and_says_so() {
        let until = Time::from_seconds(1_000_000);
        let over = BoundsOverride::new(Some(12), Some(40), until, "sale".to_owned()).unwrap();
        let before = Time::from_millis(until.as_millis() - 1);
        assert!(over.is_active(before) && !over.is_active(until));
        assert_eq!(over.expired("a", before), None);
        assert_eq!(
            over.expired("a", until).unwrap().message,
            "it ended at 1970-01-12T13:46:40Z and is ignored; remove it"
        );
        assert_eq!(over.to_string(), "min 12, max 40 until 1970-01-12T13:46:40Z: sale");
        assert_eq!(over.at_most(20).to_string(), "min 12, max 20 until 1970-01-12T13:46:40Z: sale");
    }
}
