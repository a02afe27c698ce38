//! When which object is due: one heap for all, instead of one timer or task for each.

use std::cmp::Reverse;
use std::collections::hash_map::Entry::Vacant;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use engine::{Metric, Plan, Time, cycle};

use crate::ObjectKey;
use crate::pace::{LEAST_HEADROOM, quickest};

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

/// Requests a second to any one metric server up to which first polls add to those of the objects that have come to their
/// regular instants: after a restart all objects wait at once, and whoever is asked must not feel it. What then comes
/// together all the same, as an operator that has just begun is busy, is held back by [`Pace`](crate::pace::Pace).
const START_RATE: f64 = 100.0;

/// Before each first poll at least, in seconds, whomever they ask: each takes the processor for a moment.
const START_GAP: f64 = 0.002;

/// The first poll of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstPoll {
    /// When it is due.
    pub(crate) due: Time,
    /// The regular instant in whose place it is, where that is so: there is none then.
    pub(crate) in_place_of: Option<Time>,
}

/// The first polls of a crowd of objects that wait, each by its plan where it has one, in their order: soon, and no later
/// than their first regular instant.
pub(crate) fn first_polls(crowd: &[Option<&Plan>], now: Time) -> Vec<FirstPoll> {
    let mut lines: HashMap<Option<&str>, Line> = HashMap::new();
    for plan in crowd.iter().flatten() {
        for Metric { query, .. } in &plan.metrics {
            lines.entry(query.server()).or_default().join(query.digest(), plan);
        }
    }
    let mut polls = Vec::with_capacity(crowd.len());
    for (index, plan) in crowd.iter().enumerate() {
        let spread = START_GAP * (index + 1) as f64;
        let Some(plan) = plan else {
            polls.push(FirstPoll { due: now.plus(Duration::from_secs_f64(spread)), in_place_of: None });
            continue;
        };
        let regular = cycle::first_regular_poll(plan, now);
        let latest = regular.since(now).as_secs_f64();
        let first = Turn { at: spread, is_regular: false };
        let turn = plan.metrics.iter().fold(first, |turn, Metric { query, .. }| {
            let line = lines.get_mut(&query.server());
            line.map_or(turn, |line| line.turn(query.digest(), plan, turn, latest))
        });
        let due = if turn.at < latest { now.plus(Duration::from_secs_f64(turn.at)) } else { regular };
        polls.push(FirstPoll { due, in_place_of: turn.is_regular.then_some(regular) });
    }
    polls
}

/// When an object may ask.
#[derive(Clone, Copy)]
struct Turn {
    /// In seconds from now.
    at: f64,
    /// Whether that is instead of its first regular instant, and a little before it.
    is_regular: bool,
}

/// The queries that wait to be asked of one server. Times are seconds from now.
#[derive(Debug, Default)]
struct Line {
    /// Each by its digest, with whether it has had its turn: equal ones are asked once.
    queries: HashMap<u64, bool>,
    /// Requests a second of the regular polls of those that come to an instant of their own.
    regular: f64,
    /// The same of those whose interval counts from their first poll. Nothing but that spreads them.
    from_first: f64,
    /// When the next may be asked.
    free: f64,
}

impl Line {
    fn join(&mut self, digest: u64, plan: &Plan) {
        if let Vacant(new) = self.queries.entry(digest) {
            new.insert(false);
            let rate = 1.0 / plan.shortest_interval().as_secs_f64();
            *(if counts_from_first(plan) { &mut self.from_first } else { &mut self.regular }) += rate;
        }
    }

    /// When the query may be asked that would be at `from`, and regularly is at `latest`.
    fn turn(&mut self, digest: u64, plan: &Plan, from: Turn, latest: f64) -> Turn {
        // Where they are many, a first round is as quick as what is late, so that it ends within the interval.
        let all = self.regular + self.from_first;
        let hurry = quickest(all) / all;
        let Some(had) = self.queries.get_mut(&digest).filter(|had| !**had) else { return from };
        let at = from.at.max(self.free);
        let room = START_RATE - self.regular;
        let room = if counts_from_first(plan) {
            // As near to each other as they come they stay.
            room.max(self.from_first * LEAST_HEADROOM)
        } else if room > self.from_first.max(all * hurry) {
            room
        } else {
            // Beside the regular ones it would take longer than in their place. Their instants spread them.
            let before = if from.is_regular { from.at } else { 0.0 };
            return Turn { at: before.max(latest / hurry), is_regular: true };
        };
        if at >= latest {
            return Turn { at: latest, ..from };
        }
        (*had, self.free) = (true, at + 1.0 / room);
        Turn { at, ..from }
    }
}

