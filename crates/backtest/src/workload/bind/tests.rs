use engine::{Asked, Prepared, SourceCatalog};
use serde_json::json;

use super::*;
use crate::testing::{manifest, scaler};

fn bound(manifest: &Manifest, yaml: &str, columns: &[&str]) -> Result<Bound, String> {
    let spec = WorkloadSpec::from_yaml(yaml).map_err(|problem| problem.to_string())?;
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    bind(manifest, &spec, &columns)
        .map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn without_a_workload_file_the_manifest_says_what_a_replica_bears() {
    let bound = bound(&scaler("requests", 100.0), "", &["requests"]).unwrap();
    let service = &bound.workload.members[0];
    assert_eq!((service.capacity, service.concurrency, service.service_time), (100.0, 1.0, 0.01));
    assert!(service.drops && service.cost_per_pod_hour == 1.0);
    assert_eq!(service.startup.fixed(), Some(std::time::Duration::from_secs(30)));
    assert_eq!((bound.columns, bound.workload.slo), (vec!["requests".to_owned()], Slo::Utilization(1.0)));
    assert_eq!(bound.signals, [Signal { kind: SignalKind::Column(0), scale: 1.0 }]);
    let business = json!({ "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": { "name": "shop" },
        "spec": { "targetDeployment": "shop", "metricSource": "http://shop/users" } });
    assert_eq!(
        super::tests::bound(&manifest(business), "", &["any"]).unwrap().workload.members[0].capacity,
        500.0
    );
}

#[test]
fn the_only_column_is_the_load_whatever_it_is_called() {
    let found = bound(&scaler("requests", 100.0), "", &["value"]).unwrap();
    assert_eq!(found.columns, ["value"]);
    let error = bound(&scaler("requests", 100.0), "", &["a", "b"]).unwrap_err();
    assert!(error.contains(
        "metrics.requests: Required value: the load has no column \"requests\"; its columns: a, b"
    ));
    let found =
        bound(&scaler("requests", 100.0), "metrics: {requests: {column: b, scale: 2}}", &["a", "b"]).unwrap();
    assert_eq!((found.columns.as_slice(), found.signals[0].scale), (["b".to_owned()].as_slice(), 2.0));
}

#[test]
fn requests_and_time_make_capacity() {
    let yaml = "serviceTime: 50ms\nconcurrency: 4\nper: 1m\n";
    let service = bound(&scaler("requests", 100.0), yaml, &["requests"]).unwrap().workload.members[0].clone();
    assert_eq!((service.capacity, service.concurrency), (4800.0, 4.0));
    let service =
        bound(&scaler("requests", 100.0), "serviceTime: 50ms", &["r"]).unwrap().workload.members[0].clone();
    assert_eq!((service.capacity, service.concurrency), (100.0, 5.0));
}

#[test]
fn queues_feed_back() {
    let queue = json!({ "apiVersion": "scaling.example.com/v1", "kind": "ScalingRule",
        "metadata": { "name": "orders", "namespace": "shop" },
        "spec": { "deploymentName": "worker", "namespace": "shop", "minReplicas": 1, "maxReplicas": 9,
            "natsMonitoringURL": "http://nats:8222", "subject": "orders", "scaleUpThreshold": 50,
            "scaleDownThreshold": 10, "pollIntervalSeconds": 10 } });
    let rule = manifest(queue);
    let error = bound(&rule, "", &["arrivals"]).unwrap_err();
    assert!(error.starts_with("capacity: Required value: the load that one replica can handle"), "{error}");
    let found = bound(&rule, "capacity: 5", &["arrivals"]).unwrap();
    assert_eq!(found.signals[0].kind, SignalKind::Queue(0));
    assert!(!found.workload.members[0].drops && found.workload.members[0].inflow.len() == 1);
}

#[test]
fn what_depends_on_the_replicas_of_its_day_is_refused() {
    let mut ratio = scaler("latency", 0.2).object;
    ratio["spec"]["metrics"][0]["targetType"] = json!("Value");
    let ratio = manifest(ratio);
    let error = bound(&ratio, "capacity: 10", &["latency"]).unwrap_err();
    assert!(
        error.contains("depends on the replicas of its day") && error.contains("signal: latency"),
        "{error}"
    );
    let found = bound(&ratio, "capacity: 10\nmetrics: {latency: {signal: latency}}", &["requests"]).unwrap();
    assert_eq!(found.signals[0].kind, SignalKind::Latency(0));
    let yaml = "load: {column: cpu, kind: utilization, scale: 0.01}";
    let error = bound(&scaler("cpu", 70.0), yaml, &["cpu", "pods"]).unwrap_err();
    assert!(error.starts_with("load.replicas: Required value"), "{error}");
    let yaml = "capacity: 10\nload: {column: cpu, kind: utilization, scale: 0.01, replicas: pods}";
    let found = bound(&scaler("cpu", 70.0), yaml, &["cpu", "pods"]).unwrap();
    assert_eq!(found.workload.demand(0, &[50.0, 4.0]), 20.0);
}

#[test]
fn what_makes_no_sense_is_named_by_its_path() {
    for (yaml, part) in [
        ("capacity: 0", "capacity: Invalid value: 0: must be above 0"),
        ("capacity: -3", "capacity: Invalid value: -3"),
        ("serviceTime: 0s", "serviceTime: Invalid value: 0"),
        ("per: 0s", "per: Invalid value"),
        ("slo: {utilization: 1.5}", "slo.utilization: Invalid value: 1.5"),
        ("slo: {utilization: 0.5, latency: 1s}", "slo: Invalid value: must be one of"),
        ("slo: {latency: 1ms}", "slo.latency: Invalid value: 0.001 s: a request takes 0.01 s"),
        ("slo: {latency: 1s, percentile: 100}", "slo.percentile: Invalid value: 100"),
        (
            "metrics: {users: {}}",
            "metrics.users: Invalid value: the manifest has no metric \"users\"; it has requests",
        ),
        ("members: {db: {}}", "members.db: Invalid value: the manifest has no member \"db\""),
        (
            "metrics: {requests: {column: x}}",
            "metrics.requests.column: Invalid value: the load has no column \"x\"",
        ),
        ("startup: {uniform: {min: 9s, max: 1s}}", "startup: Invalid value: min must not be above max"),
    ] {
        let error = bound(&scaler("requests", 100.0), yaml, &["requests", "b"]).unwrap_err();
        assert!(error.contains(part), "{yaml}: {error}");
    }
}

#[test]
fn a_call_graph_carries_the_load() {
    let group = manifest(crate::testing::group());
    let found = bound(&group, "members: {db: {capacity: 40}}", &["requests"]).unwrap();
    let [web, db] = &found.workload.members[..] else { panic!("{:?}", found.workload.members) };
    assert_eq!((web.capacity, web.inflow.len(), web.calls.len()), (100.0, 1, 0));
    assert_eq!((db.capacity, db.inflow.len(), db.calls.as_slice()), (40.0, 0, [(0, 2.0)].as_slice()));
    assert_eq!(found.workload.order, [0, 1]);
}

#[test]
fn a_catalog_that_finds_fault_is_heard() {
    struct Never;
    impl SourceCatalog for Never {
        fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>> {
            Err(vec![Problem::new(asked.path.setting("query"), Fault::required())])
        }
    }
    let problems = Manifest::compile(scaler("requests", 1.0).object, &Never, &engine::POLICIES).unwrap_err();
    assert_eq!(problems[0].path, "spec.metrics[0].config.query");
    let unknown = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "x" } });
    assert!(
        Manifest::compile(unknown, &Never, &engine::POLICIES).unwrap_err()[0]
            .fault
            .detail
            .contains("GeneralScaler")
    );
}

