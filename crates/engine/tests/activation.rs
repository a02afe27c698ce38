//! What must hold for every ScaledObject and every sequence of readings.

use std::sync::Arc;
use std::time::Duration;

use engine::activation::{
    Activation, ActivationFallback, Composite, FallbackBehavior, Formula, Trigger, remembered,
};
use engine::hpa::{Hpa, HpaSpec};
use engine::{
    AbsenceReason, Actuation, Bounds, Brakes, Decision, Limits, Member, Memory, Metric, MetricTarget,
    MetricValue, Mode, Observation, Pause, Plan, Query, Reading, Safeguards, Scale, ScalerMetric, Step,
    Target, TargetType, Time, decide, invariants,
};
use proptest::prelude::*;
use serde::Deserialize as _;
use serde_json::{Value, json};

const CREATED: Time = Time::from_seconds(1_700_000_000);

fn target() -> Target {
    Target {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    }
}

fn triggers() -> impl Strategy<Value = Vec<Trigger>> {
    let type_ = prop_oneof![3 => Just(TargetType::AverageValue), 1 => Just(TargetType::Value)];
    let trigger = (type_, 0.001..100.0f64, 0.0..20.0f64, prop::bool::weighted(0.2));
    prop::collection::vec(trigger, 1..4).prop_map(|triggers| {
        let trigger = |(index, (type_, target, activation, is_open)): (usize, (_, f64, f64, bool))| Trigger {
            name: Some(["a", "b", "c"][index].to_owned()),
            scaler: "prometheusScaler".into(),
            metric: if is_open { format!("s{index}") } else { format!("s{index}-prometheus") }.into(),
            activation,
            target: MetricTarget::new(type_, target).expect("above 0"),
            is_open,
        };
        triggers.into_iter().enumerate().map(trigger).collect()
    })
}

fn fallbacks() -> impl Strategy<Value = Option<ActivationFallback>> {
    use FallbackBehavior::*;
    let behavior = prop::sample::select(vec![
        Static,
        CurrentReplicas,
        CurrentReplicasIfHigher,
        CurrentReplicasIfLower,
        ScalingModifiers,
    ]);
    let fallback = (0..4u32, 0..12u32, behavior).prop_map(|(failure_threshold, replicas, behavior)| {
        ActivationFallback { failure_threshold, replicas, behavior }
    });
    proptest::option::of(fallback)
}

fn composites() -> impl Strategy<Value = Option<Composite>> {
    let formula = prop::sample::select(vec!["a * 2", "a ?? 3", "a / (a - 5)", "a > 10 ? a : nil", "a - 50"]);
    let composite =
        (formula, 1..20u32, any::<bool>(), 0.0..9.0f64).prop_map(|(formula, target, shared, above)| {
            let type_ = if shared { TargetType::AverageValue } else { TargetType::Value };
            Composite {
                formula: Formula::compile(formula, &["a"]).expect("it compiles"),
                target: target.into(),
                type_,
                activation_target: above,
                is_whole: target % 4 > 0,
            }
        });
    proptest::option::weighted(0.3, composite)
}

