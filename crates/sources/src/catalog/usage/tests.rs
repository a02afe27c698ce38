use engine::{ContainerUsage, PodPhase, PodRequests, PodUsage, Readiness, Time};
use serde_json::{Value, json};

use super::*;
use crate::values::settings::tests::problems_of_source;

/// Noon of the tests.
const NOON: &str = "2026-03-10T12:00:00Z";

fn problems(source: &str, config: Value) -> Vec<String> {
    problems_of_source(source, &config)
}

#[test]
fn settings_are_judged_field_by_field() {
    let none: [&str; 0] = [];
    for source in ["cpu", "memory"] {
        assert_eq!(problems(source, json!({})), none);
        assert_eq!(problems(source, json!({ "measure": "usage", "container": "app" })), none);
        assert_eq!(
            problems(source, json!({ "measure": "Utilization", "container": "a b", "value": 80 })),
            [
                "spec.config.measure: Unsupported value: \"Utilization\": supported values: \"usage\", \"utilization\"",
                "spec.config.container: Invalid value: \"a b\": must be the name of a container",
                "spec.config.value: unknown field; this source knows measure, container",
            ]
        );
    }
}

/// Seconds before noon.
fn ago(seconds: i64) -> String {
    let noon: jiff::Timestamp = NOON.parse().unwrap();
    noon.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap().to_string()
}

fn time(seconds: i64) -> Time {
    Time::from_millis(ago(seconds).parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// A pod of the Deployment `web`, ready for an hour, that requests half a core and 64 Mi.
fn pod(name: &str) -> Value {
    let owner =
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d7f", "controller": true });
    json!({
        "metadata": { "name": name, "labels": { "pod-template-hash": "5d7f" }, "ownerReferences": [owner] },
        "spec": { "containers": [
            { "name": "app", "resources": { "requests": { "cpu": "400m", "memory": "48Mi" } } },
            { "name": "side", "resources": { "requests": { "cpu": "100m", "memory": "16Mi" } } },
        ] },
        "status": {
            "phase": "Running",
            "startTime": ago(3600),
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": ago(3590) }],
        },
    })
}

/// A measurement from 20 s ago, over 15 s.
fn used(name: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "timestamp": ago(20),
        "window": "15s",
        "containers": [
            { "name": "app", "usage": { "cpu": cpu, "memory": memory } },
            { "name": "side", "usage": { "cpu": "10m", "memory": "1Mi" } },
        ],
    })
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    *object.pointer_mut(pointer).unwrap() = value;
    object
}

fn measure(resource: PodResource, container: Option<&str>) -> PodMeasure {
    PodMeasure { resource, amount: PodAmount::Utilization, container: container.map(str::to_owned) }
}

fn sampled(
    measure: &PodMeasure,
    pods: &[Value],
    metrics: &[Value],
) -> Result<Vec<engine::PodSample>, String> {
    let [api_version, kind, namespace, name] = ["apps/v1", "Deployment", "shop", "web"].map(str::to_owned);
    let target = engine::Target { api_version, kind, namespace, name };
    let pods: Vec<Pod> = items("pods", &json!({ "items": pods }).to_string()).unwrap();
    let metrics: Vec<PodMetrics> = items("metrics", &json!({ "items": metrics }).to_string()).unwrap();
    samples(measure, &target, &pods, &metrics)
}

fn container(name: &str, milli: i64) -> ContainerUsage {
    ContainerUsage { container: name.to_owned(), milli }
}

#[test]
fn a_pod_is_sampled_with_all_that_an_hpa_knows_of_it() {
    let cpu = measure(PodResource::Cpu, None);
    let samples =
        sampled(&cpu, &[pod("b"), pod("a")], &[used("a", "390m", "31Mi"), used("x", "9", "9Gi")]).unwrap();
    let [a, b] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"), "in the order of their names");
    assert_eq!((a.phase, a.owned, a.deletion), (PodPhase::Running, true, None));
    assert_eq!(
        (a.started, a.readiness),
        (Some(time(3600)), Some(Readiness { ready: true, since: time(3590) }))
    );
    let requests: Vec<_> = a.requests.containers.iter().map(|of| (of.container.as_str(), of.milli)).collect();
    assert_eq!((a.requests.pod, requests), (None, vec![("app", Some(400)), ("side", Some(100))]));
    let containers = vec![container("app", 390), container("side", 10)];
    let window = std::time::Duration::from_secs(15);
    assert_eq!(a.usage, Some(PodUsage { at: time(20), window, containers }));
    assert_eq!(b.usage, None);

    let memory = measure(PodResource::Memory, None);
    let samples = sampled(&memory, &[pod("a")], &[used("a", "390m", "31Mi")]).unwrap();
    let mebibyte = 1024 * 1024 * 1000;
    assert_eq!(samples[0].requests.containers[0].milli, Some(48 * mebibyte));
    assert_eq!(samples[0].usage.as_ref().unwrap().containers[0], container("app", 31 * mebibyte));
}