fn counts_from_first(plan: &Plan) -> bool {
    plan.policy.counts_from_poll(plan.shortest_interval())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::policy::{Policy, PolicyMemories, Recommendation};
    use engine::{Query, View};

    use super::*;

    /// Plans that ask `server` a query each, this often.
    fn plans(count: usize, server: &str, interval: u64) -> Vec<Plan> {
        let plan = |index: usize| {
            let mut plan = crate::scripted::plan();
            plan.interval = Duration::from_secs(interval);
            plan.metrics[0].query = Query::of_server(Some(server.to_owned()), "http", &index.to_string(), ());
            plan
        };
        (0..count).map(plan).collect()
    }

    /// The most requests to one server within a second of the first interval and the next, where each plan is polled by
    /// its first poll and then by its regular instants; and in how many seconds all have been polled.
    fn busiest(plans: &[Plan], now: Time) -> (usize, f64) {
        let crowd: Vec<Option<&Plan>> = plans.iter().map(Some).collect();
        let first = first_polls(&crowd, now);
        let mut polls = Vec::new();
        for (plan, first) in plans.iter().zip(&first) {
            let server = plan.metrics[0].query.server();
            let (mut at, mut instead) = (first.due, first.in_place_of);
            while at < now.plus(plan.interval * 2) {
                polls.push((server, at.as_millis()));
                at = cycle::next_poll(plan, instead.take().unwrap_or(at));
            }
        }
        polls.sort_unstable();
        let within = |&(server, at): &(Option<&str>, i64)| {
            let end = polls.partition_point(|poll| *poll < (server, at + 1000));
            end - polls.partition_point(|poll| *poll < (server, at))
        };
        let last =
            first.iter().map(|first| first.due).max().map_or(0.0, |last| last.since(now).as_secs_f64());
        (polls.iter().map(within).max().unwrap_or(0), last)
    }

    #[test]
    fn a_crowd_asks_no_server_more_than_two_hundred_times_a_second() {
        let now = Time::from_seconds(1_700_000_000);
        let (busiest_second, last) = busiest(&plans(1000, "http://a", 30), now);
        assert!((80..=150).contains(&busiest_second), "{busiest_second}");
        assert!((9.5..=13.0).contains(&last), "{last}");
        let two: Vec<Plan> = [plans(3000, "http://a", 30), plans(3000, "http://b", 30)].concat();
        let (busiest_second, last) = busiest(&two, now);
        assert!(busiest_second <= 200 && last <= 25.0, "{busiest_second} {last}");
    }

    #[test]
    fn where_the_regular_ones_are_as_many_first_polls_come_in_their_place() {
        let now = Time::from_seconds(1_700_000_000);
        // So much of an interval: a quarter faster, but not beyond what a server is asked otherwise.
        for (count, share) in [(4000, 0.8), (5000, 0.926), (9000, 0.8)] {
            let plans = plans(count, "http://a", 30);
            let crowd: Vec<Option<&Plan>> = plans.iter().map(Some).collect();
            for (plan, first) in plans.iter().zip(first_polls(&crowd, now)) {
                let regular = cycle::next_poll(plan, now);
                assert_eq!(first.in_place_of, Some(regular), "{count}");
                let (due, latest) = (first.due.since(now).as_secs_f64(), regular.since(now).as_secs_f64());
                assert!((due - share * latest).abs() < 0.01, "{count}: {due} of {latest}");
            }
        }
    }

    /// Has its interval count from the last poll, and recommends nothing.
    #[derive(Debug)]
    struct FromLast;

    impl Policy for FromLast {
        fn name(&self) -> &'static str {
            "from-last"
        }

        fn recommend(&self, _: &View<'_>, _: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
            None
        }

        fn counts_from_poll(&self, _: Duration) -> bool {
            true
        }
    }

    #[test]
    fn where_nothing_else_spreads_them_a_crowd_is_spread_over_its_interval_for_good() {
        let now = Time::from_seconds(1_700_000_000);
        for (count, seconds) in [(300, 2.9..=3.1), (5000, 47.0..=50.5), (9000, 56.5..=58.0)] {
            let mut plans = plans(count, "http://a", 60);
            plans.iter_mut().for_each(|plan| plan.policy = Arc::new(FromLast));
            let (busiest_second, last) = busiest(&plans, now);
            assert!(busiest_second <= 200, "{count}: {busiest_second}");
            assert!(seconds.contains(&last), "{count}: {last}");
        }
    }

    #[test]
    fn equal_queries_wait_for_nobody_and_one_object_is_polled_at_once() {
        let now = Time::from_seconds(1_700_000_000);
        let plan = &plans(1, "http://a", 30)[0];
        let due: Vec<Time> =
            first_polls(&[Some(plan), Some(plan), None], now).into_iter().map(|first| first.due).collect();
        let after = |millis| now.plus(Duration::from_millis(millis)).min(cycle::next_poll(plan, now));
        assert_eq!(due, [after(2), after(4), now.plus(Duration::from_millis(6))]);
    }

    #[test]
    fn what_is_due_comes_in_order() {
        let key = |name: &str| ObjectKey::new("K", "", name);
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
