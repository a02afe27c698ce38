//! What must hold for every plan and every sequence of readings.

use std::sync::Arc;
use std::time::Duration;

use engine::policy::{CostPolicy, Linear, PolicyMemories, Slo, Threshold};
use engine::{
    AbsenceReason, Actuation, Bounds, BoundsOverride, Brakes, Budget, Decision, Expected, ForecastModel,
    Limits, Member, Memory, Metric, MetricTarget, Mode, Observation, Outlook, Pause, Plan, Policy, Query,
    Reading, Safeguards, Scale, Target, TargetType, Time, View, decide, invariants,
};
use proptest::prelude::*;

fn policies() -> impl Strategy<Value = Arc<dyn Policy>> {
    let linear = (0.0..1e4f64, 1e-3..1e4f64, 0..40u32, 0..40u32).prop_map(|(low, span, least, more)| {
        Arc::new(Linear::new(low, low + span, least, least + more).expect("sound")) as Arc<dyn Policy>
    });
    let threshold =
        (0.0..1e4f64, 0.0..1e4f64, 1..9u32, 1..9u32).prop_map(|(down, span, step_up, step_down)| {
            Arc::new(Threshold::new(down + span, down, step_up, step_down).expect("sound")) as Arc<dyn Policy>
        });
    let tolerance = || proptest::option::of(0.0..0.5f64);
    let slo = tolerance().prop_map(|tolerance| Arc::new(Slo::new(tolerance)) as Arc<dyn Policy>);
    let cost = (tolerance(), 1e-3..10.0f64, 0.0..50.0f64).prop_map(|(tolerance, each, most)| {
        let budget = Budget::new(each, most).expect("sound");
        Arc::new(CostPolicy::new(Slo::new(tolerance), budget)) as Arc<dyn Policy>
    });
    prop_oneof![linear, threshold, slo, cost]
}

fn safeties() -> impl Strategy<Value = Limits> {
    let seconds = || prop_oneof![Just(0u64), 1..600u64].prop_map(Duration::from_secs);
    let limit = || proptest::option::of(1..6u32);
    (seconds(), seconds(), limit(), limit(), seconds()).prop_map(|(up, down, max_up, max_down, cooldown)| {
        Limits::default()
            .with_windows(up, down)
            .with_pods_per_operation(max_up, max_down)
            .with_cooldown(cooldown)
    })
}

fn metric(name: &str, target: Option<MetricTarget>) -> Metric {
    let query = Query::new("http", "", ());
    Metric { name: name.to_owned(), query, minimum: Some(0.0), target, member: None }
}

fn targets() -> impl Strategy<Value = Option<MetricTarget>> {
    let types = prop_oneof![Just(TargetType::AverageValue), Just(TargetType::Value)];
    (types, 1e-3..1e4f64).prop_map(|(type_, value)| MetricTarget::new(type_, value))
}

