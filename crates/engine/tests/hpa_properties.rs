//! What must hold for every HPA and every sequence of syncs.

use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::{PodAmount, PodLoad, PodMeasure, PodResource, Startup};
use engine::{
    AbsenceReason, ContainerRequest, ContainerUsage, MemberDecision, Memory, Observation, Plan, PodPhase,
    PodRequests, PodSample, PodUsage, Query, Readiness, Reading, Scale, Target, Time, decide,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rules() -> impl Strategy<Value = Value> {
    let select = prop_oneof![4 => Just("Max"), 3 => Just("Min"), 1 => Just("Disabled")];
    let policy = (prop_oneof![Just("Pods"), Just("Percent")], 1..300, 1..120)
        .prop_map(|(type_, value, period)| json!({ "type": type_, "value": value, "periodSeconds": period }));
    (select, 0..120, prop::collection::vec(policy, 1..4), 0..300).prop_map(
        |(select, window, policies, tolerance)| {
            json!({
                "selectPolicy": select,
                "stabilizationWindowSeconds": window,
                "policies": policies,
                "tolerance": format!("{tolerance}m"),
            })
        },
    )
}

fn plans() -> impl Strategy<Value = Plan> {
    let target = (prop::bool::ANY, 1..200_000_i64).prop_map(|(is_average, milli)| {
        let amount = format!("{milli}m");
        if is_average {
            json!({ "type": "AverageValue", "averageValue": amount })
        } else {
            json!({ "type": "Value", "value": amount })
        }
    });
    let metric = target.prop_map(
        |target| json!({ "type": "External", "external": { "metric": { "name": "m" }, "target": target } }),
    );
    let behavior = prop_oneof![
        1 => Just(Value::Null),
        3 => (rules(), rules()).prop_map(|(up, down)| json!({ "scaleUp": up, "scaleDown": down })),
    ];
    (0..6_i32, 0..30_i32, prop::collection::vec(metric, 1..4), behavior).prop_map(|(min, more, metrics, behavior)| {
        let spec = json!({
            "minReplicas": min, "maxReplicas": (min + more).max(1), "metrics": metrics, "behavior": behavior,
        });
        let spec: HpaSpec = serde_json::from_value(spec).expect("a spec");
        plan(&Hpa::compile(&spec, "spec").expect("a sound spec"))
    })
}

fn plan(hpa: &Hpa) -> Plan {
    let [api_version, kind, namespace, name] = ["apps/v1", "Deployment", "shop", "web"].map(str::to_owned);
    let query = |_| Query::new("external", "", ());
    let target = Target { api_version, kind, namespace, name };
    hpa.plan(target, hpa.metrics.iter().map(query), Startup::default(), Duration::from_secs(15))
}

/// One sync: seconds since the last, values of three metrics, the share that is ready, replicas set by someone else.
#[derive(Clone, Debug)]
struct Poll {
    seconds: u64,
    values: Vec<Option<f64>>,
    ready: f64,
    foreign: Option<u32>,
}

fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let value = prop::option::weighted(0.85, 0.0..2000.0_f64);
    let foreign = prop_oneof![12 => Just(None), 1 => (0..40_u32).prop_map(Some)];
    let poll = (1..60_u64, prop::collection::vec(value, 3), 0.0..=1.0_f64, foreign)
        .prop_map(|(seconds, values, ready, foreign)| Poll { seconds, values, ready, foreign });
    prop::collection::vec(poll, 1..40)
}

fn readings(poll: &Poll, now: Time) -> Vec<Reading> {
    let reading = |value: &Option<f64>| match value {
        Some(value) => Reading::of(*value, now),
        None => Reading::absent(AbsenceReason::Timeout, "no response"),
    };
    poll.values.iter().map(reading).collect()
}

/// Walks time over the polls; `between` may replace the memory between two of them.
fn run(plan: &Plan, polls: &[Poll], between: impl Fn(Memory) -> Memory) -> Vec<(MemberDecision, Poll)> {
    let (mut now, mut replicas, mut memory) = (Time::from_seconds(1_800_000_000), 3, Memory::default());
    let mut decisions = Vec::new();
    for poll in polls {
        now = now.plus(Duration::from_secs(poll.seconds));
        replicas = poll.foreign.unwrap_or(replicas);
        let ready = Some((f64::from(replicas) * poll.ready) as u32);
        let scales = vec![Some(Scale { replicas, status_replicas: replicas, ready })];
        let observation = Observation { scales, readings: readings(poll, now), ..Observation::default() };
        let decision = decide(plan, &mut memory, &observation, now);
        memory.applied(plan, &decision, now);
        replicas = decision.members[0].to;
        decisions.push((decision.members[0].clone(), poll.clone()));
        memory = between(memory);
    }
    decisions
}

fn is_within(plan: &Plan, replicas: u32) -> bool {
    plan.members[0].bounds.distance(replicas) == 0
}

