//! Traces over OTLP, seen at a real receiver: one per poll, linked, without secrets; and a receiver
//! that is down, hangs or comes back, which scaling takes no notice of.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use serde_json::{Value, json};
use testbed::{Answer, OtlpReceiver, ReceivedSpan, Status, wait};

use crate::harness::{LIMIT, Operator, Scene};

/// Whatever is secret has this in it.
const MARK: &str = "hush-51b0";

/// The spans of one poll by name, of a plan with one metric and one target.
struct Trace(BTreeMap<String, ReceivedSpan>);

impl Trace {
    fn span(&self, name: &str) -> &ReceivedSpan {
        &self.0[name]
    }

    fn attribute(&self, span: &str, name: &str) -> &Value {
        self.0[span].attributes.get(&format!("polyscaler.{name}")).unwrap_or(&Value::Null)
    }
}

/// Waits for the trace of a poll of the object called `object`, whole, that came to `outcome`.
async fn wait_for_trace(receiver: &OtlpReceiver, object: &str, outcome: &str) -> Trace {
    let look = || async {
        let spans = receiver.spans().map_err(|error| format!("{error:#}"))?;
        let of_object = |span: &&ReceivedSpan| span.attributes.get("polyscaler.name") == Some(&json!(object));
        let roots: Vec<&ReceivedSpan> = spans.iter().filter(of_object).collect();
        let came_to = |root: &&&ReceivedSpan| root.attributes["polyscaler.outcome"] == outcome;
        let Some(root) = roots.iter().find(came_to) else {
            return Err(format!("{} spans, of {object}: {:?}", spans.len(), roots.last()));
        };
        let of_trace: Vec<&ReceivedSpan> =
            spans.iter().filter(|span| span.trace_id == root.trace_id).collect();
        let by_name: BTreeMap<String, ReceivedSpan> =
            of_trace.iter().map(|&span| (span.name.clone(), span.clone())).collect();
        if of_trace.len() == 5 && by_name.len() == 5 {
            Ok(Trace(by_name))
        } else {
            Err(format!("{of_trace:?}"))
        }
    };
    wait::until(&format!("a trace of {object} that came to {outcome}"), LIMIT, look).await.unwrap()
}

/// An operator that sends what it has ten times a second.
fn begin_operator(scene: &Scene, endpoint: &str, more: &[(&str, &str)]) -> Operator {
    let mut env = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    env.extend(more);
    scene.begin_operator(&[], &env)
}