fn brakes() -> impl Strategy<Value = Brakes> {
    let pause = prop_oneof![
        6 => Just(Pause::Nothing),
        1 => Just(Pause::Everything),
        1 => Just(Pause::BothDirections),
        1 => (0..40u32).prop_map(Pause::At),
        1 => Just(Pause::ScaleIn),
        1 => Just(Pause::ScaleOut),
    ];
    let bound = || proptest::option::of(0..40u32);
    (pause, bound(), bound(), 0..3000i64).prop_map(|(pause, min, max, until)| Brakes {
        pause,
        bounds: BoundsOverride::new(min, max, Time::from_seconds(1_700_000_000 + until), String::new()),
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let parts = (policies(), safeties(), 0..20u32, 0..30u32, targets(), targets(), brakes());
    parts.prop_map(|(policy, limits, min, more, load, latency, brakes)| Plan {
        members: vec![Member::single(
            Target {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: "default".to_owned(),
                name: "web".to_owned(),
            },
            Bounds::new(min, min + more).expect("ordered"),
        )],
        metrics: vec![metric("load", load), metric("latency", latency)],
        policy,
        limits,
        mode: Mode::Act,
        interval: Duration::from_secs(15),
        group: None,
        actuation: Actuation::Scale,
        brakes,
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
    })
}

fn readings() -> impl Strategy<Value = Reading> {
    prop_oneof![
        6 => (0.0..2e4f64).prop_map(|value| Reading::of(value, Time::default())),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(1e308), Just(-1e308)]
            .prop_map(|value| Reading::of(value, Time::default())),
        2 => Just(Reading::absent(AbsenceReason::Timeout, "no response")),
    ]
}

/// One poll of the plan's two metrics.
#[derive(Clone, Debug)]
struct Poll {
    /// Seconds since the last.
    seconds: u16,
    readings: Vec<Reading>,
    /// Replicas set by someone else.
    foreign: Option<u32>,
    /// Of the replicas, how many are ready; `None` where the target's kind does not report it.
    ready: Option<f64>,
    /// Whether a write succeeds.
    succeeds: bool,
}

fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let foreign = prop_oneof![9 => Just(None), 1 => (0..60u32).prop_map(Some)];
    let both = prop::collection::vec(readings(), 2);
    let poll = (1..120u16, both, foreign, proptest::option::of(0.0..=1.0f64), prop::bool::weighted(0.9));
    let poll = poll.prop_map(|(seconds, readings, foreign, ready, succeeds)| Poll {
        seconds,
        readings,
        foreign,
        ready,
        succeeds,
    });
    prop::collection::vec(poll, 1..40)
}

struct Run {
    decisions: Vec<Decision>,
    memory: Memory,
}

