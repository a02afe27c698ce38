//! Scale events: what a target's replicas changed by and when, as far as rates over a period of time look back.
//!
//! They are kept exactly as the HPA controller keeps them (`storeScaleEvent` in its `horizontal.go`), with a quirk
//! that decides recorded cases: a new event overwrites the last one of its direction that is older than the longest
//! period of *that direction's* policies. The other direction may look further back, and then misses it. So the
//! order of the list counts, and nothing else is removed while a controller would have kept it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;

/// The scale events of one target, in the order in which the HPA controller would hold them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScaleEvents {
    /// What was added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    up: Vec<ScaleEvent>,
    /// What was removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    down: Vec<ScaleEvent>,
}

/// One change of a target's replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ScaleEvent {
    /// When it was written.
    at: Time,
    /// Pods added or removed; at least 1.
    pods: u32,
}

impl ScaleEvents {
    /// Records a change from `from` to `to` that was written at `at`. `longest_up` and `longest_down` are the
    /// longest periods of the policies of each direction.
    pub fn record(&mut self, from: u32, to: u32, at: Time, longest_up: Duration, longest_down: Duration) {
        let (events, longest) = match to.cmp(&from) {
            std::cmp::Ordering::Greater => (&mut self.up, longest_up),
            std::cmp::Ordering::Less => (&mut self.down, longest_down),
            std::cmp::Ordering::Equal => return,
        };
        let event = ScaleEvent { at, pods: from.abs_diff(to) };
        let cutoff = at.minus(longest);
        match events.iter_mut().rev().find(|old| old.at < cutoff) {
            Some(outdated) => *outdated = event,
            None => events.push(event),
        }
    }

    /// Pods added within the `period` that ends at `now`; an event that is exactly as old no longer counts.
    pub fn added(&self, period: Duration, now: Time) -> u64 {
        within(&self.up, period, now)
    }

    /// Pods removed within the `period` that ends at `now`; an event that is exactly as old no longer counts.
    pub fn removed(&self, period: Duration, now: Time) -> u64 {
        within(&self.down, period, now)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }

    /// The events as they count for whoever takes over at `now`: none lies in the future, which could only come
    /// from another machine's clock.
    pub(crate) fn restore(&mut self, now: Time) {
        for event in self.up.iter_mut().chain(&mut self.down) {
            event.at = event.at.min(now);
        }
    }
}

fn within(events: &[ScaleEvent], period: Duration, now: Time) -> u64 {
    let cutoff = now.minus(period);
    events.iter().filter(|event| event.at > cutoff).map(|event| u64::from(event.pods)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Time {
        Time::from_seconds(second)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_what_is_within_the_period_counts() {
        let mut events = ScaleEvents::default();
        events.record(2, 6, at(0), seconds(60), seconds(60));
        events.record(6, 5, at(10), seconds(60), seconds(60));
        events.record(5, 7, at(20), seconds(60), seconds(60));
        events.record(7, 7, at(21), seconds(60), seconds(60));
        assert_eq!((events.added(seconds(60), at(20)), events.removed(seconds(60), at(20))), (6, 1));
        assert_eq!(events.added(seconds(20), at(20)), 2, "an event as old as the period is out");
        assert_eq!(events.added(seconds(60), at(80)), 0);
    }

    #[test]
    fn a_new_event_overwrites_the_last_that_is_older_than_its_own_direction_looks_back() {
        let mut events = ScaleEvents::default();
        events.record(5, 14, at(0), seconds(1), seconds(30));
        // The rise is older than the 1 s of its direction, so this rise takes its place.
        events.record(14, 15, at(5), seconds(1), seconds(30));
        assert_eq!(events.added(seconds(30), at(6)), 1, "scale-in looks back 30 s and misses the 9 pods");
        assert_eq!(events.up.len(), 1);
        // At exactly the longest period an event is not outdated yet.
        events.record(15, 16, at(6), seconds(1), seconds(30));
        assert_eq!(events.up.len(), 2);
        events.record(16, 18, at(60), seconds(1), seconds(30));
        assert_eq!(
            events.up.iter().map(|event| event.pods).collect::<Vec<_>>(),
            [1, 2],
            "the last one is taken"
        );
    }

    #[test]
    fn what_lies_in_the_future_counts_as_now() {
        let mut events = ScaleEvents::default();
        events.record(1, 2, at(400), seconds(600), seconds(600));
        events.record(2, 6, at(900), seconds(600), seconds(600));
        events.restore(at(500));
        assert_eq!(events.added(seconds(1), at(500)), 4);
        assert_eq!(events.added(seconds(3600), at(500)), 5);
    }
}
