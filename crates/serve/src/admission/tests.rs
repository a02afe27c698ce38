//! Reviews as the API server sends them, and what is no review at all.

use std::sync::Arc;
use std::time::Duration;

use engine::{SourceCatalog, Target, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runner::{Clock as _, Metrics, Namespaces, SystemClock, Workloads};
use serde_json::{Value, json};
use sources::{AddressPolicy, Registry};
use tokio::sync::watch;

use super::workload::Looked;
use super::{Judge, LONGEST_BODY, admission, review};
use crate::certificates::CertificateSlot;

/// A cluster without any workloads.
struct NoWorkloads;

impl Workloads for NoWorkloads {
    fn workload<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<Option<Value>, String>> {
        async { Ok(None) }.boxed()
    }

    fn limit_ranges<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

fn judge() -> Judge {
    let catalog: Arc<dyn SourceCatalog> = Arc::new(Registry::new(AddressPolicy::default()));
    Judge {
        policies: engine::POLICIES.clone(),
        own: Arc::clone(&catalog),
        catalog,
        allow_cross_namespace: false,
        kinds: resources::KINDS.to_vec(),
        namespaces: Namespaces::default(),
        defaults: Arc::default(),
        owners: Arc::default(),
        workloads: Arc::new(NoWorkloads),
        clock: Arc::new(SystemClock::start()),
        metrics: Arc::new(Metrics::new()),
    }
}

fn object(spec: Value) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": { "name": "shop" }, "spec": spec })
}

fn good() -> Value {
    object(json!({ "targetDeployment": "web", "metricSource": "https://load.example.com/users" }))
}

/// Two things wrong that no schema can see.
fn bad() -> Value {
    object(json!({ "targetDeployment": "web", "metric": {
        "type": "http", "config": { "url": "gopher://load", "valuePath": "$.users", "timeoutSeconds": 500 } } }))
}

fn with(mut object: Value, pointer: &str, field: &str, value: Value) -> Value {
    object.pointer_mut(pointer).unwrap()[field] = value;
    object
}

fn sent(operation: &str, object: Value, before: Value) -> Value {
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5", "kind": { "group": "example.com", "version": "v1", "kind": "BusinessScaling" },
        "resource": { "group": "example.com", "version": "v1", "resource": "businessscalings" },
        "name": "shop", "operation": operation, "object": object, "oldObject": before,
        "userInfo": { "username": "someone" }, "dryRun": false } })
}

fn response(sent: &Value, judge: &Judge) -> Value {
    let answer = review::review(sent, judge, Looked::NotNeeded).unwrap();
    assert_eq!((&answer["apiVersion"], &answer["kind"]), (&sent["apiVersion"], &sent["kind"]));
    assert_eq!(answer["response"]["uid"], "705ab4f5");
    answer["response"].clone()
}

fn is_allowed(sent: &Value, judge: &Judge) -> bool {
    response(sent, judge)["allowed"].as_bool().unwrap()
}

#[test]
fn what_is_wrong_is_reported_by_field_as_check_reports_it() {
    let judge = judge();
    let refused = response(&sent("CREATE", bad(), Value::Null), &judge);
    let context = resources::Context {
        catalog: judge.catalog.as_ref(),
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: true,
        resolved: None,
    };
    let problems =
        resources::check(&bad().to_string(), &context, Time::default()).unwrap().remove(0).problems;
    assert_eq!(problems.len(), 2);
    let causes = refused["status"]["details"]["causes"].as_array().unwrap();
    let reported: Vec<(&str, &str)> = causes
        .iter()
        .map(|cause| (cause["field"].as_str().unwrap(), cause["message"].as_str().unwrap()))
        .collect();
    let faults: Vec<String> = problems.iter().map(|problem| problem.fault.to_string()).collect();
    let wanted: Vec<(&str, &str)> = problems
        .iter()
        .zip(&faults)
        .map(|(problem, fault)| (problem.path.as_str(), fault.as_str()))
        .collect();
    assert_eq!(reported, wanted);
    let status = &refused["status"];
    assert_eq!((&status["reason"], &status["code"]), (&json!("Invalid"), &json!(422)));
    let message =
        format!("BusinessScaling.example.com \"shop\" is invalid: [{}, {}]", problems[0], problems[1]);
    assert_eq!(status["message"], message);
    let details = &status["details"];
    assert_eq!(
        (&details["name"], &details["group"], &details["kind"]),
        (&json!("shop"), &json!("example.com"), &json!("BusinessScaling"))
    );
}

#[test]
fn each_sort_of_problem_has_its_reason() {
    let judge = judge();
    let pigeon = with(bad(), "/spec/metric", "type", json!("carrier-pigeon"));
    let urlless = with(bad(), "/spec/metric", "config", json!({}));
    let mode = with(good(), "/metadata", "annotations", json!({ "polyscaler.dev/mode": "obsrve" }));
    for (object, field, reason) in [
        (pigeon, "spec.metric.type", "FieldValueNotSupported"),
        (urlless, "spec.metric.config.url", "FieldValueRequired"),
        (mode, "metadata.annotations[polyscaler.dev/mode]", "FieldValueNotSupported"),
        (bad(), "spec.metric.config.url", "FieldValueInvalid"),
    ] {
        let refused = response(&sent("CREATE", object, Value::Null), &judge);
        let cause = &refused["status"]["details"]["causes"][0];
        assert_eq!((&cause["field"], &cause["reason"]), (&json!(field), &json!(reason)), "{refused}");
    }
}

