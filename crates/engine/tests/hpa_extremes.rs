//! Numbers of any size: nothing panics, and what is decided stays within the bounds.

use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec, Quantity};
use engine::pod_metric::{PodAmount, PodLoad, PodMeasure, PodResource, Startup};
use engine::{
    ContainerRequest, ContainerUsage, Memory, Observation, Plan, PodPhase, PodRequests, PodSample, PodUsage,
    Query, Readiness, Reading, Scale, Target, Time, decide,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A number of any size; the ends more often than by chance.
fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -1000..1000_i64, Just(i64::MIN), Just(i64::MAX), Just(0)]
}

fn float() -> impl Strategy<Value = f64> {
    let ends = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN_POSITIVE)];
    prop_oneof![any::<f64>(), -1e3..1e3, ends]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![0..=i32::MAX as u32, 0..10_u32, Just(i32::MAX as u32), Just(u32::MAX)]
}

fn instant() -> impl Strategy<Value = Time> {
    let near = (1_800_000_000_000 - 600_000..1_800_000_000_000_i64).prop_map(Time::from_millis);
    prop_oneof![1 => whole().prop_map(Time::from_millis), 3 => near]
}

fn pods() -> impl Strategy<Value = Vec<PodSample>> {
    let phase =
        prop_oneof![3 => Just("Running"), 1 => Just("Pending"), 1 => Just("Failed"), 1 => Just("Succeeded")];
    let usage = prop::option::weighted(0.8, (instant(), any::<u64>(), whole()));
    let requests = (prop::option::weighted(0.2, whole()), prop::option::weighted(0.9, whole()));
    let readiness = prop::option::weighted(0.9, (any::<bool>(), instant()));
    let pod = (phase, usage, requests, readiness, prop::option::weighted(0.9, instant()), any::<bool>());
    let pod = pod.prop_map(|(phase, usage, (whole, request), readiness, started, owned)| PodSample {
        name: "web".to_owned(),
        phase: PodPhase::of(phase),
        readiness: readiness.map(|(ready, since)| Readiness { ready, since }),
        started,
        deletion: None,
        owned,
        requests: PodRequests {
            pod: whole,
            containers: vec![ContainerRequest { container: "app".to_owned(), milli: request }],
        },
        usage: usage.map(|(at, window, milli)| PodUsage {
            at,
            window: Duration::from_millis(window),
            containers: vec![ContainerUsage { container: "app".to_owned(), milli }],
        }),
    });
    prop::collection::vec(pod, 0..8)
}

/// What an HPA may aim for, whatever it is measured at.
fn metric() -> impl Strategy<Value = Value> {
    let amount = prop_oneof![
        (1..=i64::MAX).prop_map(|milli| format!("{milli}m")),
        Just("1n".to_owned()),
        Just("7999999999999999999Ei".to_owned()),
        Just("1e30".to_owned()),
    ];
    let percent = prop_oneof![1..200_i32, Just(i32::MAX)];
    (0..4_u8, amount, percent).prop_map(|(kind, amount, percent)| {
        let named = json!({ "name": "m" });
        match kind {
            0 => json!({ "type": "External", "external": { "metric": named, "target": { "type": "Value", "value": amount } } }),
            1 => json!({ "type": "External", "external": { "metric": named,
                         "target": { "type": "AverageValue", "averageValue": amount } } }),
            2 => json!({ "type": "Resource", "resource": { "name": "cpu",
                         "target": { "type": "Utilization", "averageUtilization": percent } } }),
            _ => json!({ "type": "Resource", "resource": { "name": "memory",
                         "target": { "type": "AverageValue", "averageValue": amount } } }),
        }
    })
}

fn rules() -> impl Strategy<Value = Value> {
    let value = prop_oneof![1..10_i32, Just(i32::MAX)];
    let policy = (prop_oneof![Just("Pods"), Just("Percent")], value, 1..=1800)
        .prop_map(|(type_, value, period)| json!({ "type": type_, "value": value, "periodSeconds": period }));
    let tolerance =
        prop_oneof![Just("0"), Just("0.1"), Just("999999999999.9999999Ei"), Just("1e30"), Just("1n")];
    let select = prop_oneof![3 => Just("Max"), 3 => Just("Min"), 1 => Just("Disabled")];
    (select, 0..=3600, prop::collection::vec(policy, 1..4), tolerance).prop_map(
        |(select, window, policies, tolerance)| {
            json!({ "selectPolicy": select, "stabilizationWindowSeconds": window, "policies": policies,
                    "tolerance": tolerance })
        },
    )
}

