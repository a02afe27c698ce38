use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use engine::cycle;

use super::*;

fn begin() -> Time {
    Time::from_seconds(1_700_000_000)
}

fn after(millis: u64) -> Time {
    begin().plus(Duration::from_millis(millis))
}

fn object(index: usize) -> ObjectKey {
    ObjectKey::new("K", "", index.to_string())
}

/// A plan that asks `server` for `query`, every `interval` seconds.
fn plan(server: &str, query: &str, interval: u64) -> Plan {
    let mut plan = crate::scripted::plan();
    plan.interval = Duration::from_secs(interval);
    plan.metrics[0].query = Query::of_server(Some(server.to_owned()), "http", query, ());
    plan
}

/// Plans with a query each.
fn plans(count: usize, server: &str, interval: u64) -> Vec<Plan> {
    (0..count).map(|index| plan(server, &index.to_string(), interval)).collect()
}

/// What is polled by some plans at their regular instants, looked at every 10 ms as an operator does.
struct Scene<'a> {
    plans: &'a [Plan],
    pace: Pace,
    /// Those that do not wait in a line, the first to be due first.
    due: BinaryHeap<Reverse<(Time, usize)>>,
    now: Time,
    /// When each poll began, and of what server.
    begun: Vec<(Time, &'a str)>,
    /// How late the latest was since that was last asked.
    latest: Duration,
    /// Nothing begins before, as the process has no time.
    busy_until: Time,
}

impl<'a> Scene<'a> {
    fn of(plans: &'a [Plan]) -> Self {
        let mut pace = Pace::default();
        plans.iter().for_each(|plan| pace.join(plan, begin()));
        let due = plans.iter().enumerate();
        let due = due.map(|(index, plan)| Reverse((cycle::next_poll(plan, begin()), index))).collect();
        let (now, latest, begun) = (begin(), Duration::ZERO, Vec::new());
        Self { plans, pace, due, now, begun, latest, busy_until: begin() }
    }

    fn pass(&mut self, seconds: u64) -> &mut Self {
        let end = self.now.plus(Duration::from_secs(seconds));
        while self.now < end {
            self.now = self.now.plus(Duration::from_millis(10));
            if self.now < self.busy_until {
                continue;
            }
            while let Some(&Reverse((due, index))) = self.due.peek()
                && due <= self.now
            {
                self.due.pop();
                if self.pace.admits((due, &object(index)), &self.plans[index], due, self.now) {
                    self.begin(index, due);
                }
            }
            while let Some((due, key)) = self.pace.pop(self.now) {
                self.begin(key.name.parse().unwrap(), due);
            }
        }
        self
    }

    fn begin(&mut self, index: usize, due: Time) {
        let plan = &self.plans[index];
        self.latest = self.latest.max(self.now.since(due));
        self.pace.begins(plan, due, self.now);
        self.due.push(Reverse((cycle::next_poll(plan, self.now), index)));
        self.begun.push((self.now, plan.metrics[0].query.server().unwrap()));
    }

    /// The most that began within a second at one server; they are in the order of their times.
    fn busiest_second(&self) -> usize {
        let servers: HashSet<&str> = self.begun.iter().map(|(_, server)| *server).collect();
        let busiest = servers.into_iter().map(|server| {
            let begun = self.begun.iter().filter(|(_, of)| *of == server);
            let begun: Vec<Time> = begun.map(|(at, _)| *at).collect();
            let within = |(first, at): (usize, &Time)| {
                let end = at.plus(Duration::from_secs(1));
                begun.partition_point(|at| *at < end) - first
            };
            begun.iter().enumerate().map(within).max().unwrap_or(0)
        });
        busiest.max().unwrap_or(0)
    }
}

#[test]
fn no_second_has_more_than_two_hundred_requests_to_a_server_whatever_is_late() {
    let two = [plans(5000, "http://a", 30), plans(5000, "http://b", 30)].concat();
    let mut scene = Scene::of(&two);
    scene.pass(35);
    assert!(scene.busiest_second() <= 195, "{}", scene.busiest_second());
    assert!(scene.latest <= Duration::from_millis(1500), "{:?}", scene.latest);
    // A process that has no time for three seconds is late with a thousand polls.
    scene.busy_until = scene.now.plus(Duration::from_secs(3));
    scene.begun.clear();
    scene.pass(35);
    assert!(scene.busiest_second() <= 195, "{}", scene.busiest_second());
    scene.latest = Duration::ZERO;
    scene.pass(120).latest = Duration::ZERO;
    assert!(scene.pass(30).latest <= Duration::from_millis(1500), "it has caught up: {:?}", scene.latest);
}