/// The parts of an HPA that direct mode takes: bounds and behavior.
fn hpas() -> impl Strategy<Value = Option<Value>> {
    let up = prop::sample::select(vec![
        json!({}),
        json!({ "stabilizationWindowSeconds": 60 }),
        json!({ "policies": [{ "type": "Pods", "value": 2, "periodSeconds": 60 }] }),
        json!({ "policies": [{ "type": "Percent", "value": 50, "periodSeconds": 60 }] }),
        json!({ "selectPolicy": "Disabled" }),
    ]);
    let down = prop::sample::select(vec![
        json!({}),
        json!({ "stabilizationWindowSeconds": 0 }),
        json!({ "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 30 }] }),
        json!({ "selectPolicy": "Disabled" }),
    ]);
    let behavior = (up, down).prop_map(|(up, down)| json!({ "scaleUp": up, "scaleDown": down }));
    proptest::option::of(prop_oneof![Just(Value::Null), behavior])
}

#[derive(Clone, Debug)]
struct Case {
    activation: Activation,
    brakes: Brakes,
    polls: Vec<Poll>,
}

#[derive(Clone, Debug)]
struct Poll {
    /// Seconds since the last.
    seconds: u16,
    /// Of each trigger; `None` for one that fails.
    values: Vec<Option<f64>>,
    /// Replicas set by someone else.
    foreign: Option<u32>,
    /// Of the replicas, how many are ready.
    ready: Option<f64>,
}

fn activations() -> impl Strategy<Value = Activation> {
    let bounds = (0..6u32, 0..10u32, proptest::option::of(0..6u32));
    let times = (0..400u64, 0..400u64);
    let parts = (triggers(), fallbacks(), composites(), hpas());
    (parts, bounds, times, prop::bool::weighted(0.1)).prop_map(|(parts, bounds, times, forced)| {
        let ((triggers, fallback, composite, behavior), (min, more, idle)) = (parts, bounds);
        let max = (min + more).max(1);
        Activation {
            triggers,
            only_pods: false,
            min,
            max,
            idle: idle.filter(|idle| *idle < min),
            cooldown: Duration::from_secs(times.0),
            initial_cooldown: Duration::from_secs(times.1),
            created: CREATED,
            forced,
            fallback,
            freshness: None,
            composite: composite.map(Box::new),
            direct: behavior.map(|behavior| Box::new(hpa(min, max, behavior))),
        }
    })
}

fn hpa(min: u32, max: u32, behavior: Value) -> Hpa {
    let spec = json!({
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "minReplicas": min.max(1), "maxReplicas": max, "behavior": behavior,
        "metrics": [{ "type": "External", "external": {
            "metric": { "name": "s0-prometheus" }, "target": { "type": "AverageValue", "averageValue": "1" },
        }}],
    });
    Hpa::compile(&HpaSpec::deserialize(spec).expect("a spec"), "spec").expect("sound")
}

fn cases() -> impl Strategy<Value = Case> {
    let pause = prop_oneof![
        8 => Just(Pause::Nothing),
        1 => Just(Pause::Everything),
        1 => (0..9u32).prop_map(Pause::At),
        1 => Just(Pause::ScaleIn),
        1 => Just(Pause::ScaleOut),
    ];
    let value = prop_oneof![
        3 => Just(Some(0.0)),
        3 => (0.0..200.0f64).prop_map(Some),
        1 => Just(Some(-3.0)),
        2 => Just(None),
    ];
    let foreign = prop_oneof![9 => Just(None), 1 => (0..20u32).prop_map(Some)];
    let poll = (1..200u16, prop::collection::vec(value, 3), foreign, proptest::option::of(0.0..=1.0f64));
    let poll = poll.prop_map(|(seconds, values, foreign, ready)| Poll { seconds, values, foreign, ready });
    (activations(), pause, prop::collection::vec(poll, 1..30)).prop_map(|(activation, pause, polls)| Case {
        activation,
        brakes: Brakes { pause, bounds: None },
        polls,
    })
}

impl Case {
    fn plan(&self) -> Plan {
        let activation = &self.activation;
        let metric = |trigger: &Trigger| Metric {
            name: trigger.metric.to_string(),
            query: Query::new("http", "", ()),
            minimum: None,
            target: Some(trigger.target),
            member: None,
        };
        let (most, limits) = match &activation.direct {
            Some(direct) => (activation.max, direct.limits.clone()),
            None => (i32::MAX as u32, Limits::default()),
        };
        Plan {
            members: vec![Member::single(target(), Bounds::new(0, most).expect("ordered"))],
            metrics: activation.triggers.iter().map(metric).collect(),
            policy: Arc::new(activation.clone()),
            limits,
            mode: Mode::Act,
            interval: Duration::from_secs(30),
            group: None,
            actuation: Actuation::Scale,
            brakes: self.brakes.clone(),
            safeguards: Safeguards::default(),
            origins: Vec::new(),
            foresight: None,
        }
    }

    fn readings(&self, values: &[Option<f64>], now: Time) -> Vec<Reading> {
        let reading = |(trigger, value): (&Trigger, &Option<f64>)| match value {
            None => Reading::absent(AbsenceReason::Timeout, "no response"),
            Some(value) if trigger.is_open => {
                let metric = |name: &str| ScalerMetric {
                    name: name.to_owned(),
                    target: 5.0,
                    value: MetricValue::new(*value).expect("finite"),
                };
                let metrics = [metric("queue"), metric("age")].into_iter().collect();
                Reading::Scaler { active: *value > 50.0, metrics, at: now }
            }
            Some(value) => Reading::of(*value, now),
        };
        self.activation.triggers.iter().zip(values).map(reading).collect()
    }

    /// Walks time over the polls; `between` may replace the memory between two of them.
    fn run(&self, between: impl Fn(Memory) -> Memory) -> Result<(Vec<Decision>, Memory), TestCaseError> {
        let (plan, mut now, mut replicas, mut memory) = (self.plan(), CREATED, 3, Memory::default());
        let mut decisions = Vec::new();
        for poll in &self.polls {
            now = now.plus(Duration::from_secs(poll.seconds.into()));
            replicas = poll.foreign.unwrap_or(replicas);
            let ready = poll.ready.map(|share| (share * f64::from(replicas)) as u32);
            let observation = Observation {
                scales: vec![Some(Scale { replicas, status_replicas: replicas, ready })],
                readings: self.readings(&poll.values, now),
                ..Observation::default()
            };
            let before = memory.clone();
            let decision = decide(&plan, &mut memory, &observation, now);
            let case = invariants::Case {
                plan: &plan,
                memory: &before,
                observation: &observation,
                now,
                decision: &decision,
            };
            prop_assert_eq!(invariants::violations(&case), vec![]);
            self.judge(poll, replicas, &decision)?;
            memory.applied(&plan, &decision, now);
            replicas = decision.members[0].to;
            memory = between(memory);
            decisions.push(decision);
        }
        Ok((decisions, memory))
    }

    /// What holds for every single decision, beside the invariants of all plans.
    fn judge(&self, poll: &Poll, replicas: u32, decision: &Decision) -> Result<(), TestCaseError> {
        let (Activation { max, direct, .. }, member) = (&self.activation, &decision.members[0]);
        let explanation = member.explanation();
        let is_paused = self.brakes.pause.is_on();
        let least = if direct.is_some() { 0 } else { replicas };
        prop_assert!(member.to <= (*max).max(least) || is_paused, "{explanation}");
        let fails =
            poll.values.iter().zip(&self.activation.triggers).filter(|(value, _)| value.is_none()).count();
        let stand_ins = member.steps.iter().filter(|step| matches!(step, Step::StandIn(_))).count();
        let goes_in = member.to < replicas && !is_paused && replicas <= *max;
        prop_assert!(!goes_in || fails <= stand_ins, "{explanation}");
        prop_assert!(stand_ins == 0 || self.activation.fallback.is_some(), "{explanation}");
        if direct.is_none() && !is_paused {
            let is_known =
                [0, self.activation.min, self.activation.min.max(1), replicas].contains(&member.to);
            prop_assert!(is_known || Some(member.to) == self.activation.idle, "{explanation}");
        }
        for published in &decision.published {
            prop_assert!(
                published.value.as_ref().is_ok_and(|value| value.is_finite()) || published.value.is_err()
            );
        }
        Ok(())
    }
}

fn stored(memory: &Memory) -> Memory {
    let text = serde_json::to_string(memory).expect("a memory serialises");
    serde_json::from_str(&text).expect("and comes back")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_decision_is_explained_bounded_and_never_blind(case in cases()) {
        case.run(|memory| memory)?;
    }

    #[test]
    fn memory_survives_serialisation(case in cases()) {
        let (plain, memory) = case.run(|memory| memory)?;
        let (again, restored) = case.run(|memory| stored(&memory))?;
        prop_assert_eq!(plain, again);
        prop_assert_eq!(memory, restored);
    }

    #[test]
    fn nothing_is_remembered_anew_while_nothing_changes(case in cases(), values in prop::collection::vec(
        prop_oneof![Just(None), (0.0..200.0f64).prop_map(Some)], 3)) {
        let (_, mut memory) = case.run(|memory| memory)?;
        let (plan, mut replicas) = (case.plan(), 3);
        let mut states = Vec::new();
        for poll in 0..12 {
            let now = Time::from_seconds(1_800_000_000 + 30 * poll);
            let observation = Observation {
                scales: vec![Some(Scale { replicas, status_replicas: replicas, ready: Some(replicas) })],
                readings: case.readings(&values, now),
                ..Observation::default()
            };
            let decision = decide(&plan, &mut memory, &observation, now);
            replicas = decision.members[0].to;
            states.push(serde_json::to_value(&memory.policy).expect("it serialises"));
        }
        // Failures are counted up to the threshold, and not beyond.
        prop_assert!(states[6..].windows(2).all(|two| two[0] == two[1]), "{:?}", &states[6..]);
    }

    #[test]
    fn who_takes_over_never_scales_in_sooner(case in cases()) {
        let (decisions, memory) = case.run(|memory| memory)?;
        let Some(last) = decisions.last() else { return Ok(()) };
        let now = last.at.plus(Duration::from_secs(1));
        let observation = Observation {
            scales: vec![Some(Scale { replicas: 5, status_replicas: 5, ready: None })],
            readings: case.readings(&[Some(0.0); 3], now),
            ..Observation::default()
        };
        let plan = case.plan();
        let kept = decide(&plan, &mut memory.clone(), &observation, now);
        let taken = decide(&plan, &mut stored(&memory).restored(now), &observation, now);
        prop_assert!(taken.members[0].to >= kept.members[0].to);
    }
}

#[test]
fn who_takes_over_from_elsewhere_waits_for_the_rest_of_the_cooldown() {
    let activation = Activation {
        triggers: vec![Trigger {
            name: None,
            scaler: "prometheusScaler".into(),
            metric: "s0-prometheus".into(),
            activation: 0.0,
            target: MetricTarget::new(TargetType::AverageValue, 1.0).expect("above 0"),
            is_open: false,
        }],
        only_pods: false,
        min: 0,
        max: 5,
        idle: None,
        cooldown: Duration::from_secs(300),
        initial_cooldown: Duration::ZERO,
        created: CREATED,
        forced: false,
        fallback: None,
        composite: None,
        freshness: None,
        direct: None,
    };
    let case = Case { activation, brakes: Brakes::default(), polls: vec![] };
    let mut memory = Memory::default();
    memory.policy.insert(&target(), remembered(CREATED));
    for (second, replicas) in [(299, 3), (300, 0)] {
        let now = CREATED.plus(Duration::from_secs(second));
        let observation = Observation {
            scales: vec![Some(Scale { replicas: 3, status_replicas: 3, ready: None })],
            readings: case.readings(&[Some(0.0)], now),
            ..Observation::default()
        };
        let decision = decide(&case.plan(), &mut stored(&memory), &observation, now);
        assert_eq!(decision.members[0].to, replicas);
    }
}
