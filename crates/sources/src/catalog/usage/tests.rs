use engine::SourceCatalog;
use serde_json::json;

use super::*;
use crate::{AddressPolicy, Registry};

/// Noon of the tests.
const NOW: &str = "2026-03-10T12:00:00Z";

fn problems(source: &str, config: Value) -> Vec<String> {
    let path = ConfigPath { source: "spec.type", config: "spec.config", elsewhere: &[] };
    let registry = Registry::new(AddressPolicy::default());
    registry.validate(source, &config, &path).iter().map(Problem::to_string).collect()
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
    assert!(Registry::new(AddressPolicy::default()).wants_target("cpu"));
    assert!(!Registry::new(AddressPolicy::default()).wants_target("cron"));
}

/// Seconds before noon, as a timestamp.
fn ago(seconds: i64) -> String {
    let noon: jiff::Timestamp = NOW.parse().unwrap();
    noon.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap().to_string()
}

/// A pod that has been ready for an hour and requests half a core and 64 Mi.
fn pod(name: &str) -> Value {
    json!({
        "metadata": { "name": name },
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

fn ready_since(pod: Value, status: &str, started: i64, since: i64) -> Value {
    let pod = with(pod, "/status/startTime", json!(ago(started)));
    let condition = json!([{ "type": "Ready", "status": status, "lastTransitionTime": ago(since) }]);
    with(pod, "/status/conditions", condition)
}

fn ask(
    (resource, measure, container): (Resource, Measure, Option<&str>),
    pods: &[Value],
    metrics: &[Value],
) -> Result<(f64, i64), String> {
    let now = Time::from_millis(NOW.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let question = Question { resource, measure, container, now };
    let pods = items("pods", &json!({ "items": pods }).to_string()).unwrap();
    let metrics = items("metrics", &json!({ "items": metrics }).to_string()).unwrap();
    sum(&question, &pods, &metrics)
        .map(|(value, at)| ((value * 1e6).round() / 1e6, now.since(at).as_secs() as i64))
}

const CPU_PERCENT: (Resource, Measure, Option<&str>) = (Resource::Cpu, Measure::Utilization, None);
const CPU_CORES: (Resource, Measure, Option<&str>) = (Resource::Cpu, Measure::Usage, None);
const MEMORY_PERCENT: (Resource, Measure, Option<&str>) = (Resource::Memory, Measure::Utilization, None);

#[test]
fn the_sum_over_all_pods_is_told_in_the_unit_that_is_asked_for() {
    let pods = [pod("a"), pod("b")];
    let metrics = [used("a", "390m", "31Mi"), used("b", "140m", "15Mi"), used("stranger", "9", "9Gi")];
    for (asked, expected) in [
        // 400 of 500 millicores and 150 of 500.
        (CPU_PERCENT, 110.0),
        (CPU_CORES, 0.55),
        (MEMORY_PERCENT, 75.0),
        ((Resource::Memory, Measure::Usage, None), 48.0 * 1_048_576.0),
        ((Resource::Cpu, Measure::Utilization, Some("side")), 20.0),
        ((Resource::Cpu, Measure::Usage, Some("app")), 0.53),
    ] {
        assert_eq!(ask(asked, &pods, &metrics), Ok((expected, 20)), "{asked:?}");
    }
}

/// As the HPA weighs it: all that is used of all that is requested, for each pod.
#[test]
fn pods_with_different_requests_are_weighed() {
    let large = with(pod("large"), "/spec/containers/0/resources/requests/cpu", json!("1400m"));
    let metrics = [used("large", "390m", "1Mi"), used("b", "390m", "1Mi")];
    // 800 of 2000 millicores is 40 percent, of two pods.
    assert_eq!(ask(CPU_PERCENT, &[large, pod("b")], &metrics), Ok((80.0, 20)));
}

#[test]
fn requests_of_the_pod_and_of_sidecars_count() {
    let metrics = [used("a", "90m", "1Mi")];
    let mut whole = pod("a");
    whole["spec"]["resources"] = json!({ "requests": { "cpu": "200m" } });
    assert_eq!(ask(CPU_PERCENT, &[whole], &metrics), Ok((50.0, 20)));
    let mut beside = pod("a");
    beside["spec"]["initContainers"] = json!([
        { "name": "mesh", "restartPolicy": "Always", "resources": { "requests": { "cpu": "500m" } } },
        { "name": "setup" },
    ]);
    assert_eq!(ask(CPU_PERCENT, &[beside], &metrics), Ok((10.0, 20)));
}

#[test]
fn pods_that_do_not_work_do_not_count() {
    let metrics = [used("a", "240m", "1Mi"), used("b", "240m", "1Mi")];
    let mut deleted = pod("b");
    deleted["metadata"]["deletionTimestamp"] = json!(ago(5));
    for other in [
        deleted,
        with(pod("b"), "/status/phase", json!("Failed")),
        with(pod("b"), "/status/phase", json!("Succeeded")),
        with(pod("b"), "/status/phase", json!("Pending")),
    ] {
        assert_eq!(ask(CPU_PERCENT, &[pod("a"), other.clone()], &metrics), Ok((50.0, 20)), "{other}");
    }
}

#[test]
fn the_start_of_a_pod_is_not_its_load() {
    let metrics = [used("a", "240m", "31Mi"), used("b", "990m", "31Mi")];
    for (why, second, counts) in [
        ("not ready in its first minutes", ready_since(pod("b"), "False", 100, 100), false),
        ("measured before it was ready", ready_since(pod("b"), "True", 100, 30), false),
        ("measured since it was ready", ready_since(pod("b"), "True", 100, 35), true),
        ("never ready", ready_since(pod("b"), "False", 900, 880), false),
        ("no more ready", ready_since(pod("b"), "False", 900, 200), true),
        ("nobody said", with(pod("b"), "/status/conditions", json!([])), false),
        ("not started", with(pod("b"), "/status/startTime", json!(null)), false),
    ] {
        let pods = [pod("a"), second];
        let percent = if counts { 250.0 } else { 50.0 };
        assert_eq!(ask(CPU_PERCENT, &pods, &metrics), Ok((percent, 20)), "{why}");
        // Memory is used from the start.
        assert_eq!(ask(MEMORY_PERCENT, &pods, &metrics), Ok((100.0, 20)), "{why}");
    }
}

#[test]
fn a_measurement_that_is_missing_is_awaited_or_ends_the_reading() {
    let old = with(used("b", "1", "1Mi"), "/timestamp", json!(ago(301)));
    let empty = with(used("b", "1", "1Mi"), "/containers", json!([]));
    for missing in [vec![], vec![old], vec![empty]] {
        let metrics = [vec![used("a", "240m", "1Mi")], missing].concat();
        for young in [ready_since(pod("b"), "True", 200, 119), ready_since(pod("b"), "False", 3600, 3000)] {
            assert_eq!(ask(CPU_CORES, &[pod("a"), young], &metrics), Ok((0.25, 20)));
        }
        let overdue = ready_since(pod("b"), "True", 200, 120);
        assert_eq!(
            ask(CPU_CORES, &[pod("a"), overdue], &metrics),
            Err("pod b is ready and has no measurement from the last five minutes".to_owned())
        );
    }
}

#[test]
fn the_reading_is_as_old_as_its_oldest_measurement() {
    let older = with(used("b", "240m", "1Mi"), "/timestamp", json!(ago(75)));
    assert_eq!(ask(CPU_CORES, &[pod("a"), pod("b")], &[used("a", "240m", "1Mi"), older]), Ok((0.5, 75)));
}

#[test]
fn why_there_is_no_number_is_said() {
    let bare = with(pod("a"), "/spec/containers/1/resources", json!({}));
    let zero = with(pod("a"), "/spec/containers/0/resources/requests/cpu", json!("0"));
    let metrics = [used("a", "240m", "1Mi")];
    let odd = with(used("a", "240m", "1Mi"), "/containers/0/usage/cpu", json!("lots"));
    let advice = "set resources.requests.cpu, or ask for measure: usage";
    for (asked, pods, metrics, expected) in [
        (
            CPU_PERCENT,
            vec![],
            &metrics[..],
            "it has no pods, so nothing is known of what they use".to_owned(),
        ),
        (
            CPU_PERCENT,
            vec![bare.clone()],
            &metrics[..],
            format!("missing request for cpu in container side of pod a: {advice}"),
        ),
        (
            CPU_PERCENT,
            vec![zero],
            &metrics[..],
            format!("missing request for cpu in container app of pod a: {advice}"),
        ),
        (
            (Resource::Cpu, Measure::Usage, Some("web")),
            vec![pod("a")],
            &metrics[..],
            "pod a has no container \"web\"".to_owned(),
        ),
        (CPU_CORES, vec![pod("a")], &[odd][..], "pod a: \"lots\" is no amount of cpu".to_owned()),
        (
            CPU_CORES,
            vec![ready_since(pod("a"), "False", 60, 60)],
            &metrics[..],
            "none of its 1 pods can be counted: pod a is not ready yet".to_owned(),
        ),
    ] {
        assert_eq!(ask(asked, &pods, metrics), Err(expected));
    }
    // Cores need no request, and neither does one container that has one.
    assert_eq!(ask(CPU_CORES, std::slice::from_ref(&bare), &metrics), Ok((0.25, 20)));
    assert_eq!(ask((Resource::Cpu, Measure::Utilization, Some("app")), &[bare], &metrics), Ok((60.0, 20)));
}
