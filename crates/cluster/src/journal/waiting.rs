//! What waits to be written, in the order in which it came: one line of records for each object.
//!
//! An object whose status cannot be written rests, each time twice as long, and takes no place from others meanwhile:
//! a hundred objects that are refused again and again delay nobody else's status.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Records that wait for one object; beyond it the oldest is dropped.
const MOST_RECORDS: usize = 16;
/// Objects that wait for their turn, beyond which no record is kept that comes again by itself. After a start the statuses
/// of all objects are new at once, and a record is some 2 KB: what lies between it and the next one stays, so that its room
/// would never be given back.
const MANY: usize = 500;
/// How many more may wait for each time that a record of an object was not kept.
const MORE: usize = 50;
/// The first rest of an object whose record could not be written.
const SHORTEST_REST: Duration = Duration::from_secs(5);
/// The longest: how late a status may be written after the cause of its failures is fixed.
const LONGEST_REST: Duration = Duration::from_secs(80);

/// See the module.
pub(super) struct Waiting<K, R> {
    lines: HashMap<K, Line<R>>,
    /// Objects that can be written, the first to come first; each once.
    ready: VecDeque<K>,
    /// Objects that rest, the first to end first.
    resting: BinaryHeap<Reverse<(Instant, K)>>,
    /// Objects of which the last records were not kept, and how many.
    sent_away: HashMap<K, u8>,
}

struct Line<R> {
    records: VecDeque<R>,
    /// Writes in a row that failed.
    failures: u32,
}

