//! Many objects on one Prometheus that stops: the log has a line for the outage and not one for each object.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use testbed::{Browser, Device, PrometheusOptions, PrometheusServer, Scrape, wait};

use crate::harness::{LIMIT, Operator, Scaling, Scene};

const OBJECTS: usize = 200;

/// The outage lasts until so many reminders have come: none unless this variable says so. Three come within the first
/// ten minutes.
const REMINDERS: &str = "OUTAGE_REMINDERS";

async fn states(operator: &Operator) -> Vec<Value> {
    serde_json::from_str(&operator.activity_text("/objects").await).unwrap_or_default()
}

/// Waits until all objects are ready, or none is.
async fn wait_for_all(operator: &Operator, ready: bool) {
    let look = || async {
        let states = states(operator).await;
        let so = states.iter().filter(|state| state["ready"] == ready).count();
        if so == OBJECTS { Ok(()) } else { Err(format!("{so} of {}", states.len())) }
    };
    wait::until(&format!("all objects with ready={ready}"), 3 * LIMIT, look).await.unwrap();
}

fn scaler(scene: &Scene, place: usize) -> Scaling {
    let kind = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");
    Scaling::namespaced(&scene.client, &scene.namespace, kind, &format!("web-{place}"))
}

/// An object with a target and a query of its own.
async fn create(scene: &Scene, server: &PrometheusServer, place: usize) {
    let name = format!("web-{place}");
    scene.podless_deployment(&name, 5).await;
    let config = json!({ "query": format!("active_users + 0 * {place}"), "serverAddress": server.url() });
    let metric = json!({ "type": "prometheus", "config": config, "targetValue": 100 });
    let spec = json!({
        "targetDeployment": name, "minReplicas": 1, "maxReplicas": 10, "intervalSeconds": 5,
        "metrics": [metric], "policy": { "type": "slo" },
    });
    scene.general_scaler(&name, spec).await;
}

fn lines<'a>(log: &'a str, words: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.contains(words)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_200_objects_is_reported_once_and_so_is_its_end() {
    let scene = Scene::new("outage").await;
    let text = testbed::Body::Text("active_users 500\n".to_owned());
    scene.metrics.set("/metrics", testbed::Answer::new(http::StatusCode::OK, text));
    let server = PrometheusServer::start(PrometheusOptions {
        scrapes: vec![Scrape::of("shop", scene.metrics.address().to_string())],
        interval: Duration::from_millis(500),
        ..PrometheusOptions::default()
    });
    let server = server.await.unwrap();
    for places in (0..OBJECTS).collect::<Vec<_>>().chunks(20) {
        join_all(places.iter().map(|place| create(&scene, &server, *place))).await;
    }
    let operator = scene.operator(&[]).await;
    wait_for_all(&operator, true).await;
    assert_eq!(lines(&operator.log(), "not ready").len(), 0, "{}", operator.log());

    server.stop().await.unwrap();
    wait_for_all(&operator, false).await;
    operator.wait_for_lines("not ready", 1).await;
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&operator.activity_url()).await.unwrap();
    let grouped = "document.querySelectorAll('.failing li').length === 1 \
                   && document.querySelector('.failing').innerText.startsWith('200 objects MetricConnectionFailed')";
    page.wait_for("one entry for all of them", grouped).await.unwrap();
    let log = operator.log();
    let [line] = lines(&log, "not ready")[..] else { panic!("{log}") };
    let place = format!("prometheus at {}", server.url().trim_end_matches('/'));
    for part in ["MetricConnectionFailed", &place, "objects=200", "197 more"] {
        assert!(line.contains(part), "{part} in {line}");
    }

    let reminders = std::env::var(REMINDERS).map_or(0, |count| count.parse().unwrap());
    let look = || async {
        let count = lines(&operator.log(), "still not ready").len();
        if count >= reminders { Ok(()) } else { Err(format!("{count} reminders")) }
    };
    wait::until("reminders", Duration::from_secs(1200), look).await.unwrap();
    let log = operator.log();
    assert_eq!(lines(&log, "not ready").len(), 1 + reminders, "{log}");
    server.start_again().unwrap();
    wait_for_all(&operator, true).await;
    operator.wait_for_lines("ready again", 1).await;
    let log = operator.log();
    let ends = lines(&log, "ready again");
    assert!(ends.len() <= 2 && ends[0].contains("objects=200"), "{ends:?}");
    // A server that starts may answer that it is not ready, which is another cause.
    assert!(lines(&log, "not ready").len() <= reminders + 4, "{log}");
    for index in [0, OBJECTS / 2, OBJECTS - 1] {
        let object = scaler(&scene, index);
        object.wait_for_event("Warning", "MetricConnectionFailed", "").await;
        object.wait_for_event("Normal", "Ready", "").await;
    }
}
