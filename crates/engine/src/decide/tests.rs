use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::{
    AbsenceReason, Actuation, Bounds, Brakes, Limits, Member, MemberDecision, Metric, Mode, Policy, Query,
    Reading, Safeguards, Scale, Target, policy::Linear,
};

/// A plan like the one of a BusinessScaling: 1000..5000 users, 2..10 replicas.
fn plan(limits: Limits) -> Plan {
    Plan {
        members: vec![Member::single(
            Target {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: "shop".to_owned(),
                name: "web".to_owned(),
            },
            Bounds::new(2, 10).unwrap(),
        )],
        metrics: vec![Metric {
            name: "users".to_owned(),
            query: Query::new("http", "", ()),
            minimum: Some(0.0),
            target: None,
            member: None,
        }],
        policy: Arc::new(Linear::new(1000.0, 5000.0, 2, 10).unwrap()) as Arc<dyn Policy>,
        limits,
        mode: Mode::Act,
        interval: Duration::from_secs(60),
        group: None,
        actuation: Actuation::Scale,
        brakes: Brakes::default(),
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
    }
}

fn seen(replicas: u32, reading: Reading) -> Observation {
    let scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
    Observation { scales: vec![Some(scale)], readings: vec![reading], ..Observation::default() }
}

fn at(second: i64) -> Time {
    Time::from_seconds(second)
}

fn users(value: f64) -> Reading {
    Reading::of(value, at(0))
}

fn down() -> Reading {
    Reading::absent(AbsenceReason::ConnectionFailed, "connection refused")
}

/// Replicas and explanation of one decision with an empty memory.
fn once(limits: Limits, replicas: u32, reading: Reading) -> (u32, String) {
    let decision = decide(&plan(limits), &mut Memory::default(), &seen(replicas, reading), at(0));
    (decision.members[0].to, decision.members[0].explanation())
}

#[test]
fn follows_the_metric_within_the_bounds() {
    assert_eq!(once(Limits::default(), 2, users(3000.0)), (6, "linear 2→6 (3000 in 1000..5000)".to_owned()));
    assert_eq!(once(Limits::default(), 6, users(0.0)), (2, "linear 6→2 (0 below 1000..5000)".to_owned()));
    assert_eq!(once(Limits::default(), 6, users(9e9)).0, 10);
}

#[test]
fn an_absent_reading_never_scales_in() {
    let absent = "absent users (connection refused)";
    assert_eq!(once(Limits::default(), 9, down()), (9, absent.to_owned()));
    assert_eq!(
        once(Limits::default(), 20, down()),
        (10, format!("{absent}, bounds 20→10 (10 at most)")),
        "the maximum is an order and no guess"
    );
    assert_eq!(once(Limits::default(), 1, down()), (2, format!("{absent}, bounds 1→2 (2 at least)")));
}

#[test]
fn a_negative_count_and_a_nan_are_absent() {
    let (to, why) = once(Limits::default(), 9, users(-1.0));
    assert_eq!((to, why.as_str()), (9, "absent users (the value -1 is below the minimum, 0)"));
    assert_eq!(once(Limits::default(), 9, users(f64::NAN)).0, 9);
    assert_eq!(once(Limits::default(), 9, users(f64::NEG_INFINITY)).0, 9);
}

#[test]
fn a_target_that_was_not_found_gets_no_decision() {
    let observation =
        Observation { scales: vec![None], readings: vec![users(3000.0)], ..Observation::default() };
    let decision = decide(&plan(Limits::default()), &mut Memory::default(), &observation, at(0));
    assert!(decision.members.is_empty() && !decision.scales());
}

#[test]
fn one_operation_moves_no_more_than_the_rate() {
    let limits = Limits::default().with_pods_per_operation(Some(2), Some(1));
    assert_eq!(
        once(limits.clone(), 4, users(5000.0)),
        (6, "linear 4→10 (5000 in 1000..5000), rate 10→6 (+2 at most)".to_owned())
    );
    assert_eq!(once(limits, 9, users(0.0)).0, 8);
}

#[test]
fn a_cooldown_starts_when_a_scale_was_carried_out() {
    let plan = plan(Limits::default().with_cooldown(Duration::from_secs(300)));
    let mut memory = Memory::default();
    let first = decide(&plan, &mut memory, &seen(2, users(3000.0)), at(0));
    assert_eq!(first.members[0].to, 6);

    let refused = decide(&plan, &mut memory, &seen(2, users(3000.0)), at(10));
    assert_eq!(refused.members[0].to, 6, "a write that did not happen starts no cooldown");

    memory.applied(&plan, &first, at(20));
    let held = decide(&plan, &mut memory, &seen(6, users(5000.0)), at(200));
    assert_eq!(held.members[0].to, 6);
    assert!(held.members[0].explanation().ends_with("cooldown 10→6 (120 s left)"));
    assert_eq!(decide(&plan, &mut memory, &seen(6, users(5000.0)), at(320)).members[0].to, 10);
}