impl<K, R> Default for Waiting<K, R>
where
    K: Ord,
{
    fn default() -> Self {
        Self {
            lines: HashMap::new(),
            ready: VecDeque::new(),
            resting: BinaryHeap::new(),
            sent_away: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord, R> Waiting<K, R> {
    /// Adds a record of `key`. Where `replaces` says so of the last one that waits, it takes that one's place.
    pub(super) fn add(&mut self, key: K, record: R, replaces: impl FnOnce(&R) -> bool) {
        self.sent_away.remove(&key);
        let line = self.lines.entry(key.clone()).or_insert_with(|| {
            self.ready.push_back(key);
            Line { records: VecDeque::new(), failures: 0 }
        });
        if line.records.back().is_some_and(replaces) {
            line.records.pop_back();
        }
        line.records.push_back(record);
        if line.records.len() > MOST_RECORDS {
            line.records.pop_front();
        }
    }

    /// The same for a record that comes again by itself: it is not kept while [`MANY`] other objects wait for their turn, and
    /// a few more each time that this happens to its object. Where more is to be written than can be for long, each is
    /// written now and then, whatever the order in which they come.
    pub(super) fn offer(&mut self, key: K, record: R, replaces: impl FnOnce(&R) -> bool) {
        let times = self.sent_away.get(&key).copied().unwrap_or_default();
        if self.ready.len() < MANY + MORE * usize::from(times) || self.lines.contains_key(&key) {
            self.add(key, record, replaces);
        } else {
            self.sent_away.insert(key, times.saturating_add(1));
        }
    }

    /// The next record to write, if one can be written at `now`. Its object has no other until this one has ended.
    pub(super) fn next(&mut self, now: Instant) -> Option<(K, R)> {
        self.wake(|until| until <= now);
        let key = self.ready.pop_front()?;
        let line = self.lines.get_mut(&key)?;
        let record = line.records.pop_front()?;
        Some((key, record))
    }

    /// The record of `key` has been written, or is not tried again.
    pub(super) fn done(&mut self, key: &K) {
        let Some(line) = self.lines.get_mut(key) else { return };
        if line.records.is_empty() {
            self.lines.remove(key);
            return;
        }
        line.failures = 0;
        self.ready.push_back(key.clone());
    }

    /// The record of `key` could not be written at `now`. It waits again, in front of later ones, unless `is_old` says
    /// that those make up for it.
    pub(super) fn failed(&mut self, key: &K, record: R, now: Instant, is_old: impl FnOnce(&R) -> bool) {
        let Some(line) = self.lines.get_mut(key) else { return };
        if line.records.is_empty() || !is_old(&record) {
            line.records.push_front(record);
        }
        let rest = SHORTEST_REST.saturating_mul(2_u32.saturating_pow(line.failures)).min(LONGEST_REST);
        line.failures = line.failures.saturating_add(1);
        self.resting.push(Reverse((now + rest, key.clone())));
    }

    /// Ends all rests: there is no later.
    pub(super) fn wake_all(&mut self) {
        self.wake(|_| true);
    }

    fn wake(&mut self, is_over: impl Fn(Instant) -> bool) {
        while self.resting.peek().is_some_and(|Reverse((until, _))| is_over(*until)) {
            let Some(Reverse((_, key))) = self.resting.pop() else { return };
            self.ready.push_back(key);
        }
    }

    /// When the next rest ends.
    pub(super) fn next_rest(&self) -> Option<Instant> {
        self.resting.peek().map(|Reverse((until, _))| *until)
    }

    /// Whether nothing waits, and nothing is being written.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be written at `now`, in order; all of it fails or not.
    fn written(waiting: &mut Waiting<&'static str, u32>, now: Instant) -> Vec<(&'static str, u32)> {
        std::iter::from_fn(|| waiting.next(now)).collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_comes_first_is_written_first_and_each_object_once_at_a_time() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        for (key, record) in [("b", 1), ("a", 2), ("b", 3), ("c", 4)] {
            waiting.add(key, record, |_| false);
        }
        assert_eq!(written(&mut waiting, now), [("b", 1), ("a", 2), ("c", 4)]);
        waiting.done(&"b");
        waiting.done(&"a");
        assert_eq!(written(&mut waiting, now), [("b", 3)]);
        waiting.done(&"b");
        waiting.done(&"c");
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_later_record_takes_the_place_of_one_that_it_makes_up_for() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.add("a", 1, |_| true);
        waiting.add("a", 2, |last| *last == 1);
        assert_eq!(written(&mut waiting, now), [("a", 2)]);
        waiting.add("a", 3, |_| true);
        waiting.failed(&"a", 2, now, |record| *record == 2);
        assert_eq!(written(&mut waiting, now + seconds(5)), [("a", 3)]);
        waiting.add("a", 4, |_| true);
        waiting.failed(&"a", 3, now, |_| false);
        assert_eq!(written(&mut waiting, now + seconds(60)), [("a", 3)], "what it scaled is not lost");
        for record in 0..40 {
            waiting.add("b", record, |_| false);
        }
        assert_eq!(waiting.next(now), Some(("b", 24)), "the last sixteen");
    }

    #[test]
    fn where_many_wait_what_comes_again_is_not_kept_and_whoever_rests_is_not_one_of_them() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        for key in 0..MANY + 1 {
            waiting.offer(key, 1, |_| true);
        }
        waiting.offer(0, 2, |_| true);
        waiting.add(MANY + 1, 1, |_| true);
        let mut all = std::iter::from_fn(|| waiting.next(now)).collect::<Vec<_>>();
        assert_eq!(all.len(), MANY + 1);
        assert_eq!(
            (all[0], all.pop()),
            ((0, 2), Some((MANY + 1, 1))),
            "the last that came one by one is not there"
        );
        for (key, record) in all {
            waiting.failed(&key, record, now, |_| true);
        }
        waiting.offer(MANY, 3, |_| true);
        assert_eq!(waiting.next(now), Some((MANY, 3)), "it waits for nobody who rests");
    }

    #[test]
    fn where_more_comes_than_can_be_written_each_object_is_written_now_and_then() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        let mut times = vec![0; 2000];
        // A third of what comes can be written, and all come in the same order each time.
        for _ in 0..60 {
            for key in 0..times.len() {
                waiting.offer(key, 1, |_| true);
                if key % 3 == 0 {
                    let (key, _) = waiting.next(now).unwrap();
                    waiting.done(&key);
                    times[key] += 1;
                }
            }
            assert!(waiting.lines.len() < MANY + 8 * MORE, "{}", waiting.lines.len());
        }
        let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        assert!((15..=20).contains(least) && (20..=40).contains(most), "{least} to {most} times");
    }

    #[test]
    fn what_cannot_be_written_rests_longer_each_time_and_holds_up_nobody() {
        let (mut waiting, mut now) = (Waiting::default(), Instant::now());
        waiting.add("refused", 1, |_| true);
        for rest in [5, 10, 20, 40, 80, 80] {
            let (key, record) = waiting.next(now).unwrap();
            waiting.failed(&key, record, now, |_| true);
            assert_eq!(waiting.next_rest(), Some(now + seconds(rest)));
            waiting.add("other", rest as u32, |_| true);
            waiting.add("refused", 2, |_| true);
            assert_eq!(written(&mut waiting, now + seconds(rest - 1)), [("other", rest as u32)]);
            waiting.done(&"other");
            now += seconds(rest);
        }
        let (key, _) = waiting.next(now).unwrap();
        waiting.add("refused", 3, |_| true);
        waiting.done(&key);
        let (key, record) = waiting.next(now).unwrap();
        waiting.failed(&key, record, now, |_| true);
        assert_eq!(waiting.next_rest(), Some(now + seconds(5)), "a success resets the rest");
    }

    #[test]
    fn at_the_end_nothing_rests() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.add("a", 1, |_| true);
        let (key, record) = waiting.next(now).unwrap();
        waiting.failed(&key, record, now, |_| true);
        waiting.wake_all();
        assert_eq!(waiting.next(now), Some(("a", 1)));
        waiting.add("a", 2, |_| false);
        waiting.done(&"a");
        assert_eq!(waiting.next(now), Some(("a", 2)), "what came later is still written");
        waiting.done(&"a");
        assert!(waiting.is_empty() && waiting.next(now).is_none());
    }
}