#[test]
fn a_plain_hpa_is_a_manifest_too() {
    let hpa = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 2, "maxReplicas": 9, "metrics": [
                { "type": "External", "external": { "metric": { "name": "requests" },
                    "target": { "type": "AverageValue", "averageValue": "80" } } }] } });
    let found = bound(&manifest(hpa.clone()), "", &["requests"]).unwrap();
    let service = &found.workload.members[0];
    assert_eq!((service.capacity, service.bounds.min(), service.bounds.max()), (80.0, 2, 9));
    let mut by_cpu = hpa;
    by_cpu["spec"]["metrics"] = json!([{ "type": "Resource", "resource": { "name": "cpu",
        "target": { "type": "Utilization", "averageUtilization": 70 } } }]);
    let found = bound(&manifest(by_cpu.clone()), "capacity: 50", &["requests"]).unwrap();
    assert_eq!(found.signals[0].kind, SignalKind::Utilization(0));
    by_cpu["spec"]["maxReplicas"] = json!(0);
    let problems = Manifest::compile(by_cpu, &crate::testing::Anything, &engine::POLICIES).unwrap_err();
    assert!(problems.iter().any(|problem| problem.path == "spec.maxReplicas"), "{problems:?}");
}

#[test]
fn what_an_hpa_measures_at_pods_is_no_number() {
    let hpa = |name: &str| {
        let target = json!({ "type": "Utilization", "averageUtilization": 70 });
        manifest(json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "maxReplicas": 9, "metrics": [
                    { "type": "Resource", "resource": { "name": name, "target": target } }] } }))
    };
    let scaled_object = |name: &str, mode: &str| {
        manifest(json!({ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": { "name": "web", "annotations": { "polyscaler.dev/actuation": mode } },
            "spec": { "scaleTargetRef": { "name": "web" }, "triggers": [
                { "type": name, "metadata": { "value": "70" } }] } }))
    };
    for name in ["cpu", "memory"] {
        for made in [hpa(name), scaled_object(name, "hpa"), scaled_object(name, "direct")] {
            for signal in ["load", "latency", "queue"] {
                let yaml = format!("capacity: 50\nmetrics: {{{name}: {{signal: {signal}}}}}");
                let error = bound(&made, &yaml, &["requests"]).unwrap_err();
                let begin = format!(
                    "metrics.{name}.signal: Unsupported value: {signal}: metric {name} is measured by the HPA at the replicas"
                );
                assert!(error.starts_with(&begin) && error.contains("signal: utilization"), "{error}");
            }
            let yaml = format!("capacity: 50\nmetrics: {{{name}: {{signal: utilization}}}}");
            let found = bound(&made, &yaml, &["requests"]).unwrap();
            assert_eq!(found.signals[0].kind, SignalKind::Utilization(0));
        }
    }
    let error = bound(&hpa("memory"), "capacity: 50", &["requests"]).unwrap_err();
    assert!(error.starts_with("metrics.memory.signal: Required value: metric memory is measured"), "{error}");
    assert!(!error.contains("signal: latency"), "{error}");
}

