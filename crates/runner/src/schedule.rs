//! When which object is due: one heap for all, instead of one timer or task for each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use engine::Time;

use crate::ObjectKey;

/// The times at which objects are due. An object may be named twice; its entry knows which counts.
#[derive(Debug, Default)]
pub(crate) struct Schedule(BinaryHeap<Reverse<(Time, ObjectKey)>>);

impl Schedule {
    /// Notes that `key` is due at `due`.
    pub(crate) fn push(&mut self, due: Time, key: ObjectKey) {
        self.0.push(Reverse((due, key)));
    }

    /// The earliest time at which anything is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }

    /// Takes one that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(Time, ObjectKey)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The first poll of an object: soon, and spread so that thousands do not begin at once.
/// The spread is 2 ms for each object that waits, at least 100 ms and at most the interval.
pub(crate) fn first_poll(key: &ObjectKey, interval: Duration, waiting: usize, now: Time) -> Time {
    let spread = Duration::from_millis((waiting as u64).saturating_mul(2).max(100)).min(interval);
    now.plus(Duration::from_millis(hash(key) % (spread.as_millis() as u64).max(1)))
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_starts_spread_and_a_single_object_at_once() {
        let now = Time::default();
        let key = |name: usize| ObjectKey { kind: "K", namespace: String::new(), name: name.to_string() };
        let interval = Duration::from_secs(10);
        assert!(first_poll(&key(1), interval, 1, now) <= now.plus(Duration::from_millis(100)));
        let latest = (0..1000).map(|name| first_poll(&key(name), interval, 1000, now)).max().unwrap();
        assert!(latest > now.plus(Duration::from_millis(1500)) && latest <= now.plus(Duration::from_secs(2)));
    }

    #[test]
    fn what_is_due_comes_in_order() {
        let key = |name: &str| ObjectKey { kind: "K", namespace: String::new(), name: name.to_owned() };
        let mut schedule = Schedule::default();
        schedule.push(Time::from_seconds(2), key("b"));
        schedule.push(Time::from_seconds(1), key("a"));
        schedule.push(Time::from_seconds(9), key("c"));
        let now = Time::from_seconds(5);
        assert_eq!(schedule.pop_due(now).unwrap().1.name, "a");
        assert_eq!(schedule.pop_due(now).unwrap().1.name, "b");
        assert_eq!(schedule.pop_due(now), None);
        assert_eq!(schedule.next(), Some(Time::from_seconds(9)));
    }
}