fn plans() -> impl Strategy<Value = Plan> {
    let behavior = prop_oneof![
        1 => Just(Value::Null),
        3 => (rules(), rules()).prop_map(|(up, down)| json!({ "scaleUp": up, "scaleDown": down })),
    ];
    let most = prop_oneof![1..20_i32, Just(i32::MAX)];
    (1..20_i32, most, prop::collection::vec(metric(), 1..4), behavior).prop_map(
        |(min, max, metrics, behavior)| {
            let spec = json!({ "minReplicas": min.min(max), "maxReplicas": max, "metrics": metrics, "behavior": behavior });
            let spec: HpaSpec = serde_json::from_value(spec).expect("a spec");
            let hpa = Hpa::compile(&spec, "spec").expect("a sound spec");
            let [api_version, kind, namespace, name] =
                ["apps/v1", "Deployment", "shop", "web"].map(str::to_owned);
            let queries = hpa.metrics.iter().map(|metric| match metric.aim.measure() {
                Some(measure) => Query::new("pods", "", measure.clone()),
                None => Query::new("external", "", ()),
            });
            let target = Target { api_version, kind, namespace, name };
            hpa.plan(target, queries, Startup::default(), Duration::from_secs(15))
        },
    )
}

/// One sync: when, replicas asked for, existing and ready, and what each metric comes to, of both kinds.
type Sync = (Time, [u32; 3], Vec<(f64, Vec<PodSample>)>);

fn syncs() -> impl Strategy<Value = Vec<Sync>> {
    let readings = prop::collection::vec((float(), pods()), 3);
    prop::collection::vec((instant(), [count(), count(), count()], readings), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sync_comes_to_a_count_within_the_bounds(plan in plans(), syncs in syncs()) {
        let mut memory = Memory::default();
        for (now, [replicas, status_replicas, ready], metrics) in syncs {
            let scales = vec![Some(Scale { replicas, status_replicas, ready: Some(ready) })];
            let reading = |(metric, (value, pods)): (&engine::Metric, (f64, Vec<PodSample>))| {
                match metric.query.content::<PodMeasure>() {
                    Some(measure) => Reading::Pods { measure: measure.clone(), pods: pods.into(), at: now },
                    None => Reading::of(value, now),
                }
            };
            let readings = plan.metrics.iter().zip(metrics).map(reading).collect();
            let observation = Observation { scales, readings, ..Observation::default() };
            let decision = decide(&plan, &mut memory, &observation, now);
            let decided = &decision.members[0];
            let is_off = replicas == 0 && decided.to == 0;
            prop_assert!(is_off || plan.members[0].bounds.distance(decided.to) == 0, "{}", decided.explanation());
            memory.applied(&plan, &decision, now);
        }
    }

    #[test]
    fn pods_of_any_size_come_to_a_load(pods in pods(), replicas in count(), now in instant(), aim in prop::option::of(float()),
                                       is_usage in any::<bool>(), is_memory in any::<bool>()) {
        let amount = if is_usage { PodAmount::Usage } else { PodAmount::Utilization };
        let resource = if is_memory { PodResource::Memory } else { PodResource::Cpu };
        let measure = PodMeasure { resource, amount, container: None };
        if let Ok(load) = PodLoad::new(&measure, &pods, replicas, aim, Startup::default(), now) {
            prop_assert!(load.low.is_finite() && load.high.is_finite(), "{load:?}");
        }
    }

    #[test]
    fn any_text_is_a_quantity_or_none(text in "[-+]?[0-9]{0,20}[.]?[0-9]{0,20}([eE][-+]?[0-9]{1,11}|[numkMGTPE]i?|Ki)?") {
        if let Ok(quantity) = text.parse::<Quantity>() {
            let (milli, float) = (quantity.milli(), quantity.approximate());
            prop_assert!(float.is_finite(), "{text} {float}");
            prop_assert!(milli == 0 || float == 0.0 || (milli > 0) == (float > 0.0), "{text} {milli} {float}");
        }
    }
}

#[test]
fn exponents_beyond_any_amount_are_refused() {
    for text in ["1.5e-2147483648", "1e2147483647", "1e99999999999", "0.1e-2147483648"] {
        assert!(text.parse::<Quantity>().is_err(), "{text}");
    }
}
