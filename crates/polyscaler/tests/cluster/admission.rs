//! What the API server refuses `polyscaler check` refuses, too, and in the same words.

use std::io::Write as _;
use std::process::{Command, Stdio};

use kube::Client;
use kube::core::Status;
use serde_json::{Value, json};

use crate::harness::{POLYSCALER, Scene};

mod groups;
mod namespaced;

/// A problem as both report it: the field's path and what is wrong.
pub(crate) type Problem = (String, String);

fn least() -> Value {
    json!({ "targetDeployment": "web", "metricSource": "http://load/users" })
}

pub(crate) fn with(fields: Value) -> Value {
    let mut spec = least();
    for (name, value) in fields.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

pub(crate) fn without(field: &str, fields: Value) -> Value {
    let mut spec = with(fields);
    spec.as_object_mut().unwrap().remove(field);
    spec
}

fn thresholds(thresholds: Value) -> Value {
    with(json!({ "scaleThresholds": thresholds }))
}

pub(crate) fn manifest(spec: Value) -> Value {
    json!({
        "apiVersion": "example.com/v1",
        "kind": "BusinessScaling",
        "metadata": { "name": "judged" },
        "spec": spec,
    })
}

/// Specs of which each has something wrong.
fn bad_specs() -> Vec<Value> {
    let http = json!({ "type": "http", "config": { "url": "http://load/users", "valuePath": "$.n" } });
    let long_url = format!("http://load/{}", "a".repeat(2048));
    vec![
        json!({}),
        json!([]),
        json!("text"),
        // Fields that do not exist, also deep down and several at once.
        with(json!({ "targetDeploymnt": "web" })),
        with(json!({ "minReplicas": 2, "maxReplicas": 10 })),
        thresholds(json!({ "minUser": 1 })),
        without("targetDeployment", json!({ "targetRef": { "name": "web", "namespace": "other" } })),
        with(json!({ "safety": { "cooldown": 5 } })),
        // Rules across fields.
        thresholds(json!({ "minReplicas": 11, "maxReplicas": 10 })),
        thresholds(json!({ "minReplicas": 11 })),
        thresholds(json!({ "minUsers": 5000, "maxUsers": 5000 })),
        thresholds(json!({ "minUsers": 5000.5, "maxUsers": 5000.25 })),
        thresholds(json!({ "minUsers": 9, "maxUsers": 3, "minReplicas": 9, "maxReplicas": 3 })),
        with(json!({ "targetRef": { "name": "web" } })),
        without("targetDeployment", json!({})),
        with(json!({ "metric": http })),
        without("metricSource", json!({})),
        without("metricSource", json!({ "metric": http, "valuePath": "$.n" })),
        without(
            "metricSource",
            json!({ "metric": http, "headersFrom": { "secretRef": { "name": "token" } } }),
        ),
        // Intervals.
        with(json!({ "intervalSeconds": 0 })),
        with(json!({ "intervalSeconds": -1 })),
        with(json!({ "intervalSeconds": 86401 })),
        with(json!({ "intervalSeconds": 1.5 })),
        with(json!({ "intervalSeconds": "60" })),
        with(json!({ "intervalSeconds": "60s" })),
        with(json!({ "intervalSeconds": 4294967296_i64 })),
        // Addresses.
        with(json!({ "metricSource": "ftp://load/users" })),
        with(json!({ "metricSource": "file:///etc/passwd" })),
        with(json!({ "metricSource": "HTTP://load/users" })),
        with(json!({ "metricSource": "load/users" })),
        with(json!({ "metricSource": "http://" })),
        with(json!({ "metricSource": "http:///users" })),
        with(json!({ "metricSource": "" })),
        with(json!({ "metricSource": long_url })),
        with(json!({ "metricSource": 5 })),
        with(json!({ "valuePath": "" })),
        // Names.
        with(json!({ "targetDeployment": "" })),
        with(json!({ "targetDeployment": "web/scale" })),
        with(json!({ "targetDeployment": "../../nodes/node-0" })),
        with(json!({ "targetDeployment": "Web" })),
        with(json!({ "targetDeployment": "web\n" })),
        with(json!({ "targetDeployment": "-web" })),
        with(json!({ "targetDeployment": "a".repeat(254) })),
        with(json!({ "targetDeployment": "ünïcode" })),
        with(json!({ "namespace": "kube-system/.." })),
        with(json!({ "namespace": "" })),
        with(json!({ "namespace": "a".repeat(64) })),
        with(json!({ "headersFrom": { "secretRef": { "name": "a/b" } } })),
        with(json!({ "headersFrom": { "secretRef": {} } })),
        with(json!({ "headersFrom": {} })),
        without("targetDeployment", json!({ "targetRef": {} })),
        without("targetDeployment", json!({ "targetRef": { "name": "a/b", "kind": "Deployment/scale" } })),
        without(
            "targetDeployment",
            json!({ "targetRef": { "name": "a", "apiVersion": "apps/v1/namespaces" } }),
        ),
        // Types.
        with(json!({ "targetDeployment": ["web"] })),
        with(json!({ "targetDeployment": 7 })),
        with(json!({ "targetDeployment": true })),
        with(json!({ "scaleThresholds": [] })),
        with(json!({ "scaleThresholds": "wide" })),
        with(json!({ "safety": 5 })),
        without("metricSource", json!({ "metric": { "type": 5 } })),
        without("metricSource", json!({ "metric": {} })),
        without("metricSource", json!({ "metric": { "type": "" } })),
        without("metricSource", json!({ "metric": { "type": "http", "config": [] } })),
        thresholds(json!({ "minUsers": "1000" })),
        thresholds(json!({ "maxReplicas": 2.5 })),
        // Numbers.
        thresholds(json!({ "minUsers": -1 })),
        thresholds(json!({ "minUsers": -0.5 })),
        thresholds(json!({ "minReplicas": -1 })),
        thresholds(json!({ "maxReplicas": -1, "minUsers": 9, "maxUsers": 3 })),
        thresholds(json!({ "maxReplicas": 0, "minReplicas": 0 })),
        thresholds(json!({ "maxReplicas": 2147483648_i64 })),
        with(json!({ "safety": { "cooldownSeconds": -5 } })),
        with(json!({ "safety": { "cooldownSeconds": 86401, "maxScaleUpRate": 0, "maxScaleDownRate": 0 } })),
        with(
            json!({ "safety": { "scaleUpStabilizationSeconds": 3601, "scaleDownStabilizationSeconds": -1 } }),
        ),
        // Several things at once, in several places.
        json!({
            "metricSource": "ftp://load",
            "scaleThresholds": { "minUsers": 5, "maxUsers": 5, "minReplicas": 4, "maxReplicas": 3 },
            "intervalSeconds": 0,
        }),
    ]
}

/// Specs with nothing wrong.
fn good_specs() -> Vec<Value> {
    vec![
        least(),
        with(json!({ "metricSource": "https://user-count.example:8443/a?b=c&d=%20#e" })),
        with(json!({ "metricSource": "http://[::1]:8080/users" })),
        with(json!({ "targetDeployment": "web.v2-canary" })),
        with(json!({ "valuePath": "$.data[0]['active users']" })),
        with(json!({ "intervalSeconds": 1 })),
        with(json!({ "intervalSeconds": 86400 })),
        with(json!({ "intervalSeconds": 60.0 })),
        with(json!({ "scaleThresholds": {} })),
        thresholds(json!({ "minUsers": 0, "maxUsers": 0.5, "minReplicas": 0, "maxReplicas": 1 })),
        thresholds(json!({ "minReplicas": 10, "maxReplicas": 10 })),
        thresholds(json!({ "maxReplicas": i32::MAX, "maxUsers": 1e300 })),
        with(json!({ "headersFrom": { "secretRef": { "name": "token" } } })),
        with(json!({ "safety": {} })),
        with(json!({ "safety": {
            "cooldownSeconds": 0, "maxScaleUpRate": 1, "maxScaleDownRate": i32::MAX,
            "scaleUpStabilizationSeconds": 0, "scaleDownStabilizationSeconds": 3600,
        } })),
        without("targetDeployment", json!({ "targetRef": { "name": "web" } })),
        without(
            "targetDeployment",
            json!({ "targetRef": {
            "apiVersion": "fleet.example.org/v1beta1", "kind": "Fleet", "name": "taxis",
        } }),
        ),
        without(
            "metricSource",
            json!({ "metric": { "type": "http", "config": {
            "url": "http://load/users", "valuePath": "$.n", "timeoutSeconds": 3,
        } } }),
        ),
    ]
}

/// A problem with the API server's reason in front.
type Cause = (String, Problem);

/// What the API server has against `manifest`; empty where it takes it.
pub(super) async fn refused(client: &Client, manifest: &Value) -> Vec<Problem> {
    causes_of_refusal(client, manifest).await.into_iter().map(|(_, problem)| problem).collect()
}

async fn causes_of_refusal(client: &Client, manifest: &Value) -> Vec<Cause> {
    let [api_version, kind] = ["apiVersion", "kind"].map(|field| manifest[field].as_str().unwrap());
    let supporting = resources::SUPPORTING.iter().find(|known| known.kind == kind);
    let plural = resources::find(api_version, kind).map(|known| known.plural);
    let plural = plural.or(supporting.map(|known| known.plural)).unwrap();
    let namespace = manifest["metadata"]["namespace"].as_str();
    let place = namespace.map(|name| format!("namespaces/{name}/")).unwrap_or_default();
    let query = "dryRun=All&fieldValidation=Strict";
    let request = http::Request::post(format!("/apis/{api_version}/{place}{plural}?{query}"))
        .header("Content-Type", "application/json")
        .body(manifest.to_string().into_bytes())
        .unwrap();
    match client.request::<Value>(request).await {
        Ok(_) => Vec::new(),
        Err(kube::Error::Api(status)) => causes(&status),
        Err(error) => panic!("{manifest}: {error}"),
    }
}

fn causes(status: &Status) -> Vec<Cause> {
    // Unknown fields are reported in one sentence and without causes.
    if let Some((_, unknown)) = status.message.split_once("strict decoding error: ") {
        let one = |field: &str| {
            let problem = (String::new(), format!("strict decoding error: {field}"));
            ("FieldValueInvalid".to_owned(), problem)
        };
        return unknown.split(", ").map(one).collect();
    }
    let causes = status.details.as_ref().map(|details| &details.causes[..]).unwrap_or_default();
    assert!(!causes.is_empty(), "refused without causes: {status:?}");
    // Without a field it says only that rules across fields were not looked at.
    let reported = causes.iter().filter(|cause| cause.field != "<nil>");
    reported.map(|cause| (cause.reason.clone(), (cause.field.clone(), cause.message.clone()))).collect()
}

/// What `polyscaler check` has against each of `manifests`.
pub(crate) fn checked(manifests: &[Value]) -> Vec<Vec<Problem>> {
    let without_reasons = |causes: Vec<Cause>| causes.into_iter().map(|(_, problem)| problem).collect();
    causes_by_check(manifests).into_iter().map(without_reasons).collect()
}

/// Each in a run of its own, as several objects on one target are refused within one.
fn causes_by_check(manifests: &[Value]) -> Vec<Vec<Cause>> {
    manifests.iter().map(causes_of_one_by_check).collect()
}

fn causes_of_one_by_check(manifest: &Value) -> Vec<Cause> {
    let mut check = Command::new(POLYSCALER)
        .args(["check", "--output", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(manifest.to_string().as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let text = |problem: &Value, field: &str| problem[field].as_str().unwrap().to_owned();
    let all = found["problems"].as_array().unwrap();
    assert_eq!(found["valid"], all.is_empty());
    all.iter()
        .map(|problem| (text(problem, "reason"), (text(problem, "path"), text(problem, "message"))))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_the_api_server_says() {
    let scene = Scene::new("admission").await;
    let mut manifests: Vec<Value> = bad_specs().into_iter().map(manifest).collect();
    manifests.extend(namespaced::bad());
    manifests.extend(groups::bad());
    let mut differences = Vec::new();
    for (manifest, mut found) in manifests.iter().zip(causes_by_check(&manifests)) {
        let mut refused = causes_of_refusal(&scene.client, manifest).await;
        assert!(!refused.is_empty(), "the API server takes {}", manifest["spec"]);
        refused.sort();
        found.sort();
        if refused != found {
            differences
                .push(format!("{}\n  API server: {refused:#?}\n  check: {found:#?}", manifest["spec"]));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_take_what_is_good() {
    let scene = Scene::new("admission").await;
    let mut manifests: Vec<Value> = good_specs().into_iter().map(manifest).collect();
    manifests.extend(namespaced::good());
    manifests.extend(groups::good());
    for (manifest, found) in manifests.iter().zip(checked(&manifests)) {
        assert_eq!(found, [], "{}", manifest["spec"]);
        assert_eq!(refused(&scene.client, manifest).await, [], "{}", manifest["spec"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_refuse_what_is_no_object_of_the_kind() {
    let scene = Scene::new("admission").await;
    let mut nameless = manifest(least());
    nameless["metadata"] = json!({});
    let mut more = manifest(least());
    more["spce"] = json!({});
    let specless = json!({
        "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": { "name": "judged" },
    });
    let manifests = [nameless, more, specless];
    for (manifest, found) in manifests.iter().zip(checked(&manifests)) {
        assert_eq!(refused(&scene.client, manifest).await, found, "{manifest}");
        assert!(!found.is_empty(), "{manifest}");
    }
}

/// Specs whose schema is kept, and with which no source can do anything.
pub(crate) fn judged_by_sources(namespace: &str) -> Vec<Value> {
    vec![
        with(json!({ "namespace": namespace, "valuePath": "$.[" })),
        with(json!({ "namespace": namespace, "metricSource": "http://user:secret@load/users" })),
        with(json!({ "namespace": namespace, "metricSource": "http://load:99999/users" })),
        without("metricSource", json!({ "namespace": namespace, "metric": { "type": "carrier-pigeon" } })),
        without(
            "metricSource",
            json!({ "namespace": namespace, "metric": {
            "type": "http", "config": { "url": "gopher://load", "timeout": 5, "timeoutSeconds": 500 },
        } }),
        ),
    ]
}

/// Annotations of which each has something wrong.
pub(crate) fn bad_annotations() -> Vec<Value> {
    let over = |text: &str| json!({ "polyscaler.dev/override": text });
    vec![
        json!({ "polyscaler.dev/mode": "obsrve" }),
        json!({ "polyscaler.dev/pausd": "true", "polyscaler.dev/zzz": "" }),
        json!({ "polyscaler.dev/paused": "yes" }),
        json!({ "polyscaler.dev/paused-replicas": "many", "polyscaler.dev/paused-scale-in": "1" }),
        over("{"),
        over(r#"{"minReplicas": 9, "maxReplicas": 3, "until": "2999-01-01T00:00:00Z"}"#),
        over(r#"{"minReplicas": 3, "until": "soon"}"#),
        over(r#"{"minReplicas": 3, "until": "2999-01-01T00:00:00Z", "reson": "x"}"#),
    ]
}

/// What only the source or the operator can judge is stored, refused by `check`, and reported in
/// the same words by the operator.
#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_what_check_says() {
    let scene = Scene::new("invalid").await;
    let target = scene.podless_deployment("web", 3).await;
    let operator = scene.operator(&[]).await;
    let namespace = &scene.namespace;
    let specs = judged_by_sources(namespace);
    let manifests: Vec<Value> = specs.iter().cloned().map(manifest).collect();
    for (index, (spec, found)) in specs.into_iter().zip(checked(&manifests)).enumerate() {
        assert!(!found.is_empty(), "{spec}");
        let scaling = scene.business_scaling(&format!("number-{index}"), spec).await;
        let message = scaling.wait_for("Ready", "False", "InvalidSpec").await;
        let words: Vec<String> = found.iter().map(|(path, message)| format!("{path}: {message}")).collect();
        assert_eq!(message, words.join("; "));
        assert!(!message.contains("secret@"), "{message}");
        scaling.wait_for_event("Warning", "InvalidSpec", &message).await;
    }
    for (index, annotations) in bad_annotations().into_iter().enumerate() {
        let spec = scene.spec("web", "/users");
        let mut judged = manifest(spec.clone());
        judged["metadata"]["annotations"] = annotations.clone();
        let found = checked(&[judged]).remove(0);
        assert!(!found.is_empty(), "{annotations}");
        let scaling =
            scene.annotated_business_scaling(&format!("annotated-{index}"), spec, annotations).await;
        let message = scaling.wait_for("Ready", "False", "InvalidSpec").await;
        let words: Vec<String> = found.iter().map(|(path, message)| format!("{path}: {message}")).collect();
        assert_eq!(message, words.join("; "));
    }
    assert_eq!(scene.metrics.requests(), 0, "nothing is read for an object that makes no sense");
    let invalid = (manifests.len() + bad_annotations().len()) as f64;
    assert_eq!(operator.metric("polyscaler_decisions_total", &[("outcome", "invalid")]).await, invalid);
    assert_eq!(target.asked().await, 3);
}
