//! The decision table of a ScaledObject, row by row, through the whole of a decision.

use std::sync::Arc;

use super::*;
use crate::limits::Limits;
use crate::{
    Absence, AbsenceReason, Actuation, Bounds, Brakes, Decision, Member, Memory, Metric, Mode, Observation,
    Pause, Plan, Query, Reading, Safeguards, Scale, Target, cycle,
};

mod composites;
mod direct;
mod fallbacks;
mod open;
mod rows;

const MINUTE: Duration = Duration::from_secs(60);

fn at(second: i64) -> Time {
    Time::from_seconds(1_000_000 + second)
}

/// A trigger of `s<index>-prometheus`, active above `activation`, with 10 aimed for on each replica.
fn trigger(index: usize, activation: f64) -> Trigger {
    let target = MetricTarget::new(TargetType::AverageValue, 10.0).unwrap();
    let metric = format!("s{index}-prometheus").into();
    Trigger { name: None, scaler: "prometheusScaler".into(), metric, activation, target, is_open: false }
}

/// Two triggers, 0 to 10 replicas, 5 min of cooldown and none at first.
fn activation() -> Activation {
    Activation {
        triggers: vec![trigger(0, 0.0), trigger(1, 5.0)],
        only_pods: false,
        min: 0,
        max: 10,
        idle: None,
        cooldown: 5 * MINUTE,
        initial_cooldown: Duration::ZERO,
        created: at(0),
        forced: false,
        fallback: None,
        composite: None,
        freshness: None,
        direct: None,
    }
}

fn target() -> Target {
    Target {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    }
}

fn plan(activation: Activation) -> Plan {
    let metric = |trigger: &Trigger| Metric {
        name: trigger.metric.to_string(),
        query: Query::new("http", "", ()),
        minimum: None,
        target: Some(trigger.target),
        member: None,
    };
    Plan {
        members: vec![Member::single(target(), Bounds::new(0, i32::MAX as u32).unwrap())],
        metrics: activation.triggers.iter().map(metric).collect(),
        policy: Arc::new(activation),
        limits: Limits::default(),
        mode: Mode::Act,
        interval: MINUTE / 2,
        group: None,
        actuation: Actuation::Scale,
        brakes: Brakes::default(),
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
    }
}

/// A target on its way through several decisions.
struct World {
    plan: Plan,
    memory: Memory,
    scale: Option<Scale>,
    /// Whether its polls are ones in between.
    is_between: bool,
    last: Decision,
}

fn ready(replicas: u32) -> Scale {
    Scale { replicas, status_replicas: replicas, ready: Some(replicas) }
}

impl World {
    fn new(activation: Activation, replicas: u32) -> Self {
        let plan = plan(activation);
        let last = Decision {
            at: at(0),
            mode: Mode::Act,
            values: vec![],
            absences: vec![],
            outlooks: vec![],
            activity: None,
            published: vec![],
            members: vec![],
        };
        Self { plan, memory: Memory::default(), scale: Some(ready(replicas)), is_between: false, last }
    }

    fn paused(mut self, pause: Pause) -> Self {
        self.plan.brakes.pause = pause;
        self
    }

    /// It was active until `second`.
    fn active_until(mut self, second: i64) -> Self {
        self.memory.policy.insert(&target(), remembered(at(second)));
        self
    }

    /// Decides at `second` by these values, `None` for a trigger that fails, and carries the decision out. The
    /// explanation; what fails says so in front, which is left out.
    fn poll(&mut self, second: i64, values: &[Option<f64>]) -> String {
        let reading = |value: &Option<f64>| match value {
            Some(value) => Reading::of(*value, at(second)),
            None => Reading::absent(AbsenceReason::Timeout, "no response"),
        };
        self.read(second, values.iter().map(reading).collect())
    }

    /// The same by these readings.
    fn read(&mut self, second: i64, readings: Vec<Reading>) -> String {
        let (scales, is_between) = (vec![self.scale], self.is_between);
        let observation = Observation { scales, readings, is_between, ..Observation::default() };
        // The memory goes through its stored form, as by a leader that changes with every poll.
        let stored = serde_json::to_string(&self.memory).unwrap();
        let mut memory: Memory = serde_json::from_str(&stored).unwrap();
        let next = cycle::next_decision(&self.plan, &mut memory, &observation, &[], at(second));
        assert_eq!(next.violations, []);
        let stored = cycle::next_decision(&self.plan, &mut self.memory, &observation, &[], at(second));
        assert_eq!(stored.decision, next.decision);
        assert_eq!(self.memory, memory);
        self.last = next.decision;
        let Some(member) = self.last.members.first() else { return String::new() };
        self.scale = Some(ready(member.to));
        let steps = member.steps.iter().map(ToString::to_string).filter(|step| !step.starts_with("absent"));
        steps.collect::<Vec<_>>().join(", ")
    }