#[test]
fn scale_in_waits_for_its_window() {
    let limits = Limits::default().with_windows(Duration::ZERO, Duration::from_secs(300));
    let plan = plan(limits);
    let mut memory = Memory::default();
    let mut replicas = 6;
    let mut changes = Vec::new();
    for second in (0..=600).step_by(60) {
        let decision = decide(&plan, &mut memory, &seen(replicas, users(1000.0)), at(second));
        if decision.scales() {
            memory.applied(&plan, &decision, at(second));
            replicas = decision.members[0].to;
            changes.push((second, replicas));
        }
    }
    assert_eq!(changes, [(300, 2)], "the first sight counts as a recommendation of 6 that holds for 300 s");
}

#[test]
fn a_window_for_scale_in_does_not_hold_scale_out() {
    let limits = Limits::default().with_windows(Duration::ZERO, Duration::from_secs(300));
    assert_eq!(once(limits, 2, users(3000.0)).0, 6);
}

#[test]
fn scale_out_waits_for_its_window() {
    let limits = Limits::default().with_windows(Duration::from_secs(120), Duration::ZERO);
    let plan = plan(limits);
    let mut memory = Memory::default();
    let wanted: Vec<u32> = (0..4)
        .map(|poll| {
            let decision = decide(&plan, &mut memory, &seen(2, users(5000.0)), at(poll * 60));
            decision.members[0].to
        })
        .collect();
    assert_eq!(wanted, [2, 2, 10, 10], "a recommendation that is as old as the window does not count");
}

#[test]
fn observe_mode_is_on_the_decision() {
    let plan = Plan { mode: Mode::Observe, ..plan(Limits::default()) };
    let decision = decide(&plan, &mut Memory::default(), &seen(2, users(3000.0)), at(0));
    assert_eq!((decision.mode, decision.members[0].to), (Mode::Observe, 6));
}

#[test]
fn a_plan_without_its_member_forgets_it() {
    let windowed = plan(Limits::default().with_windows(Duration::ZERO, Duration::from_secs(60)));
    let mut memory = Memory::default();
    decide(&windowed, &mut memory, &seen(2, users(3000.0)), at(0));
    assert!(!memory.members.is_empty());
    memory.fit(&windowed);
    assert!(!memory.members.is_empty());
    memory.fit(&plan(Limits::default()));
    assert!(memory.members.is_empty());
}

/// A plan under policy cost: 100 requests a replica, 0.10/h each, 0.50/h at most, beside a queue of 5 a replica.
fn costly(limits: Limits) -> Plan {
    let mut plan = plan(limits);
    let slo = crate::policy::Slo::default();
    plan.policy = Arc::new(crate::policy::CostPolicy::new(slo, crate::Budget::new(0.1, 0.5).unwrap()));
    plan.metrics[0].target = crate::MetricTarget::new(crate::TargetType::AverageValue, 100.0);
    let mut queue = plan.metrics[0].clone();
    "queue".clone_into(&mut queue.name);
    queue.target = crate::MetricTarget::new(crate::TargetType::AverageValue, 5.0);
    plan.metrics.push(queue);
    plan
}

fn costs(limits: Limits, replicas: u32, readings: [Reading; 2]) -> MemberDecision {
    let scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
    let observation =
        Observation { scales: vec![Some(scale)], readings: readings.to_vec(), ..Observation::default() };
    decide(&costly(limits), &mut Memory::default(), &observation, at(0)).members.remove(0)
}

#[test]
fn a_budget_caps_the_recommendation_and_shows_the_money() {
    let decided = costs(Limits::default(), 4, [users(700.0), users(0.0)]);
    assert_eq!(decided.explanation(), "slo 4→7 (users 700/100), cost 7→5 (0.50/h of 0.50/h)");
    assert_eq!(decided.cost.unwrap().to_string(), "0.40/h, recommended 0.70/h, budget 0.50/h");
    let decided = costs(Limits::default(), 8, [users(700.0), users(0.0)]);
    assert_eq!(decided.to, 5, "a budget that was lowered counts at once");
    let window = Limits::default().with_windows(Duration::ZERO, Duration::from_secs(300));
    assert_eq!(
        costs(window, 8, [users(0.0), users(0.0)]).to,
        5,
        "a window of old recommendations does not buy more"
    );
}