#[test]
fn what_is_good_passes_without_a_word() {
    let judge = judge();
    for operation in ["CREATE", "UPDATE"] {
        let answered = response(&sent(operation, good(), good()), &judge);
        assert_eq!(answered, json!({ "uid": "705ab4f5", "allowed": true }));
    }
}

#[test]
fn an_override_that_has_ended_is_a_warning() {
    let over = |until: &str| {
        let text = json!({ "minReplicas": 3, "until": until }).to_string();
        with(good(), "/metadata", "annotations", json!({ "polyscaler.dev/override": text }))
    };
    let answered = response(&sent("CREATE", over("2020-01-01T00:00:00Z"), Value::Null), &judge());
    assert_eq!(answered["allowed"], true);
    let warning = answered["warnings"][0].as_str().unwrap();
    assert!(
        warning
            .starts_with("metadata.annotations[polyscaler.dev/override]: it ended at 2020-01-01T00:00:00Z"),
        "{answered}"
    );
    let answered = response(&sent("CREATE", over("2999-01-01T00:00:00Z"), Value::Null), &judge());
    assert_eq!(answered["warnings"], Value::Null);
}

/// The first thing that users apply leaves the Prometheus server to the operator, which may have none.
#[test]
fn what_only_the_operator_lacks_is_a_warning() {
    let own: Arc<dyn SourceCatalog> = Arc::new(Registry::of_operator(AddressPolicy::default(), None));
    let judge = Judge { own, ..judge() };
    let asking = |query: &str| {
        let metric = json!({ "type": "prometheus", "config": { "query": query } });
        object(json!({ "targetDeployment": "web", "metric": metric }))
    };
    let warned =
        "spec.metric.config.serverAddress: Required value: the operator runs without --prometheus-url";
    for (operation, before) in [("CREATE", Value::Null), ("UPDATE", good())] {
        let answered = response(&sent(operation, asking("up"), before), &judge);
        assert_eq!(answered, json!({ "uid": "705ab4f5", "allowed": true, "warnings": [warned] }));
    }
    assert!(!is_allowed(&sent("CREATE", asking(" "), Value::Null), &judge));
}