    fn activity(&self) -> &Activity {
        self.last.activity.as_ref().unwrap()
    }

    fn published(&self, metric: &str) -> &Published {
        self.last.published.iter().find(|published| *published.metric == *metric).unwrap()
    }
}

/// One decision at second 1000 with an empty memory.
fn once(activation: Activation, replicas: u32, values: &[Option<f64>]) -> String {
    World::new(activation, replicas).poll(1000, values)
}

#[test]
fn contract_4_6_running_replicas_are_counted_by_values_that_are_not_older_than_asked_for() {
    let at_least = |freshness| Activation { freshness, ..activation() };
    let long = 10 * MINUTE;
    // Its interval, the freshness, replicas before, value: how soon it is polled again.
    let cases = [
        (long, Some(LIVE_POLLING), 0, 0.0, long),
        (long, Some(LIVE_POLLING), 0, 9.0, LIVE_POLLING),
        (long, Some(LIVE_POLLING), 3, 9.0, LIVE_POLLING),
        (long, None, 3, 9.0, long),
        (Duration::from_secs(5), Some(LIVE_POLLING), 3, 9.0, Duration::from_secs(5)),
    ];
    for (interval, freshness, replicas, value, expected) in cases {
        let mut world = World::new(at_least(freshness), replicas);
        world.plan.interval = interval;
        world.poll(1000, &[Some(value), Some(0.0)]);
        assert_eq!(
            world.plan.interval_after(&world.last),
            expected,
            "{interval:?} {freshness:?} {replicas} {value}"
        );
        let next = cycle::next_poll_after(&world.plan, &world.last, at(1000));
        assert!(next > at(1000) && next.since(at(1000)) <= expected, "{next:?}");
    }
}

#[test]
fn contract_4_1_a_long_interval_counts_from_the_last_poll() {
    for (seconds, freshness, is_whole) in [
        (75, Some(LIVE_POLLING), true),
        (31, Some(LIVE_POLLING), true),
        (30, Some(LIVE_POLLING), false),
        (30, None, true),
    ] {
        let mut world = World::new(Activation { freshness, ..activation() }, 0);
        world.plan.interval = Duration::from_secs(seconds);
        let (mut shifted, begin) = (false, at(1000).plus(Duration::from_millis(137)));
        let mut due = begin;
        for _ in 0..20 {
            // A poll takes a moment, which does not add up.
            let next = cycle::next_poll(&world.plan, due.plus(Duration::from_millis(40)));
            shifted |= next.since(due).abs_diff(world.plan.interval) > Duration::from_millis(400);
            due = next;
        }
        assert_eq!(shifted, !is_whole, "{seconds} s");
        let passed = due.since(begin).as_secs_f64();
        assert!((passed - 20.0 * seconds as f64).abs() <= seconds as f64, "{passed}");
    }
}

/// The polls in between are for the values that the HPA asks for.
#[test]
fn contract_4_1_a_target_is_switched_off_by_the_polling_interval() {
    let at_once =
        |idle| Activation { idle, cooldown: Duration::ZERO, min: u32::from(idle.is_some()), ..activation() };
    for (activation, to) in [(at_once(None), 0), (at_once(Some(0)), 0)] {
        let mut world = World::new(activation, 3).active_until(900);
        world.is_between = true;
        let text = world.poll(1000, &[Some(0.0), Some(0.0)]);
        assert_eq!(text, "activation 3 (inactive, decided when the polling interval has passed)");
        assert_eq!(world.published("s0-prometheus").value, Ok(0.0));
        world.is_between = false;
        world.poll(1030, &[Some(0.0), Some(0.0)]);
        assert_eq!(world.scale.unwrap().replicas, to);
        // On the way out nobody waits.
        world.is_between = true;
        assert_eq!(world.poll(1060, &[Some(9.0), Some(0.0)]), "activation 0→1 (s0-prometheus 9 > 0)");
    }
}
