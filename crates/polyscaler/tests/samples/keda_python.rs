//! `keda-python`: the application itself, in Python, scraped by Prometheus and scaled by its ScaledObject. Without an HPA,
//! as `external_metrics` and `demo` have that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testbed::ports::PortClaim;
use testbed::{PrometheusOptions, PrometheusServer, Scrape, Signal, Supervisor, wait};

use crate::harness::{LIMIT, Scene};
use crate::samples::python;
use crate::samples::sample::Sample;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/keda-python")
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_requests_that_are_counted() {
    let requirements = folder().join("requirements.txt");
    let python = tokio::task::spawn_blocking(move || python::environment(&requirements)).await.unwrap();
    let (port, supervisor) = (PortClaim::new().unwrap(), Supervisor::new("polyscaler-sample").unwrap());
    let address = format!("127.0.0.1:{}", port.port());
    let env = [("HOST", "127.0.0.1"), ("PORT", &port.port().to_string())];
    // Nothing is written beside the sources.
    let arguments = [Path::new("-B"), &folder().join("app.py")];
    let app = supervisor.spawn("app", &python, arguments, &env).unwrap();
    let client = testbed::http_client().build().unwrap();
    let get = async |path: &str| {
        let answer =
            client.get(format!("http://{address}{path}")).send().await.map_err(|error| error.to_string())?;
        answer.text().await.map_err(|error| error.to_string())
    };
    wait::until("the application answers", LIMIT, || get("/healthz")).await.unwrap();
    for _ in 0..60 {
        assert_eq!(get("/").await.unwrap(), "Hello World!\n");
    }
    let metrics = get("/metrics").await.unwrap();
    for line in [
        "# TYPE python_request_operations_total counter",
        "python_request_operations_total 60.0",
        "# TYPE python_request_duration_seconds histogram",
        "python_request_duration_seconds_bucket{le=\"10.0\"} 60.0",
        "python_request_duration_seconds_count 60.0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }

    let options = PrometheusOptions {
        scrapes: vec![Scrape::of("python", &address)],
        interval: Duration::from_millis(500),
        ..PrometheusOptions::default()
    };
    let prometheus = PrometheusServer::start(options).await.unwrap();
    let scene = Scene::new("keda-python").await;
    let target = scene.podless_deployment("test", 0).await;
    let _operator = scene.operator(&[]).await;
    let mut object = Sample::new("keda-python").object("scaled-object.yaml");
    let metadata = &mut object["spec"]["triggers"][0]["metadata"];
    metadata["serverAddress"] = prometheus.url().into();
    metadata["query"] = "sum(python_request_operations_total)".into();
    object["spec"]["pollingInterval"] = 1.into();
    let kind = ("keda.sh/v1alpha1", "ScaledObject", "scaledobjects");
    let scaled = scene.object(kind, "scaledobject-py", object["spec"].clone()).await;
    scaled.annotate("polyscaler.dev/actuation", Some("direct")).await;
    // 60 requests, of which each replica has 25.
    target.wait_for(3).await;
    app.signal(Signal::TERM);
    // Who comes after the signal is answered: a node that is busy hears late that a pod ends.
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(get("/").await.unwrap(), "Hello World!\n", "{}", app.last_lines(20));
    }
    assert!(app.wait(LIMIT).await, "runs on:\n{}", app.last_lines(20));
    assert_eq!(app.exit_status().and_then(|status| status.code()), Some(0), "{}", app.last_lines(20));
}

#[test]
fn the_manifest_is_that_of_a_user_of_keda() {
    let object: Value = Sample::new("keda-python").object("scaled-object.yaml");
    assert_eq!(object["metadata"].get("annotations"), None);
    assert_eq!(object["spec"]["triggers"][0]["type"], "prometheus");
}