/// Pods that have been ready for an hour, each with its usage in percent of its request where it is measured.
fn pods(usages: &[Option<i64>], now: Time) -> Vec<PodSample> {
    let ago = |seconds| now.minus(Duration::from_secs(seconds));
    let usage = |percent: i64| PodUsage {
        at: ago(20),
        window: Duration::from_secs(15),
        containers: vec![ContainerUsage { container: "app".to_owned(), milli: 5 * percent }],
    };
    let pod = |(index, percent): (usize, &Option<i64>)| PodSample {
        name: format!("pod-{index}"),
        phase: PodPhase::Running,
        readiness: Some(Readiness { ready: true, since: ago(3590) }),
        started: Some(ago(3600)),
        deletion: None,
        owned: true,
        requests: PodRequests {
            pod: None,
            containers: vec![ContainerRequest { container: "app".to_owned(), milli: Some(500) }],
        },
        usage: percent.map(usage),
    };
    usages.iter().enumerate().map(pod).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_target_outside_of_its_bounds_is_brought_to_the_nearest_and_no_further(plan in plans(), polls in polls()) {
        let bounds = plan.members[0].bounds;
        for (decided, _) in run(&plan, &polls, |memory| memory) {
            let is_switched_off = decided.from == 0 && bounds.min() > 0;
            if is_switched_off {
                prop_assert_eq!(decided.to, 0);
            } else if bounds.distance(decided.from) > 0 {
                prop_assert_eq!((decided.to, decided.recommended), (bounds.clamp(decided.from), None));
            } else {
                prop_assert!(is_within(&plan, decided.to), "{decided:?}");
            }
        }
    }

    #[test]
    fn a_metric_that_fails_forbids_scale_in(plan in plans(), polls in polls()) {
        for (decided, poll) in run(&plan, &polls, |memory| memory) {
            let values = &poll.values[..plan.metrics.len()];
            if values.iter().any(Option::is_none) && is_within(&plan, decided.from) {
                prop_assert!(decided.to >= decided.from, "{decided:?}");
            }
            if values.iter().all(Option::is_none) && is_within(&plan, decided.from) {
                prop_assert_eq!(decided.to, decided.from);
            }
        }
    }

    #[test]
    fn replicas_never_go_past_what_is_recommended(plan in plans(), polls in polls()) {
        let mut greatest = 3;
        let mut least = 3;
        for (decided, _) in run(&plan, &polls, |memory| memory) {
            let bounds = plan.members[0].bounds;
            if !is_within(&plan, decided.from) {
                continue;
            }
            (greatest, least) = (greatest.max(decided.from), least.min(decided.from));
            if let Some(recommended) = decided.recommended {
                (greatest, least) = (greatest.max(recommended), least.min(recommended));
            }
            prop_assert!((bounds.clamp(least)..=bounds.clamp(greatest)).contains(&decided.to), "{decided:?}");
        }
    }

    #[test]
    fn a_stored_memory_decides_the_same(plan in plans(), polls in polls()) {
        let kept = run(&plan, &polls, |memory| memory);
        let stored = run(&plan, &polls, |memory| {
            let text = serde_json::to_string(&memory).expect("a memory serialises");
            serde_json::from_str(&text).expect("and comes back")
        });
        let counts = |run: Vec<(MemberDecision, Poll)>| run.into_iter().map(|(decided, _)| decided.to).collect::<Vec<_>>();
        prop_assert_eq!(counts(kept), counts(stored));
    }

    #[test]
    fn a_load_below_its_target_never_scales_out(usages in prop::collection::vec(prop::option::weighted(0.8, 0..=80_i64), 1..40),
                                                replicas in 1..40_u32) {
        let now = Time::from_seconds(1_800_000_000);
        let measure = PodMeasure { resource: PodResource::Cpu, amount: PodAmount::Utilization, container: None };
        let load = PodLoad::new(&measure, &pods(&usages, now), replicas, Some(80.0), Startup::default(), now);
        let Ok(load) = load else { return Ok(()) };
        prop_assert!((load.low / 80.0).ceil() <= f64::from(replicas), "{load:?}");
    }

    #[test]
    fn a_load_above_its_target_never_scales_in(usages in prop::collection::vec(prop::option::weighted(0.8, 81..=400_i64), 1..40),
                                               replicas in 1..40_u32) {
        let now = Time::from_seconds(1_800_000_000);
        let measure = PodMeasure { resource: PodResource::Cpu, amount: PodAmount::Utilization, container: None };
        let load = PodLoad::new(&measure, &pods(&usages, now), replicas, Some(80.0), Startup::default(), now);
        let Ok(load) = load else { return Ok(()) };
        prop_assert!((load.high / 80.0).ceil() >= f64::from(replicas), "{load:?}");
    }
}
