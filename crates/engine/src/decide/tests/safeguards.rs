//! Safeguards: fallbacks of metrics that fail for long, and drops that must be confirmed.

use super::*;
use crate::{Fallback, FallbackReplicas, Safeguards, SuspiciousDrop, cycle, cycle::NextDecision};

fn guarded(fallback: Option<Fallback>, drop: Option<SuspiciousDrop>) -> Plan {
    Plan { safeguards: Safeguards { fallbacks: vec![fallback], drop }, ..plan(Limits::default()) }
}

fn after_failures(failures: u32, replicas: FallbackReplicas, may_scale_in: bool) -> Option<Fallback> {
    Some(Fallback { after_failures: Some(failures), after: None, replicas, may_scale_in })
}

fn next(plan: &Plan, memory: &mut Memory, replicas: u32, reading: Reading, now: Time) -> (u32, String) {
    let NextDecision { decision, violations } =
        cycle::next_decision(plan, memory, &seen(replicas, reading), &[], now);
    assert_eq!(violations, []);
    // A new leader goes on from what was stored.
    *memory = serde_json::from_value(serde_json::to_value(&*memory).unwrap()).unwrap();
    (decision.members[0].to, decision.members[0].explanation())
}

#[test]
fn a_metric_falls_back_after_so_many_failures_and_says_so() {
    let plan = guarded(after_failures(3, FallbackReplicas::Static(8), false), None);
    let mut memory = Memory::default();
    assert_eq!(next(&plan, &mut memory, 4, down(), at(0)).0, 4);
    assert_eq!(next(&plan, &mut memory, 4, down(), at(60)).0, 4);
    let (to, why) = next(&plan, &mut memory, 4, down(), at(120));
    let said =
        "absent users (connection refused), fallback 4→8 (users has failed since 1970-01-01T00:00:00Z)";
    assert_eq!((to, why.as_str()), (8, said));
    // However long it lasts, it is one state that needs to be written once.
    let before = memory.clone();
    assert_eq!(next(&plan, &mut memory, 8, down(), at(150)).1, said.replace("4→8", "8"));
    assert_eq!(memory, before);
    // One reading ends it, and it is counted from the start again.
    assert_eq!(next(&plan, &mut memory, 8, users(3000.0), at(180)).0, 6);
    assert_eq!(next(&plan, &mut memory, 6, down(), at(240)).0, 6);
}

#[test]
fn a_metric_falls_back_after_so_many_seconds() {
    let fallback = Fallback {
        after_failures: None,
        after: Some(Duration::from_secs(180)),
        replicas: FallbackReplicas::Static(9),
        may_scale_in: false,
    };
    let (plan, mut memory) = (guarded(Some(fallback), None), Memory::default());
    for (second, to) in [(0, 4), (100, 4), (179, 4), (180, 9)] {
        assert_eq!(next(&plan, &mut memory, 4, down(), at(second)).0, to, "at {second}");
    }
}

#[test]
fn a_fallback_is_never_below_what_runs_unless_it_says_so_and_within_the_bounds() {
    for (replicas, may_scale_in, current, to) in [
        (FallbackReplicas::Static(3), false, 7, 7),
        (FallbackReplicas::Static(3), true, 7, 3),
        (FallbackReplicas::Static(1), true, 7, 2),
        (FallbackReplicas::Static(30), false, 7, 10),
        (FallbackReplicas::Current, false, 7, 7),
        (FallbackReplicas::Current, true, 7, 7),
        (FallbackReplicas::CurrentIfHigher(3), true, 7, 7),
        (FallbackReplicas::CurrentIfHigher(9), false, 7, 9),
    ] {
        let plan = guarded(after_failures(1, replicas, may_scale_in), None);
        let (decided, why) = next(&plan, &mut Memory::default(), current, down(), at(0));
        assert_eq!(decided, to, "{replicas:?} {may_scale_in}: {why}");
    }
}

#[test]
fn one_metric_falls_back_and_the_others_count() {
    let mut plan = guarded(after_failures(1, FallbackReplicas::Static(5), false), None);
    plan.safeguards.fallbacks = vec![None, plan.safeguards.fallbacks[0]];
    let second = Metric { name: "orders".to_owned(), ..plan.metrics[0].clone() };
    plan.metrics.push(second);
    let decided = |first: Reading, second: Reading, current: u32| {
        let scale = Scale { replicas: current, status_replicas: current, ready: Some(current) };
        let observation = Observation {
            scales: vec![Some(scale)],
            readings: vec![first, second],
            ..Observation::default()
        };
        cycle::next_decision(&plan, &mut Memory::default(), &observation, &[], at(0)).decision.members[0].to
    };
    assert_eq!(decided(users(4500.0), down(), 3), 9, "more than the fallback");
    assert_eq!(decided(users(1000.0), down(), 3), 5, "less than the fallback");
    assert_eq!(decided(down(), users(1000.0), 3), 3, "the first has no fallback");
}

#[test]
fn a_suspicious_drop_scales_in_once_it_is_confirmed() {
    let drop = SuspiciousDrop { share: 0.5, confirm: Duration::from_secs(120) };
    let (plan, mut memory) = (guarded(None, Some(drop)), Memory::default());
    assert_eq!(next(&plan, &mut memory, 10, users(5000.0), at(0)).0, 10);
    assert_eq!(next(&plan, &mut memory, 10, users(3000.0), at(60)).0, 6, "a fall by less is none");
    let (to, why) = next(&plan, &mut memory, 6, users(100.0), at(120));
    let said = "linear 6→2 (100 below 1000..5000), suspicious drop 2→6 (users 3000→100, 120 s to confirm)";
    assert_eq!((to, why.as_str()), (6, said));
    assert_eq!(next(&plan, &mut memory, 6, down(), at(180)).0, 6);
    assert_eq!(next(&plan, &mut memory, 6, users(0.0), at(239)).0, 6);
    assert_eq!(next(&plan, &mut memory, 6, users(0.0), at(240)).0, 2);
    // What comes back is followed at once, and scale-out never waits.
    assert_eq!(next(&plan, &mut memory, 2, users(5000.0), at(300)).0, 10);
    assert_eq!(next(&plan, &mut memory, 10, users(0.0), at(360)).0, 10);
    assert_eq!(next(&plan, &mut memory, 10, users(4000.0), at(420)).0, 8);
}