fn lines(operator: &Operator, words: &str) -> usize {
    operator.log().lines().filter(|line| line.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_scales_is_one_trace_without_secrets() {
    let (scene, receiver) = (Scene::new("trace").await, OtlpReceiver::start().await.unwrap());
    let target = scene.podless_deployment("web", 2).await;
    scene.podless_deployment("other", 2).await;
    scene.users("/users", 3000);
    let secret: Secret = serde_json::from_value(json!({
        "metadata": { "name": "token" }, "stringData": { "Authorization": format!("{MARK}-header") },
    }))
    .unwrap();
    scene.namespaced::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
    let headers = format!("x-token={MARK}-otlp");
    let attributes = "k8s.cluster.name=the%20test";
    let operator = begin_operator(
        &scene,
        &receiver.http_url(),
        &[
            ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("OTEL_RESOURCE_ATTRIBUTES", attributes),
            ("LOG_LEVEL", "trace"),
            ("LOG_FORMAT", "json"),
        ],
    );
    operator.wait_until_ready().await;
    let mut spec = scene.spec("web", "/");
    spec["metricSource"] = json!(scene.metrics.url(&format!("/users?key={MARK}-query")));
    spec["headersFrom"] = json!({ "secretRef": { "name": "token" } });
    let scaling = scene.business_scaling("web", spec.clone()).await;
    target.wait_for(6).await;

    let trace = wait_for_trace(&receiver, &scaling.name, "scaled").await;
    let root = trace.span("poll");
    assert_eq!(root.parent_span_id, "");
    assert_eq!(root.status, Status::Unset);
    let wanted = json!({
        "k8s.namespace.name": scene.namespace,
        "polyscaler.kind": "BusinessScaling",
        "polyscaler.name": scaling.name,
        "polyscaler.target": "Deployment/web",
        "polyscaler.mode": "act",
        "polyscaler.outcome": "scaled",
        "polyscaler.from": 2,
        "polyscaler.to": 6,
        "polyscaler.applied": true,
        "polyscaler.explanation": "linear 2→6 (3000 in 1000..5000)",
    });
    assert_eq!(json!(root.attributes), wanted);
    assert_eq!(root.resource["service.name"], "polyscaler");
    assert_eq!(root.resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(root.resource["k8s.cluster.name"], "the test");
    for part in ["sample", "observe", "decide", "act"] {
        let span = trace.span(part);
        assert_eq!((&span.parent_span_id, &span.status), (&root.span_id, &Status::Unset), "{span:?}");
        assert!(root.time.0 <= span.time.0 && span.time.1 <= root.time.1, "{span:?} in {root:?}");
    }
    let age = trace.attribute("sample", "age_ms").as_i64().unwrap();
    assert!((0..60_000).contains(&age), "{age} ms");
    let sample = json!({
        "polyscaler.metric": "users", "polyscaler.source": "http", "polyscaler.result": "ok",
        "polyscaler.value": 3000.0, "polyscaler.age_ms": age, "polyscaler.shared": false,
    });
    assert_eq!(json!(trace.span("sample").attributes), sample);
    assert_eq!(trace.attribute("observe", "replicas"), 2);
    let decide = json!({
        "polyscaler.from": 2, "polyscaler.recommended": 6, "polyscaler.to": 6,
        "polyscaler.steps": "linear 2→6 (3000 in 1000..5000)",
    });
    assert_eq!(json!(trace.span("decide").attributes), decide);
    let act = json!({
        "polyscaler.target": "Deployment/web", "polyscaler.from": 2, "polyscaler.to": 6, "polyscaler.result": "done",
    });
    assert_eq!(json!(trace.span("act").attributes), act);

    // Where all is as it should be, nothing is done about it.
    let trace = wait_for_trace(&receiver, &scaling.name, "unchanged").await;
    assert_eq!(trace.attribute("act", "result"), "unchanged");
    assert_eq!(trace.attribute("poll", "applied"), false);

    // Another object with the same query joins its readings, or the first joins the other's.
    spec["targetDeployment"] = json!("other");
    scene.business_scaling("other", spec).await;
    let look = || async {
        let spans = receiver.spans().unwrap();
        let shared = |span: &&ReceivedSpan| span.attributes.get("polyscaler.shared") == Some(&json!(true));
        spans.iter().find(shared).cloned()
    };
    wait::until("a shared reading", LIMIT, look).await.unwrap();

    operator.terminate(LIMIT).await;
    let (received, log) = (receiver.text().unwrap(), operator.log());
    assert!(received.len() > 1000 && !received.contains(MARK), "{received}");
    assert!(log.len() > 1000 && !log.contains(MARK) && !log.contains("x-token"), "{log}");
    // The log is the same as without traces.
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line.get("span").is_none() && line.get("spans").is_none(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_an_error_in_its_trace_and_grpc_serves_as_well() {
    let (scene, receiver) = (Scene::new("trace").await, OtlpReceiver::start().await.unwrap());
    scene.podless_deployment("web", 4).await;
    scene.metrics.set("/page", Answer::html("<p>no</p>"));
    scene.users("/users", 5000);
    let env = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "the-scaler"),
    ];
    let operator = begin_operator(&scene, receiver.grpc_url().trim_start_matches("http://"), &env);
    operator.wait_until_ready().await;

    let blind = scene.business_scaling("blind", scene.spec("web", "/page")).await;
    let message = blind.wait_for("Ready", "False", "MetricMalformed").await;
    let trace = wait_for_trace(&receiver, &blind.name, "metric_absent").await;
    let (root, sample) = (trace.span("poll"), trace.span("sample"));
    assert_eq!(root.status, Status::Error(message.clone()));
    assert_eq!(root.attributes["error.type"], "MetricMalformed");
    assert_eq!(root.resource["service.name"], "the-scaler");
    let Status::Error(why) = &sample.status else { panic!("{sample:?}") };
    assert!(message.contains(why.as_str()), "{why} in {message}");
    assert_eq!(sample.attributes["error.type"], "MetricMalformed");
    assert_eq!(trace.attribute("sample", "result"), "MetricMalformed");
    assert_eq!(
        (trace.attribute("decide", "recommended"), trace.attribute("decide", "to")),
        (&Value::Null, &json!(4))
    );
    blind.delete().await;

    // A decision that is only recorded is done nothing about, which is no error.
    let observe = json!({ "polyscaler.dev/mode": "observe" });
    let observed = scene.annotated_business_scaling("observed", scene.spec("web", "/users"), observe).await;
    let trace = wait_for_trace(&receiver, &observed.name, "observed").await;
    assert_eq!(
        (trace.attribute("poll", "mode"), trace.attribute("act", "result")),
        (&json!("observe"), &json!("observed"))
    );
    assert_eq!(trace.attribute("poll", "applied"), false);
    assert_eq!(trace.span("poll").status, Status::Unset);

    let lost = scene.business_scaling("lost", scene.spec("nowhere", "/users")).await;
    let message = lost.wait_for("Ready", "False", "TargetNotFound").await;
    let look = || async {
        let spans = receiver.spans().unwrap();
        let found: Vec<ReceivedSpan> = spans
            .into_iter()
            .filter(|span| span.attributes.get("error.type") == Some(&json!("TargetNotFound")))
            .collect();
        if found.len() >= 2 { Ok(found) } else { Err(format!("{found:?}")) }
    };
    for span in wait::until("the failing look", LIMIT, look).await.unwrap() {
        assert!(["poll", "observe"].contains(&span.name.as_str()), "{span:?}");
        assert_eq!(span.status, Status::Error(message.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_or_hangs_holds_up_nothing() {
    let (scene, receiver) = (Scene::new("trace").await, OtlpReceiver::start().await.unwrap());
    receiver.stop().await.unwrap();
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    // So patient that whatever waited for the receiver would wait longer than this test does.
    let small = [("OTEL_BSP_MAX_QUEUE_SIZE", "20"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000")];
    let small = [&small[..], &[("OTEL_BSP_EXPORT_TIMEOUT", "600000")]].concat();
    let operator = begin_operator(&scene, &receiver.http_url(), &small);
    operator.wait_until_ready().await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    for (count, replicas) in [(5000, 10), (1000, 2), (3000, 6)] {
        scene.users("/users", count);
        target.wait_for(replicas).await;
    }
    // By now it has been tried dozens of times, and the queue was full more than once.
    scene.requests("/users", 6).await;
    assert_eq!(operator.wait_for_lines("traces cannot be sent", 1).await, 1, "{}", operator.log());
    assert!(operator.log().contains("Connection refused"), "{}", operator.log());

    receiver.start_again().await.unwrap();
    scene.users("/users", 5000);
    wait_for_trace(&receiver, &scaling.name, "unchanged").await;
    operator.wait_for_lines("traces are being sent again", 1).await;
    target.wait_for(10).await;

    // One that takes everything and answers nothing.
    receiver.pause().unwrap();
    for (count, replicas) in [(1000, 2), (5000, 10)] {
        scene.users("/users", count);
        target.wait_for(replicas).await;
    }
    operator.terminate(LIMIT).await;
    assert_eq!(lines(&operator, "the last traces are lost"), 1, "{}", operator.log());
    receiver.resume().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_traces_are_sent_at_the_end() {
    let scene = Scene::new("trace").await;
    scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let env = [("OTEL_BSP_SCHEDULE_DELAY", "3600000"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    // They have two seconds, in which a machine that stands still may not send them.
    for _ in 0..5 {
        let receiver = OtlpReceiver::start().await.unwrap();
        let operator = begin_operator(&scene, &receiver.http_url(), &env);
        operator.wait_until_ready().await;
        operator.wait_for_polls("unchanged", 2.0).await;
        assert_eq!(receiver.spans().unwrap(), [], "it is not yet time");
        operator.terminate(LIMIT).await;
        if lines(&operator, "lost") == 0 {
            wait_for_trace(&receiver, &scaling.name, "unchanged").await;
            return;
        }
    }
    panic!("the last traces are lost again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_unless_it_is_asked_for() {
    let (scene, receiver) = (Scene::new("trace").await, OtlpReceiver::start().await.unwrap());
    let (target, url) = (scene.podless_deployment("web", 2).await, receiver.http_url());
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let off: [&[(&str, &str)]; 4] = [
        &[("OTEL_SDK_DISABLED", "true")],
        &[("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_TRACES_SAMPLER", "always_off")],
        // An empty variable is one that is not set.
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("OTEL_SERVICE_NAME", "x")],
    ];
    for (env, replicas) in off.into_iter().zip([10, 2, 10, 2]) {
        scene.users("/users", if replicas == 10 { 5000 } else { 1000 });
        let operator = begin_operator(&scene, &url, env);
        operator.wait_until_ready().await;
        target.wait_for(replicas).await;
        scaling.wait_for_field("desiredReplicas", replicas).await;
        operator.terminate(LIMIT).await;
        assert_eq!(receiver.spans().unwrap(), [], "{env:?}");
    }
}