/// Walks time over the polls; `between` may replace the memory between two of them.
fn run(plan: &Plan, polls: &[Poll], between: impl Fn(Memory) -> Memory) -> Result<Run, TestCaseError> {
    let (mut now, mut replicas, mut memory) = (Time::from_seconds(1_700_000_000), 3u32, Memory::default());
    let mut decisions = Vec::new();
    for poll in polls {
        now = now.plus(Duration::from_secs(u64::from(poll.seconds)));
        replicas = poll.foreign.unwrap_or(replicas);
        let ready = poll.ready.map(|share| (share * f64::from(replicas)) as u32);
        let observation = Observation {
            scales: vec![Some(Scale { replicas, status_replicas: replicas, ready })],
            readings: poll.readings.clone(),
            ..Observation::default()
        };
        let before = memory.clone();
        let plan = &*plan.at(now);
        let decision = decide(plan, &mut memory, &observation, now);
        for invariant in invariants::ALL {
            let case = invariants::Case {
                plan,
                memory: &before,
                observation: &observation,
                now,
                decision: &decision,
            };
            let violation = invariant(&case);
            prop_assert!(violation.is_none(), "{violation:?}");
        }
        if poll.succeeds && decision.scales() {
            memory.applied(plan, &decision, now);
            replicas = decision.members[0].to;
        }
        memory = between(memory);
        decisions.push(decision);
    }
    Ok(Run { decisions, memory })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_over_any_sequence(plan in plans(), polls in polls()) {
        run(&plan, &polls, |memory| memory)?;
    }

    #[test]
    fn the_same_inputs_give_the_same_decisions(plan in plans(), polls in polls()) {
        let first = run(&plan, &polls, |memory| memory)?;
        let second = run(&plan, &polls, |memory| memory)?;
        prop_assert_eq!(first.decisions, second.decisions);
        prop_assert_eq!(first.memory, second.memory);
    }

    #[test]
    fn memory_survives_serialisation(plan in plans(), polls in polls()) {
        let plain = run(&plan, &polls, |memory| memory)?;
        let stored = run(&plan, &polls, |memory| {
            let text = serde_json::to_string(&memory).expect("a memory serialises");
            serde_json::from_str(&text).expect("and comes back")
        })?;
        prop_assert_eq!(plain.decisions, stored.decisions);
        prop_assert_eq!(plain.memory, stored.memory);
    }

    #[test]
    fn a_forecast_scales_out_ahead_and_never_in(plan in plans(), polls in polls(), load in 0.0..1e4f64,
                                                now_load in 0.0..1e4f64, replicas in 0..40u32, value in 0.0..1e4f64) {
        let plain = run(&plan, &polls, |memory| memory)?;
        let now = Time::from_seconds(1_800_000_000);
        let expected = Expected { now: now_load, load, at: now.plus(Duration::from_secs(60)), model: ForecastModel::Trend, error: 0.1 };
        let observation = Observation {
            scales: vec![Some(Scale { replicas, status_replicas: replicas, ready: None })],
            readings: vec![Reading::of(value, now); 2],
            ..Observation::default()
        };
        let foreseeing = Observation { outlooks: vec![Outlook::Expected(expected); 2], ..observation.clone() };
        let without = decide(&plan, &mut plain.memory.clone(), &observation, now);
        let (mut memory, before) = (plain.memory.clone(), plain.memory);
        let with = decide(&plan, &mut memory, &foreseeing, now);
        for (with, without) in with.members.iter().zip(&without.members) {
            prop_assert!(with.to >= without.to, "{} and {}", with.explanation(), without.explanation());
            let forecast = with.steps.iter().find(|step| step.kind() == "forecast");
            let (from, to) = forecast.and_then(|step| step.change()).unwrap_or((0, 1));
            prop_assert!(from < to && (forecast.is_none() || load > now_load));
        }
        for invariant in invariants::ALL {
            let case = invariants::Case { plan: &plan, memory: &before, observation: &foreseeing, now, decision: &with };
            prop_assert!(invariant(&case).is_none());
        }
    }

    #[test]
    fn a_takeover_never_scales_in_sooner(plan in plans(), polls in polls()) {
        let plain = run(&plan, &polls, |memory| memory)?;
        let Some(last) = plain.decisions.last() else { return Ok(()) };
        let now = last.at.plus(Duration::from_secs(1));
        let observation = Observation {
            scales: vec![Some(Scale { replicas: 30, status_replicas: 30, ready: None })],
            readings: vec![Reading::of(0.0, now); 2],
            ..Observation::default()
        };
        let kept = decide(&plan, &mut plain.memory.clone(), &observation, now);
        let taken = decide(&plan, &mut plain.memory.restored(now), &observation, now);
        prop_assert!(taken.members[0].to >= kept.members[0].to);
    }

    #[test]
    fn linear_is_monotone_in_load(low in 0.0..1e4f64, span in 1e-3..1e4f64, least in 0..40u32, more in 0..40u32,
                                  a in 0.0..3e4f64, b in 0.0..3e4f64) {
        let policy = Linear::new(low, low + span, least, least + more).expect("sound");
        let recommended = |value: f64| {
            let view =
                View { values: &[Some(value)], ..View::default() };
            policy.recommend(&view, 0, &mut PolicyMemories::default()).expect("a value").replicas
        };
        prop_assert!(recommended(a.min(b)) <= recommended(a.max(b)));
    }

    #[test]
    fn slo_is_monotone_in_load(target in targets(), tolerance in proptest::option::of(0.0..0.5f64), replicas in 0..50u32,
                               not_ready in 0..5u32, a in 0.0..3e4f64, b in 0.0..3e4f64) {
        let (metrics, slo) = ([metric("load", target)], Slo::new(tolerance));
        let ready = Some(replicas.saturating_sub(not_ready));
        let scales = [Some(Scale { replicas, status_replicas: replicas, ready })];
        let recommended = |value: f64| {
            let values = [Some(value)];
            let view = View { metrics: &metrics, scales: &scales, values: &values, ..View::default() };
            slo.recommend(&view, 0, &mut PolicyMemories::default())
        };
        if let (Some(less), Some(more)) = (recommended(a.min(b)), recommended(a.max(b))) {
            prop_assert!(less.replicas <= more.replicas, "{less:?} {more:?}");
        }
    }
}
