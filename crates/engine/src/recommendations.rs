//! Past recommendations for one target, as far as stabilization windows look back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;

/// The recommendations for one member within its longest window, oldest first.
///
/// Only those are kept that can still be the largest or the smallest of some window
/// ending now: an older one lying between two later ones never decides again. So
/// a noisy metric leaves a handful of entries, not one for each poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recommendations(Vec<Recommended>);

/// A recommendation and when it was last made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recommended {
    replicas: u32,
    last: Time,
}

impl Recommendations {
    /// Takes the replicas at the first sight of a target as a recommendation, so that a fresh start does not scale in at
    /// once.
    pub(crate) fn begin(&mut self, current: u32, now: Time) {
        if self.0.is_empty() {
            self.0.push(Recommended { replicas: current, last: now });
        }
    }

    /// Adds one and forgets all that are older than `window`.
    pub(crate) fn add(&mut self, replicas: u32, now: Time, window: Duration) {
        let cutoff = now.minus(window);
        let (mut smallest_later, mut largest_later) = (replicas, replicas);
        self.0.reverse();
        self.0.retain(|old| {
            let counts =
                old.last >= cutoff && (old.replicas > largest_later || old.replicas < smallest_later);
            if counts {
                smallest_later = smallest_later.min(old.replicas);
                largest_later = largest_later.max(old.replicas);
            }
            counts
        });
        self.0.reverse();
        self.0.push(Recommended { replicas, last: now });
    }

    /// Those made after `from`; one made at that very instant is out of the window, as in the HPA.
    pub(crate) fn after(&self, from: Time) -> impl Iterator<Item = u32> {
        self.0.iter().filter(move |old| old.last > from).map(|old| old.replicas)
    }

    /// Takes the newest to have held until `now`, and none to lie in the future.
    pub(crate) fn hold_until(&mut self, now: Time) {
        for old in &mut self.0 {
            old.last = old.last.min(now);
        }
        if let Some(newest) = self.0.last_mut() {
            newest.last = now;
        }
    }

    /// The replicas of each entry without their times: what changes only when a recommendation does.
    pub fn sequence(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|old| old.replicas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(recommendations: &[(i64, u32)], window: u64) -> Recommendations {
        let mut made = Recommendations::default();
        for &(second, replicas) in recommendations {
            made.add(replicas, Time::from_seconds(second), Duration::from_secs(window));
        }
        made
    }

    #[test]
    fn noise_leaves_the_extremes_only() {
        let noise: Vec<(i64, u32)> = (0..1000).map(|second| (second, 5 + (second % 3) as u32)).collect();
        assert_eq!(made(&noise, 3600).sequence().collect::<Vec<_>>(), [7, 5]);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let recommendations = made(&[(0, 9), (30, 3), (61, 4)], 60);
        assert_eq!(recommendations.after(Time::from_seconds(1)).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn the_newest_holds_until_the_takeover() {
        let mut recommendations = made(&[(0, 9)], 60);
        recommendations.hold_until(Time::from_seconds(100));
        assert_eq!(recommendations.after(Time::from_seconds(99)).collect::<Vec<_>>(), [9]);
    }
}