#[test]
fn where_regular_polls_are_more_they_come_evenly_and_in_time() {
    let plans = plans(10_000, "http://a", 30);
    let mut scene = Scene::of(&plans);
    scene.pass(60);
    let polls = scene.begun.len();
    assert!((19_900..=20_000).contains(&polls), "{polls}");
    assert!(scene.busiest_second() <= 410, "333 are regular: {}", scene.busiest_second());
    assert!(scene.latest <= Duration::from_millis(1500), "{:?}", scene.latest);
    // What is late by ten seconds has soon caught up, with a quarter more in a second and no more.
    scene.busy_until = scene.now.plus(Duration::from_secs(10));
    scene.begun.clear();
    scene.pass(50).latest = Duration::ZERO;
    assert!(scene.pass(30).latest <= Duration::from_millis(500), "{:?}", scene.latest);
    assert!(scene.busiest_second() <= 450, "333 are regular: {}", scene.busiest_second());
}

#[test]
fn where_a_line_can_be_faster_what_was_late_has_soon_caught_up() {
    for (count, seconds) in [(3000, 45), (4000, 45), (4500, 65)] {
        let plans = plans(count, "http://a", 30);
        let mut scene = Scene::of(&plans);
        scene.pass(30).busy_until = scene.now.plus(Duration::from_secs(10));
        scene.pass(10 + seconds).latest = Duration::ZERO;
        assert!(scene.pass(30).latest <= Duration::from_millis(500), "{count}: {:?}", scene.latest);
        assert!(scene.busiest_second() <= 195, "{count}: {}", scene.busiest_second());
    }
}

#[test]
fn where_they_are_few_they_begin_when_they_are_due() {
    for (count, interval) in [(2000, 60), (1000, 10), (3000, 30)] {
        let plans = plans(count, "http://a", interval);
        let latest = Scene::of(&plans).pass(2 * interval).latest;
        assert!(latest <= Duration::from_millis(10), "{count}: {latest:?}");
    }
}

#[test]
fn equal_queries_are_asked_once_and_so_wait_for_nobody() {
    let plans = vec![plan("http://a", "same", 10); 1000];
    let mut scene = Scene::of(&plans);
    scene.pass(20);
    assert_eq!(scene.begun.len(), 2000);
    assert!(scene.latest <= Duration::from_millis(10), "{:?}", scene.latest);
}

#[test]
fn a_line_moves_the_faster_the_longer_it_is() {
    let (mut pace, plans) = (Pace::default(), plans(8000, "http://a", 3600));
    plans.iter().for_each(|plan| pace.join(plan, begin()));
    for (index, plan) in plans.iter().enumerate() {
        if pace.admits((begin(), &object(index)), plan, begin(), begin()) {
            pace.begins(plan, begin(), begin());
        }
    }
    let mut waited = Vec::new();
    for now in (0..60_000).step_by(10).map(after) {
        while let Some((_, key)) = pace.pop(now) {
            pace.begins(&plans[key.name.parse::<usize>().unwrap()], begin(), now);
            waited.push(now.since(begin()));
        }
    }
    assert_eq!(waited.len(), 8000 - 78);
    let at_first = waited.iter().filter(|waited| waited.as_secs() == 1).count();
    assert!((230..=264).contains(&at_first), "{at_first}");
    assert!(*waited.last().unwrap() <= Duration::from_secs(58), "{:?}", waited.last());
    assert_eq!(pace.next(), None);
}

#[test]
fn what_asks_no_server_and_what_is_not_known_never_waits() {
    let mut pace = Pace::default();
    let no_server = crate::scripted::plan();
    let unknown = plan("http://a", "q", 10);
    pace.join(&no_server, begin());
    for index in 0..1000 {
        for plan in [&no_server, &unknown] {
            assert!(pace.admits((begin(), &object(index)), plan, begin(), begin()));
            pace.begins(plan, begin(), begin());
        }
    }
}

#[test]
fn a_server_that_nobody_asks_any_more_is_forgotten() {
    let (mut pace, plan) = (Pace::default(), plan("http://a", "q", 10));
    pace.join(&plan, begin());
    pace.join(&plan, begin());
    pace.leave(&plan);
    assert_eq!(pace.servers.len(), 1);
    pace.leave(&plan);
    assert_eq!(pace.servers.len(), 0);
    pace.leave(&plan);
}