#[test]
fn a_column_that_nobody_would_read_is_refused() {
    let made = scaler("latency", 0.2);
    let error = bound(&made, "metrics: {latency: {signal: latency, column: b}}\ncapacity: 9", &["a", "b"])
        .unwrap_err();
    assert!(
        error.contains("metrics.latency.column: Invalid value: only a metric with signal: load reads"),
        "{error}"
    );
}

#[test]
fn usage_is_not_compared_with_per_cent() {
    let made = |type_: &str| {
        manifest(json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "targetDeployment": "web", "maxReplicas": 20, "metrics": [
                { "type": type_, "targetValue": 0.25, "config": { "measure": "usage" } }] } }))
    };
    for (name, yaml) in [("cpu", ""), ("memory", "metrics: {memory: {signal: utilization}}")] {
        let error = bound(&made(name), &format!("capacity: 50\n{yaml}"), &["requests"]).unwrap_err();
        let begin = format!(
            "metrics.{name}.signal: Unsupported value: utilization: metric {name} has measure: usage"
        );
        assert!(error.starts_with(&begin), "{error}");
        let yaml = format!("metrics: {{{name}: {{signal: load}}}}");
        let found = bound(&made(name), &yaml, &["cores"]).unwrap();
        assert_eq!(found.workload.members[0].capacity, 0.25);
    }
}

#[test]
fn the_only_column_is_that_of_the_only_metric_that_reads_one() {
    let metric = |name: &str, more: Value| {
        let mut metric =
            json!({ "name": name, "type": "prometheus", "targetValue": 80, "config": { "query": "x" } });
        metric.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        metric
    };
    let made = |second: Value| {
        manifest(json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "targetDeployment": "web", "maxReplicas": 20,
                "metrics": [metric("requests", json!({})), second] } }))
    };
    let beside_cpu = made(json!({ "type": "cpu", "targetValue": 70 }));
    let found = bound(&beside_cpu, "", &["value"]).unwrap();
    let kinds: Vec<SignalKind> = found.signals.iter().map(|signal| signal.kind).collect();
    assert_eq!(kinds, [SignalKind::Column(0), SignalKind::Utilization(0)]);
    let error = bound(&made(metric("users", json!({}))), "", &["value"]).unwrap_err();
    assert!(error.starts_with("metrics.requests: Required value"), "{error}");
}