#[test]
fn an_update_answers_for_what_it_changes() {
    let judge = judge();
    let mode = |object: Value, mode: &str| {
        with(object, "/metadata", "annotations", json!({ "polyscaler.dev/mode": mode }))
    };
    let labelled = with(bad(), "/metadata", "labels", json!({ "team": "shop" }));
    let stripped = with(bad(), "/metadata", "finalizers", json!([]));
    for (after, before, allowed) in [
        (labelled.clone(), bad(), true),
        (stripped, bad(), true),
        (mode(bad(), "observe"), mode(bad(), "obsrve"), true),
        (
            with(
                mode(good(), "obsrve"),
                "/metadata",
                "annotations",
                json!({ "polyscaler.dev/mode": "obsrve", "note": "x" }),
            ),
            mode(good(), "obsrve"),
            false,
        ),
        (mode(bad(), "obsrve"), bad(), false),
        (bad(), good(), false),
        (with(bad(), "/spec", "targetDeployment", json!("other")), bad(), false),
        (good(), bad(), true),
    ] {
        let sent = sent("UPDATE", after, before);
        assert_eq!(is_allowed(&sent, &judge), allowed, "{sent}");
    }
    let warned = response(&sent("UPDATE", labelled, bad()), &judge);
    let warnings = warned["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].as_str().unwrap().starts_with("spec.metric.config.url: "), "{warnings:?}");
}

#[test]
fn nobody_is_held_up_who_need_not_be() {
    let judge = judge();
    let going = with(bad(), "/metadata", "deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let mut status = sent("UPDATE", bad(), good());
    status["request"]["subResource"] = json!("status");
    let mut unknown = sent("CREATE", bad(), Value::Null);
    unknown["request"]["kind"]["kind"] = json!("Pigeon");
    for sent in [
        sent("UPDATE", going, good()),
        sent("DELETE", Value::Null, bad()),
        sent("CONNECT", Value::Null, Value::Null),
        status,
        unknown.clone(),
    ] {
        assert!(is_allowed(&sent, &judge), "{sent}");
    }
    let warning = response(&unknown, &judge)["warnings"][0].as_str().unwrap().to_owned();
    assert!(warning.contains("Pigeon") && warning.contains("example.com/v1"), "{warning}");
}

#[test]
fn only_what_the_operator_acts_on_is_judged_and_by_its_flags() {
    let create = |object: Value| sent("CREATE", object, Value::Null);
    let elsewhere = with(bad(), "/spec", "namespace", json!("elsewhere"));
    let here = with(bad(), "/spec", "namespace", json!("here"));
    let narrow = Judge { namespaces: Namespaces::named(vec!["here".to_owned()]), ..judge() };
    assert!(is_allowed(&create(elsewhere), &narrow) && !is_allowed(&create(here), &narrow));
    let others = Judge { kinds: vec![&resources::scaling_rule::KIND], ..judge() };
    assert!(is_allowed(&create(bad()), &others));

    let mut rule = create(json!({ "metadata": { "name": "rule", "namespace": "here" }, "spec": {
        "deploymentName": "web", "namespace": "elsewhere", "minReplicas": 1, "maxReplicas": 5, "subject": "orders",
        "natsMonitoringURL": "http://nats:8222", "scaleUpThreshold": 50, "scaleDownThreshold": 10,
        "pollIntervalSeconds": 30 } }));
    rule["request"]["kind"] =
        json!({ "group": "scaling.example.com", "version": "v1", "kind": "ScalingRule" });
    let refused = response(&rule, &judge());
    assert_eq!(refused["status"]["details"]["causes"][0]["field"], "spec.namespace", "{refused}");
    assert!(is_allowed(&rule, &Judge { allow_cross_namespace: true, ..judge() }));
}

#[test]
fn what_is_no_review_is_an_error() {
    let good = || sent("CREATE", good(), Value::Null);
    for (review, words) in [
        (json!({}), "not an AdmissionReview"),
        (json!([1]), "not an AdmissionReview"),
        (with(good(), "", "apiVersion", json!("admission.k8s.io/v1beta1")), "admission.k8s.io/v1"),
        (with(good(), "", "request", Value::Null), "request.uid"),
        (with(good(), "/request", "uid", json!(7)), "request.uid"),
        (with(good(), "/request", "kind", json!("BusinessScaling")), "request.kind.kind"),
        (with(good(), "/request", "operation", Value::Null), "request.operation"),
        (with(good(), "/request", "object", Value::Null), "request.object"),
    ] {
        let problem = review::review(&review, &judge(), Looked::NotNeeded).unwrap_err();
        assert!(problem.contains(words), "{words} in {problem}");
    }
}

/// A listener with a certificate of its own, and a client that trusts it.
async fn served(judge: Judge) -> (String, reqwest::Client, watch::Sender<bool>, Arc<CertificateSlot>) {
    let files = crate::certificates::tests::made(&["localhost"], SystemClock::start().now());
    let slot = Arc::new(CertificateSlot::default());
    let (stop, stopped) = watch::channel(false);
    let listening = admission(([127, 0, 0, 1], 0).into(), judge, Arc::clone(&slot)).await.unwrap();
    let url = format!("https://localhost:{}/validate", listening.listener.local_addr().unwrap().port());
    tokio::spawn(listening.serve(stopped));
    let client = crate::certificates::tests::client(&files);
    crate::certificates::tests::show(&slot, &files);
    (url, client, stop, slot)
}

#[tokio::test]
async fn over_tls_reviews_are_answered_and_nonsense_is_refused() {
    let judge = judge();
    let metrics = Arc::clone(&judge.metrics);
    let (url, client, stop, _) = served(judge).await;
    let post = async |body: String| {
        let answer = client.post(&url).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for (object, allowed) in [(good(), true), (bad(), false)] {
        let (status, text) = post(sent("CREATE", object, Value::Null).to_string()).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &answer["response"]["allowed"]), (200, &json!(allowed)), "{text}");
    }
    for (body, status) in [
        (String::new(), 400),
        ("{".to_owned(), 400),
        ("{}".to_owned(), 400),
        ("[".repeat(100_000), 400),
        (" ".repeat(LONGEST_BODY + 1), 413),
    ] {
        let (found, text) = post(body).await;
        assert_eq!(found, status, "{text}");
        assert!(text.len() < 200, "{text}");
    }
    assert_eq!(client.get(&url).send().await.unwrap().status(), 405);
    let counted = metrics.render();
    for allowed in ["true", "false"] {
        let line = format!(
            "polyscaler_admission_reviews_total{{kind=\"BusinessScaling\",allowed=\"{allowed}\"}} 1\n"
        );
        assert!(counted.contains(&line), "{counted}");
    }
    stop.send_replace(true);
    let gone = async { while client.get(&url).send().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
}

#[tokio::test]
async fn callers_that_dawdle_keep_nobody_waiting() {
    let (url, client, _stop, _) = served(judge()).await;
    let address = url.trim_start_matches("https://").trim_end_matches("/validate").to_owned();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    let body = sent("CREATE", good(), Value::Null).to_string();
    let answered = client.post(&url).body(body).send();
    let answer = tokio::time::timeout(Duration::from_secs(60), answered).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn without_a_certificate_nobody_is_answered() {
    let (url, client, _stop, slot) = served(judge()).await;
    crate::certificates::tests::hide(&slot);
    assert!(client.get(&url).send().await.is_err());
}