#[test]
fn one_absent_metric_of_two_forbids_scale_in_and_allows_scale_out() {
    let decided = costs(Limits::default(), 4, [down(), users(10.0)]);
    assert_eq!(decided.to, 4);
    assert!(decided.explanation().ends_with("slo 4→2 (queue 10/5), no scale-in 2→4 (metric unavailable)"));
    assert_eq!(costs(Limits::default(), 3, [down(), users(25.0)]).to, 5);
}

#[test]
fn bounds_come_first_and_limits_count_from_there() {
    let limits = || Limits::default().with_pods_per_operation(Some(1), Some(1));
    let cooling = || limits().with_cooldown(Duration::from_secs(300));
    let up = "bounds 1→5 (5 at least)";
    let low = "linear 5→2 (1000 in 1000..5000), bounds 2→5 (5 at least)";
    let high = "linear 5→10 (5000 in 1000..5000), bounds 10→8 (8 at most), rate 8→6 (+1 at most)";
    let down_to = "bounds 20→8 (8 at most)";
    let cases = [
        (cooling(), 1, users(1000.0), 5, format!("{up}, {low}")),
        (cooling(), 1, users(5000.0), 5, format!("{up}, {high}, cooldown 6→5 (290 s left)")),
        (limits(), 1, users(5000.0), 6, format!("{up}, {high}")),
        (cooling(), 1, down(), 5, format!("absent users (connection refused), {up}")),
        (cooling(), 20, down(), 8, format!("absent users (connection refused), {down_to}")),
        (
            cooling(),
            20,
            users(5000.0),
            8,
            format!("{down_to}, linear 8→10 (5000 in 1000..5000), bounds 10→8 (8 at most)"),
        ),
        (
            limits(),
            20,
            users(1000.0),
            7,
            format!(
                "{down_to}, linear 8→2 (1000 in 1000..5000), bounds 2→5 (5 at least), rate 5→7 (-1 at most)"
            ),
        ),
    ];
    for (limits, from, reading, to, explanation) in cases {
        let mut plan = plan(limits);
        plan.members[0].bounds = Bounds::new(5, 8).unwrap();
        let mut memory = Memory { last_scale: Some(at(0)), ..Memory::default() };
        let decided = decide(&plan, &mut memory, &seen(from, reading), at(10)).members.remove(0);
        assert_eq!((decided.from, decided.to, decided.explanation()), (from, to, explanation));
    }
}

#[test]
fn a_policy_that_steps_goes_on_from_where_the_bounds_are() {
    let mut plan = plan(Limits::default());
    plan.policy = Arc::new(crate::policy::Threshold::new(50.0, 10.0, 1, 1).unwrap());
    plan.members[0].bounds = Bounds::new(15, 30).unwrap();
    let decided = decide(&plan, &mut Memory::default(), &seen(1, users(60.0)), at(0)).members.remove(0);
    assert_eq!(decided.explanation(), "bounds 1→15 (15 at least), threshold 15→16 (60 > 50)");
}

#[test]
fn what_somebody_set_to_0_stays_at_0_while_it_has_a_minimum() {
    let switched_off = (0, "disabled 0 (replicas set to 0 while minReplicas is 2)".to_owned());
    assert_eq!(once(Limits::default(), 0, users(5000.0)), switched_off);
    assert_eq!(once(Limits::default(), 0, down()), switched_off);
    assert_eq!(once(Limits::default(), 1, users(5000.0)).0, 10, "raised by hand it is scaled again");

    let mut without_minimum = plan(Limits::default());
    without_minimum.members[0].bounds = Bounds::new(0, 10).unwrap();
    let decision = decide(&without_minimum, &mut Memory::default(), &seen(0, users(3000.0)), at(0));
    assert_eq!(decision.members[0].to, 6, "without a minimum 0 is ours");
}

#[test]
fn a_minimum_that_was_raised_counts_where_we_have_set_the_target_to_0() {
    let plan = plan(Limits::default());
    let mut memory = Memory::default();
    memory.replicas.insert(&plan.members[0].target, 0);
    let decided = decide(&plan, &mut memory, &seen(0, down()), at(0)).members.remove(0);
    assert_eq!((decided.from, decided.to), (0, 2));
    assert!(decided.explanation().ends_with("bounds 0→2 (2 at least)"));
}

mod foreseen;
mod paused;
mod safeguards;
