use std::collections::HashSet;

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
    due: Vec<Time>,
    /// Those that wait.
    in_line: HashSet<usize>,
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
        let due = plans.iter().map(|plan| cycle::next_poll(plan, begin())).collect();
        let (now, latest) = (begin(), Duration::ZERO);
        let (in_line, begun) = (HashSet::new(), Vec::new());
        Self { plans, pace, due, in_line, now, begun, latest, busy_until: begin() }
    }

    fn pass(&mut self, seconds: u64) -> &mut Self {
        let end = self.now.plus(Duration::from_secs(seconds));
        while self.now < end {
            self.now = self.now.plus(Duration::from_millis(10));
            if self.now < self.busy_until {
                continue;
            }
            for index in 0..self.plans.len() {
                let due = self.due[index];
                if due > self.now || self.in_line.contains(&index) {
                    continue;
                }
                if self.pace.admits((due, &object(index)), &self.plans[index], due, self.now) {
                    self.begin(index);
                } else {
                    self.in_line.insert(index);
                }
            }
            while let Some((_, key)) = self.pace.pop(self.now) {
                let index: usize = key.name.parse().unwrap();
                self.in_line.remove(&index);
                self.begin(index);
            }
        }
        self
    }

    fn begin(&mut self, index: usize) {
        let plan = &self.plans[index];
        let due = self.due[index];
        self.latest = self.latest.max(self.now.since(due));
        self.pace.begins(plan, due, self.now);
        self.due[index] = cycle::next_poll(plan, self.now);
        self.begun.push((self.now, plan.metrics[0].query.server().unwrap()));
    }

    fn busiest_second(&self) -> usize {
        let within = |&(from, server): &(Time, &str)| {
            let end = from.plus(Duration::from_secs(1));
            self.begun.iter().filter(|(at, of)| *of == server && (from..end).contains(at)).count()
        };
        self.begun.iter().map(within).max().unwrap_or(0)
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
    assert!(scene.busiest_second() <= 380, "333 are regular: {}", scene.busiest_second());
    assert!(scene.latest <= Duration::from_millis(1500), "{:?}", scene.latest);
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
