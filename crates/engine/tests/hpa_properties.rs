//! What must hold for every HPA and every sequence of syncs.

use std::time::Duration;

use engine::hpa::{Hpa, HpaMemory, HpaSpec, Outcome};
use engine::pod_metric::{PodAmount, PodLoad, PodMeasure, PodResource, Startup};
use engine::{
    AbsenceReason, ContainerRequest, ContainerUsage, PodPhase, PodRequests, PodSample, PodUsage, Readiness,
    Reading, Scale, Time,
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

fn hpas() -> impl Strategy<Value = Hpa> {
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
        Hpa::compile(&spec, "spec").expect("a sound spec")
    })
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
        None => Reading::absent(AbsenceReason::Timeout, "no answer"),
    };
    poll.values.iter().map(reading).collect()
}

/// Walks time over the polls; `between` may replace the memory between two of them.
fn run(hpa: &Hpa, polls: &[Poll], between: impl Fn(HpaMemory) -> HpaMemory) -> Vec<(Outcome, Poll)> {
    let (mut now, mut replicas, mut memory) = (Time::from_seconds(1_800_000_000), 3, HpaMemory::default());
    let mut outcomes = Vec::new();
    for poll in polls {
        now = now.plus(Duration::from_secs(poll.seconds));
        replicas = poll.foreign.unwrap_or(replicas);
        let ready = Some((f64::from(replicas) * poll.ready) as u32);
        let scale = Scale { replicas, status_replicas: replicas, ready };
        let outcome = hpa.sync(&mut memory, scale, &readings(poll, now), now);
        if outcome.to != replicas {
            hpa.scaled(&mut memory, replicas, outcome.to, now);
            replicas = outcome.to;
        }
        outcomes.push((outcome, poll.clone()));
        memory = between(memory);
    }
    outcomes
}

fn is_within(hpa: &Hpa, replicas: u32) -> bool {
    hpa.bounds.distance(replicas) == 0
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
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bounds_hold_unless_the_target_is_switched_off(hpa in hpas(), polls in polls()) {
        for (outcome, _) in run(&hpa, &polls, |memory| memory) {
            let is_off = outcome.from == 0 && hpa.bounds.min() > 0;
            prop_assert!(if is_off { outcome.to == 0 } else { is_within(&hpa, outcome.to) }, "{outcome:?}");
        }
    }

    #[test]
    fn a_metric_that_fails_forbids_scale_in(hpa in hpas(), polls in polls()) {
        for (outcome, poll) in run(&hpa, &polls, |memory| memory) {
            let all_known = poll.values.iter().take(hpa.metrics.len()).all(Option::is_some);
            if !all_known && is_within(&hpa, outcome.from) {
                prop_assert!(outcome.to >= outcome.from, "{outcome:?}");
            }
            if poll.values.iter().take(hpa.metrics.len()).all(Option::is_none) && is_within(&hpa, outcome.from) {
                prop_assert_eq!(outcome.to, outcome.from);
            }
        }
    }

    #[test]
    fn replicas_never_go_past_the_recommendation(hpa in hpas(), polls in polls()) {
        for (outcome, _) in run(&hpa, &polls, |memory| memory) {
            let (Some(stabilized), true) = (outcome.stabilized, is_within(&hpa, outcome.from)) else { continue };
            let (least, most) = (outcome.from.min(stabilized), outcome.from.max(stabilized));
            prop_assert!((least..=most).contains(&outcome.to) || !is_within(&hpa, stabilized), "{outcome:?}");
        }
    }

    #[test]
    fn a_stored_memory_decides_the_same(hpa in hpas(), polls in polls()) {
        let kept = run(&hpa, &polls, |memory| memory);
        let stored = run(&hpa, &polls, |memory| {
            let text = serde_json::to_string(&memory).expect("a memory serialises");
            serde_json::from_str(&text).expect("and comes back")
        });
        let counts = |run: Vec<(Outcome, Poll)>| run.into_iter().map(|(outcome, _)| outcome.to).collect::<Vec<_>>();
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
