use std::time::Duration;

use engine::{Observation, Problem, Reading, Scale, Time, decide};

use super::*;
use crate::fixture::status_after;
use crate::lenient::{Lenient, question};
use crate::{MemberPoll, Outcome, Poll, Verdict};

/// Finds nothing wrong.
fn context(allow_cross_namespace: bool) -> Context<'static> {
    Context {
        catalog: &Lenient,
        policies: &engine::POLICIES,
        allow_cross_namespace,
        admitting: true,
        resolved: None,
    }
}

/// The nine required fields, as a user writes them.
fn spec() -> Value {
    json!({
        "deploymentName": "my-app", "namespace": "default", "minReplicas": 1, "maxReplicas": 10,
        "natsMonitoringURL": "http://nats:8222", "subject": "orders.processing",
        "scaleUpThreshold": 50, "scaleDownThreshold": 10, "pollIntervalSeconds": 30,
    })
}

fn object(spec: Value) -> Value {
    json!({ "apiVersion": "scaling.example.com/v1", "kind": "ScalingRule",
            "metadata": { "name": "a", "namespace": "default" }, "spec": spec })
}

fn problems(field: &str, value: Value) -> Vec<String> {
    let mut spec = spec();
    spec[field] = value;
    let problems = KIND.compile(&object(spec), &context(false)).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_nine_fields_make_a_plan() {
    let plan = KIND.compile(&object(spec()), &context(false)).unwrap().plan;
    assert_eq!(plan.members[0].target.to_string(), "Deployment default/my-app");
    assert_eq!(plan.members[0].bounds, Bounds::new(1, 10).unwrap());
    assert_eq!(plan.interval, Duration::from_secs(30));
    let query = &plan.metrics[0].query;
    assert_eq!(query.source(), "nats");
    assert_eq!(
        question(query).config,
        json!({ "monitoringUrl": "http://nats:8222", "subject": "orders.processing" })
    );
}

#[test]
fn what_counts_can_be_narrowed() {
    let mut spec = spec();
    for (field, value) in [("account", "shop"), ("stream", "ORDERS"), ("consumer", "work")] {
        spec[field] = json!(value);
    }
    let plan = KIND.compile(&object(spec), &context(false)).unwrap().plan;
    let config = &question(&plan.metrics[0].query).config;
    assert_eq!(
        (&config["account"], &config["stream"], &config["consumer"]),
        (&json!("shop"), &json!("ORDERS"), &json!("work"))
    );
    let refused = problems("stream", json!(""));
    assert!(refused.len() == 1 && refused[0].starts_with("spec.stream: "), "{refused:?}");
}

#[test]
fn the_other_servers_of_a_cluster_can_be_named() {
    let mut spec = spec();
    spec["monitoringUrls"] = json!(["http://nats-b:8222", "http://nats-c:9222"]);
    let plan = KIND.compile(&object(spec), &context(false)).unwrap().plan;
    assert_eq!(
        question(&plan.metrics[0].query).config["monitoringUrls"],
        json!(["http://nats-b:8222", "http://nats-c:9222"])
    );
    let refused = problems("monitoringUrls", json!(["http://nats-b:8222", "nats-c:8222"]));
    assert!(refused.len() == 1 && refused[0].starts_with("spec.monitoringUrls[1]: "), "{refused:?}");
    let refused = problems("monitoringUrls", json!(vec!["http://nats:8222"; 32]));
    assert!(refused.len() == 1 && refused[0].starts_with("spec.monitoringUrls: "), "{refused:?}");
}

#[test]
fn each_of_the_nine_is_required() {
    for field in [
        "namespace",
        "minReplicas",
        "maxReplicas",
        "natsMonitoringURL",
        "subject",
        "scaleUpThreshold",
        "scaleDownThreshold",
        "pollIntervalSeconds",
    ] {
        let mut spec = spec();
        spec.as_object_mut().unwrap().remove(field);
        let problems = KIND.compile(&object(spec), &context(false)).unwrap_err();
        assert_eq!(problems, [Problem::new(format!("spec.{field}"), engine::Fault::required())]);
    }
    let mut spec = spec();
    spec.as_object_mut().unwrap().remove("deploymentName");
    let problems = KIND.compile(&object(spec), &context(false)).unwrap_err();
    assert_eq!(
        problems[0].fault.to_string(),
        "Invalid value: exactly one of deploymentName and targetRef must be set"
    );
}

#[test]
fn what_contradicts_itself_is_refused_with_its_path() {
    let cases = [
        (
            "scaleDownThreshold",
            json!(51),
            "spec.scaleDownThreshold: Invalid value: scaleDownThreshold must not be above scaleUpThreshold",
        ),
        (
            "minReplicas",
            json!(11),
            "spec.minReplicas: Invalid value: minReplicas must not be above maxReplicas",
        ),
        (
            "pollIntervalSeconds",
            json!(0),
            "spec.pollIntervalSeconds: Invalid value: 0: spec.pollIntervalSeconds in body should be greater than or equal to 1",
        ),
        (
            "namespace",
            json!("other"),
            "spec.namespace: Invalid value: \"other\": must be default, the namespace of this object; the operator's flag \
          --allow-cross-namespace lifts this",
        ),
    ];
    for (field, value, problem) in cases {
        assert_eq!(problems(field, value), [problem]);
    }
}

#[test]
fn the_operator_may_allow_other_namespaces() {
    let mut spec = spec();
    spec["namespace"] = json!("other");
    let plan = KIND.compile(&object(spec), &context(true)).unwrap().plan;
    assert_eq!(plan.members[0].target.namespace, "other");
}

/// The status after a poll that found so many messages waiting.
fn status_with(waiting: f64) -> Value {
    let mut spec = spec();
    spec["scaleUpStep"] = json!(3);
    let plan = Arc::new(KIND.compile(&object(spec), &context(false)).unwrap().plan);
    let scale = Scale { replicas: 2, status_replicas: 2, ready: None };
    let reading = Reading::of(waiting, Time::default());
    let observation =
        Observation { scales: vec![Some(scale)], readings: vec![reading.clone()], ..Observation::default() };
    let mut memory = engine::Memory::default();
    let decision = decide(&plan, &mut memory, &observation, Time::default());
    let members = vec![MemberPoll { seen: Ok(scale), write: Some(Ok(())) }];
    let poll = Poll {
        plan,
        readings: vec![reading],
        members,
        decision,
        memory,
        hpa: Ok(Vec::new()),
        hpa_scaling: None,
        lacking: Vec::new(),
        reversals: Vec::new(),
    };
    let outcome = Outcome {
        uid: "1".to_owned(),
        generation: 1,
        at: Time::default(),
        verdict: Verdict::Polled(Box::new(poll)),
        warnings: Arc::default(),
    };
    status_after(&KIND, &outcome, &Value::Null)
}

#[test]
fn the_status_counts_what_waits() {
    let status = status_with(73.0);
    assert_eq!(status["pendingMessages"], 73);
    // As in the HPA: what was decided on, and what was decided.
    assert_eq!((&status["currentReplicas"], &status["desiredReplicas"]), (&json!(2), &json!(5)));
    assert_eq!(status["lastScaleReason"], "threshold 2→5 (73 > 50)");
}

#[test]
fn a_count_beyond_what_the_schema_takes_is_shown_as_the_most() {
    for (waiting, shown) in
        [(1e15, 1_000_000_000_000_000), (1e18, 1_000_000_000_000_000_000), (2e19, i64::MAX)]
    {
        let status = status_with(waiting);
        assert_eq!(status["pendingMessages"].as_i64(), Some(shown), "{status}");
    }
}
