use engine::{Problem, Time};
use serde_json::{Value, json};

use super::*;
use crate::contender::Planned;
use crate::replay::{Decided, Entry, Result as Replay, replay};
use crate::testing::{Anything, Scene, manifest};

fn hpa(metrics: Value) -> Value {
    json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 1, "maxReplicas": 20, "metrics": metrics } })
}

fn of_resource(name: &str, container: Option<&str>, target: Value) -> Value {
    match container {
        None => json!({ "type": "Resource", "resource": { "name": name, "target": target } }),
        Some(container) => json!({ "type": "ContainerResource",
            "containerResource": { "name": name, "container": container, "target": target } }),
    }
}

fn utilization(percent: u32) -> Value {
    json!({ "type": "Utilization", "averageUtilization": percent })
}

fn external(name: &str) -> Value {
    json!({ "type": "External", "external": { "metric": { "name": name },
        "target": { "type": "AverageValue", "averageValue": "100" } } })
}

/// 200 requests a second, and 700 from 5 min on.
fn replayed(made: Manifest, yaml: &str) -> Replay {
    let load = (0..60).map(|index| if index < 20 { 200.0 } else { 700.0 }).collect();
    Scene::new(made, yaml, load, 15).replayed(0).results.remove(0)
}

fn problems(object: Value) -> Vec<String> {
    let problems = Manifest::compile(object, &Anything, &engine::POLICIES).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn a_container_is_the_one_that_a_replica_is() {
    let decisions = |container| {
        let made = manifest(hpa(json!([of_resource("cpu", container, utilization(70))])));
        let result = replayed(made, "capacity: 100");
        assert_eq!(result.never_read, [], "{container:?}");
        result.decisions
    };
    let counts = |decisions: &[Decided]| decisions.iter().map(|one| (one.from, one.to)).collect::<Vec<_>>();
    let (of_pods, of_container) = (decisions(None), decisions(Some("main")));
    assert!(of_pods.len() > 1, "{of_pods:?}");
    assert_eq!(counts(&of_container), counts(&of_pods));
    assert!(of_container[0].steps[0].contains("cpu of main "), "{:?}", of_container[0].steps);
    let made = manifest(hpa(json!([of_resource("cpu", Some("main"), utilization(70))])));
    let warning = made.warnings.last().unwrap().to_string();
    assert!(
        warning.starts_with(
            "spec.metrics[0].containerResource.container: a replica of a replay is one container"
        ),
        "{warning}"
    );
}

#[test]
fn an_hpa_that_is_half_null_is_replayed() {
    let mut object = hpa(Value::Null);
    object["spec"]["behavior"] = json!({ "scaleUp": null, "scaleDown": { "policies": null } });
    let result = replayed(manifest(object), "capacity: 100");
    assert!(result.never_read.is_empty() && !result.decisions.is_empty());
}

#[test]
fn what_pods_are_not_measured_at_in_a_replay_is_refused_by_its_path() {
    let average = |value: &str| json!({ "type": "AverageValue", "averageValue": value });
    let object = hpa(json!([
        of_resource("cpu", None, average("250m")),
        of_resource("memory", Some("app"), average("64Mi")),
        of_resource("nvidia.com/gpu", None, utilization(50)),
        { "type": "Pods", "pods": { "metric": { "name": "rps" }, "target": average("10") } },
        of_resource("cpu", None, utilization(50)),
        external("requests"),
    ]));
    let found = problems(object);
    assert_eq!(found.len(), 4, "{found:?}");
    for (found, begin) in found.iter().zip([
        "spec.metrics[0].resource.target.averageValue: Unsupported value: of pods, only Utilization can be replayed",
        "spec.metrics[1].containerResource.target.averageValue: Unsupported value: of pods, only Utilization",
        "spec.metrics[2].resource.name: Unsupported value: \"nvidia.com/gpu\": of pods, only cpu and memory",
        "spec.metrics[3].type: Unsupported value: metrics of type Pods cannot be replayed",
    ]) {
        assert!(found.starts_with(begin), "{found}");
    }
}

#[test]
fn an_hpa_of_another_version_is_said_to_be_one() {
    for version in ["autoscaling/v1", "autoscaling/v2beta2", "autoscaling/v3"] {
        let mut object = hpa(json!([]));
        object["apiVersion"] = json!(version);
        assert!(Manifest::is_known(version, "HorizontalPodAutoscaler"));
        let found = problems(object);
        assert!(found.len() == 1 && found[0].ends_with("write it as autoscaling/v2"), "{found:?}");
    }
    assert!(!Manifest::is_known("apps/v1", "Deployment"));
}

#[test]
fn a_metric_that_is_never_there_is_named_whatever_the_cause() {
    let made = manifest(hpa(json!([external("requests"), of_resource("cpu", None, utilization(70))])));
    let scene = Scene::new(made, "", vec![200.0; 40], 15);
    let mut signals = scene.bound.signals.clone();
    assert_eq!(scene.replayed(0).results[0].never_read, []);
    // A number, in the place of pods.
    signals[1] = signals[0];
    let planned = Planned::new(scene.manifest.plan.clone(), signals, Time::default());
    let entry = Entry { name: "web".to_owned(), contender: Box::new(planned), replicas: None };
    let workload = &scene.bound.workload;
    let replayed = replay(&mut scene.grid(), workload, vec![entry], &Scene::options(), &mut |_| {}).unwrap();
    let report = crate::report::Report { title: "", replayed: &replayed, workload, remarks: &[] };
    let wanted = ["web had no value of its metric cpu at any step: the source did not return pods"];
    assert_eq!(report.never_read(), wanted);
    let summary = report.summary();
    assert!(summary["remarks"].as_array().unwrap().iter().any(|remark| *remark == wanted[0]), "{summary}");
}

#[test]
fn utilization_is_a_number_to_a_metric_that_is_one() {
    let mut ratio = external("busy");
    ratio["external"]["target"] = json!({ "type": "Value", "value": "70" });
    let yaml = "capacity: 100\nmetrics: {busy: {signal: utilization}}";
    let result = replayed(manifest(hpa(json!([ratio]))), yaml);
    assert_eq!(result.never_read, []);
    let last = result.decisions.last().unwrap();
    assert!(last.to >= 10 && last.steps[0].contains("busy "), "{last:?}");
}

#[test]
fn a_field_that_nobody_knows_is_no_evidence() {
    let mut object = hpa(json!([external("requests")]));
    object["spec"]["behaviour"] = json!({ "scaleUp": { "selectPolicy": "Disabled" } });
    assert_eq!(problems(object), ["strict decoding error: unknown field \"spec.behaviour\""]);
}

#[test]
fn an_object_is_called_by_what_its_name_begins_with_where_it_has_none_yet() {
    let mut object = hpa(json!([external("requests")]));
    object["metadata"] = json!({ "generateName": "web-" });
    assert_eq!(manifest(object).name, "web-");
}