#[test]
fn what_a_pod_is_about_shows() {
    let cpu = measure(PodResource::Cpu, None);
    let of = |pod: Value| sampled(&cpu, &[pod], &[]).unwrap().remove(0);
    let mut deleted = pod("a");
    deleted["metadata"]["deletionTimestamp"] = json!(ago(-25));
    assert_eq!(of(deleted).deletion, Some(time(-25)));
    for (phase, sampled) in
        [("Pending", PodPhase::Pending), ("Failed", PodPhase::Failed), ("Odd", PodPhase::Unknown)]
    {
        assert_eq!(of(with(pod("a"), "/status/phase", json!(phase))).phase, sampled);
    }
    let condition = json!([{ "type": "Ready", "status": "Unknown", "lastTransitionTime": ago(7) }]);
    let lost = of(with(pod("a"), "/status/conditions", condition));
    assert_eq!(lost.readiness, Some(Readiness { ready: false, since: time(7) }));
    assert_eq!(of(with(pod("a"), "/status/conditions", json!([]))).readiness, None);
    assert_eq!(of(with(pod("a"), "/status/startTime", json!(null))).started, None);
    assert!(!of(with(pod("a"), "/metadata/ownerReferences/0/kind", json!("Job"))).owned);
}

#[test]
fn requests_of_the_pod_and_of_sidecars_count() {
    let cpu = measure(PodResource::Cpu, None);
    let requests = |pod: Value| sampled(&cpu, &[pod], &[]).unwrap().remove(0).requests;
    let mut whole = pod("a");
    whole["spec"]["resources"] = json!({ "requests": { "cpu": "200m" } });
    assert_eq!(requests(whole).pod, Some(200));
    let mut beside = pod("a");
    beside["spec"]["initContainers"] = json!([
        { "name": "mesh", "restartPolicy": "Always", "resources": { "requests": { "cpu": "500m" } } },
        { "name": "setup" },
    ]);
    let names =
        |requests: PodRequests| requests.containers.into_iter().map(|of| of.container).collect::<Vec<_>>();
    assert_eq!(names(requests(beside)), ["app", "side", "mesh"]);
    let bare = requests(with(pod("a"), "/spec/containers/1/resources", json!({})));
    assert_eq!(bare.containers[1].milli, None);
}

#[test]
fn a_measurement_that_lacks_a_container_is_none() {
    let lacking = with(used("a", "390m", "31Mi"), "/containers/1/usage", json!({ "memory": "1Mi" }));
    let usage = |container: Option<&str>, metrics: &Value| {
        let measure = measure(PodResource::Cpu, container);
        sampled(&measure, &[pod("a")], std::slice::from_ref(metrics)).unwrap().remove(0).usage
    };
    assert_eq!(usage(None, &lacking), None);
    assert_eq!(usage(Some("app"), &lacking).unwrap().containers, [container("app", 390)]);
    assert_eq!(usage(None, &with(used("a", "1", "1Mi"), "/containers", json!([]))), None);
}

#[test]
fn an_amount_that_cannot_be_read_is_named() {
    let cpu = measure(PodResource::Cpu, None);
    let odd = with(used("a", "240m", "1Mi"), "/containers/0/usage/cpu", json!("lots"));
    assert_eq!(sampled(&cpu, &[pod("a")], &[odd]), Err("pod a: \"lots\" is not an amount of cpu".to_owned()));
    let negative = with(pod("b"), "/spec/containers/0/resources/requests/cpu", json!("-1"));
    assert_eq!(sampled(&cpu, &[negative], &[]), Err("pod b: \"-1\" is not an amount of cpu".to_owned()));
}
