//! A suspicious drop: a metric that falls by more than a share within a poll scales in only once it has been confirmed.
//!
//! An outage in front of the target looks like no load at all, and is followed by all the load at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;

/// What is a suspicious drop, and for how long it must stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuspiciousDrop {
    /// The share of the last value by which a value may be lower than it; above 0 and below 1.
    pub share: f64,
    /// For how long a lower one must be confirmed.
    pub confirm: Duration,
}

/// A drop that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldDrop {
    /// The last value that was believed.
    pub before: f64,
    /// The value now.
    pub value: f64,
    /// Time until it is believed.
    pub left: Duration,
}

/// What is believed of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Believed {
    #[serde(skip_serializing_if = "Option::is_none")]
    believed: Option<f64>,
    /// Since when a value is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallen_since: Option<Time>,
}

impl Believed {
    /// Takes over `value`; returns what is not believed of it.
    pub(super) fn look(&mut self, drop: SuspiciousDrop, value: f64, now: Time) -> Option<HeldDrop> {
        let held = self.believed.filter(|before| value < before * (1.0 - drop.share)).and_then(|before| {
            let since = self.fallen_since.map_or(now, |since| since.min(now));
            self.fallen_since = Some(since);
            let left = drop.confirm.checked_sub(now.since(since)).filter(|left| !left.is_zero())?;
            Some(HeldDrop { before, value, left })
        });
        if held.is_none() {
            *self = Self { believed: Some(value), fallen_since: None };
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_is_believed_once_it_has_stayed() {
        let drop = SuspiciousDrop { share: 0.5, confirm: Duration::from_secs(60) };
        let mut believed = Believed::default();
        for (second, value, left) in [
            (0, 1000.0, None),
            (10, 600.0, None),
            (20, 300.0, None),
            (30, 149.0, Some(60)),
            (60, 100.0, Some(30)),
            (70, 160.0, None),
            (80, 0.0, Some(60)),
            (139, 5.0, Some(1)),
            (140, 5.0, None),
            (150, 5.0, None),
            (160, 900.0, None),
        ] {
            let held = believed.look(drop, value, Time::from_seconds(second));
            assert_eq!(held.map(|held| held.left.as_secs()), left, "{value} at {second}");
        }
    }
}
