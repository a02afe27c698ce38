use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::fixture::{Shop, scale};
use crate::policy::{Policy, PolicyMemories, Recommendation};
use crate::{Basis, Budget, Limits, View};

/// Recommends what it was made with.
#[derive(Debug)]
struct Fixed(u32);

impl Policy for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn recommend(&self, _: &View<'_>, _: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let basis = Basis::Above { value: 1.0, threshold: 0.0 };
        Some(Recommendation { policy: "fixed", replicas: self.0, basis })
    }
}

fn plan(replicas: u32, limits: Limits) -> Plan {
    Plan { group: None, ..Shop::default().member("web", None).plan(Fixed(replicas), limits) }
}

fn seen(replicas: u32) -> Observation {
    Observation { scales: vec![Some(scale(replicas))], ..Observation::default() }
}

const NOW: Time = Time::from_seconds(1000);

#[test]
fn a_scale_without_a_record_starts_the_cooldown() {
    let plan = plan(9, Limits::default().with_cooldown(Duration::from_secs(60)));
    let ago = |seconds| NOW.minus(Duration::from_secs(seconds));
    let cases = [
        (LastScaled::NotByUs, None, 9),
        (LastScaled::At(ago(61)), Some(ago(61)), 9),
        (LastScaled::At(ago(59)), Some(ago(59)), 3),
        (LastScaled::At(NOW.plus(Duration::from_secs(9))), Some(NOW), 3),
        (LastScaled::AtUnknownTime, Some(NOW), 3),
    ];
    for (last_scaled, last_scale, to) in cases {
        let mut memory = Memory::default();
        let next = next_decision(&plan, &mut memory, &seen(3), &[last_scaled], NOW);
        assert_eq!((memory.last_scale, next.decision.members[0].to), (last_scale, to), "{last_scaled:?}");
    }
    let mut memory = Memory::default();
    memory.scaled(&plan, 0, 2, 3, ago(300));
    let next = next_decision(&plan, &mut memory, &seen(3), &[LastScaled::AtUnknownTime], NOW);
    assert_eq!(next.decision.members[0].to, 9, "what is recorded has been counted");
}

#[test]
fn only_writes_that_were_done_are_remembered() {
    let plan = plan(9, Limits::default());
    let write =
        |failure: Option<&str>| WriteResult { at: NOW, sent: true, failure: failure.map(str::to_owned) };
    for (writes, last_scale) in [
        (vec![], None),
        (vec![None], None),
        (vec![Some(write(Some("refused")))], None),
        (vec![Some(write(None))], Some(NOW)),
    ] {
        let mut memory = Memory::default();
        let decision = next_decision(&plan, &mut memory, &seen(3), &[], NOW).decision;
        record_writes(&plan, &mut memory, &decision, &writes);
        assert_eq!(memory.last_scale, last_scale);
        assert_eq!(memory.last_set(&plan.members[0].target), last_scale.map(|_| 9));
        assert_eq!(memory.last_action, None, "a single target has no actions");
    }
}

/// Has a budget of 100 pods while a decision is made, and of one pod when someone checks.
#[derive(Debug, Default)]
struct Fickle(AtomicU32);

impl Policy for Fickle {
    fn name(&self) -> &'static str {
        "fickle"
    }

    fn recommend(&self, _: &View<'_>, _: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let basis = Basis::Above { value: 1.0, threshold: 0.0 };
        Some(Recommendation { policy: "fickle", replicas: 9, basis })
    }

    fn budget(&self) -> Option<Budget> {
        let asked_before = self.0.fetch_add(1, Ordering::Relaxed);
        Budget::new(1.0, if asked_before < 2 { 100.0 } else { 1.0 })
    }
}

#[test]
fn a_decision_that_violates_an_invariant_changes_nothing() {
    let fickle = Plan { policy: Arc::new(Fickle::default()), ..plan(9, Limits::default()) };
    let NextDecision { decision, violations } =
        next_decision(&fickle, &mut Memory::default(), &seen(3), &[], NOW);
    assert_eq!(violations.iter().map(|violation| violation.invariant).collect::<Vec<_>>(), ["within_budget"]);
    assert!(violations[0].detail.starts_with("3→9 at "), "{violations:?}");
    let held = &decision.members[0];
    assert_eq!((held.from, held.to, held.recommended), (3, 3, Some(9)));
    assert_eq!(held.explanation(), "fickle 3→9 (1 > 0), held 9→3 (it would violate within_budget)");
}

#[test]
fn a_retry_does_not_scale_in_blindly_and_leaves_alone_what_was_switched_off() {
    let plan = plan(9, Limits::default());
    let mut decision = next_decision(&plan, &mut Memory::default(), &seen(3), &[], NOW).decision;
    for (replicas, may) in [(3, true), (9, true), (12, true), (0, false)] {
        assert_eq!(may_write_from(&plan, &decision, 0, replicas), may, "{replicas}");
    }
    decision.members[0].recommended = None;
    for (replicas, may) in [(3, true), (9, true), (12, false), (0, false)] {
        assert_eq!(may_write_from(&plan, &decision, 0, replicas), may, "{replicas} without a recommendation");
    }
    decision.members[0].to = plan.members[0].bounds.max();
    assert!(may_write_from(&plan, &decision, 0, 1000), "down to the maximum needs no reading");
}

#[test]
fn after_a_conflict_the_next_look_is_soon_and_then_later() {
    let plan = plan(9, Limits::default());
    let pauses = [1, 2, 3, 4, 9].map(|conflicts| look_again(&plan, conflicts, NOW).since(NOW).as_millis());
    assert_eq!(pauses, [500, 1000, 2000, 4000, 15_000]);
}

fn with_query(query: serde_json::Value) -> Plan {
    let mut plan = Shop::default()
        .member("web", None)
        .metric("users", None, None, None)
        .plan(Fixed(1), Limits::default());
    plan.metrics[0].query = crate::Query::new("http", &query.to_string(), ());
    plan
}

#[test]
fn the_next_poll_is_later_by_at_most_an_interval_and_then_regular() {
    let plan = with_query(serde_json::Value::Null);
    let now = Time::from_millis(1_700_000_000_123);
    let first = next_poll(&plan, now);
    assert!(first > now && first.since(now) <= plan.interval);
    assert_eq!(next_poll(&plan, first), first.plus(plan.interval));
    assert_eq!(next_poll(&plan, first.plus(Duration::from_millis(1))), first.plus(plan.interval));
}

#[test]
fn without_metrics_the_interval_begins_with_the_last_poll() {
    for millis in [1_700_000_000_123, 1_700_000_009_999] {
        let now = Time::from_millis(millis);
        assert_eq!(next_poll(&plan(9, Limits::default()), now), now.plus(Duration::from_secs(15)));
    }
}

#[test]
fn distinct_queries_spread_over_few_instants_of_the_interval() {
    let now = Time::from_seconds(1_700_000_000);
    let (mut tenths, mut instants) = ([0; 10], std::collections::BTreeSet::new());
    for index in 0..1000 {
        let plan = with_query(serde_json::json!({ "url": index }));
        let due = next_poll(&plan, now);
        let after = due.since(now).as_millis() - 1;
        tenths[(after * 10 / plan.interval.as_millis()) as usize] += 1;
        instants.insert(due);
    }
    assert!(tenths.iter().all(|&count| (60..140).contains(&count)), "{tenths:?}");
    assert_eq!(instants.len() as i64, PHASES);
}
