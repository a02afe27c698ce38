//! Many objects on one Prometheus that stops: the log has a line for the outage and not one for each object.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use testbed::{Browser, Device, PrometheusOptions, PrometheusServer, Scrape, wait};

use crate::harness::{LIMIT, Operator, Scene};

const OBJECTS: usize = 200;

/// Why nothing can be read of a server that is stopped.
const REASON: &str = "MetricConnectionFailed";

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

/// An object with a target and a query of its own.
async fn create(scene: &Scene, server: &PrometheusServer, place: usize) {
    let name = format!("web-{place}");
    scene.podless_deployment(&name, 5).await;
    // A busy machine takes its time also to refuse a connection.
    let query = format!("active_users + 0 * {place}");
    let config = json!({ "query": query, "serverAddress": server.url(), "timeoutSeconds": 14 });
    let metric = json!({ "type": "prometheus", "config": config, "targetValue": 100 });
    let spec = json!({
        "targetDeployment": name, "minReplicas": 1, "maxReplicas": 10, "intervalSeconds": 15,
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
    assert_eq!(begins(&operator.log()).len(), 0, "{}", operator.log());

    server.stop().await.unwrap();
    wait_for_all(&operator, false).await;
    operator.wait_for_lines(&format!("not ready reason={REASON}"), 1).await;
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&operator.activity_url()).await.unwrap();
    let grouped = "document.querySelectorAll('.failing li').length === 1 \
                   && document.querySelector('.failing').innerText.startsWith('200 objects MetricConnectionFailed')";
    page.wait_for("one entry for all of them", grouped).await.unwrap();
    let log = operator.log();
    let [line] = begins(&log)[..] else { panic!("{log}") };
    let place = format!("prometheus at {}", server.url().trim_end_matches('/'));
    assert!(line.contains(&place) && line.contains(" more\""), "{line}");
    // Where polls are late, the first line does not have all of them, and the next one comes within a minute.
    let look = || async {
        let log = operator.log();
        if lines(&log, "objects=200").is_empty() { Err(log) } else { Ok(()) }
    };
    wait::until("a line that has them all", 3 * LIMIT, look).await.unwrap();
    wait_for_an_event_of_each(&scene, "Warning", REASON).await;

    let reminders = std::env::var(REMINDERS).map_or(0, |count| count.parse().unwrap());
    let look = || async {
        let count = lines(&operator.log(), "still not ready").len();
        if count >= reminders { Ok(()) } else { Err(format!("{count} reminders")) }
    };
    wait::until("reminders", Duration::from_secs(1200), look).await.unwrap();
    server.start_again().unwrap();
    wait_for_all(&operator, true).await;
    let look = || async {
        let log = operator.log();
        let ends: Vec<&str> = of_reason(lines(&log, "ready again"));
        if ends.iter().any(|line| line.contains("objects=200")) { Ok(()) } else { Err(log) }
    };
    wait::until("the line of its end", LIMIT, look).await.unwrap();
    wait_for_an_event_of_each(&scene, "Normal", "Ready").await;
    let log = operator.log();
    assert_eq!(begins(&log).len(), 1, "{log}");
    // Twenty minutes have four of them, and it did not last longer.
    assert!(of_reason(lines(&log, "still not ready")).len() <= 4, "{log}");
}

/// The lines with which outages of the server begin.
fn begins(log: &str) -> Vec<&str> {
    let all = of_reason(lines(log, "not ready"));
    all.into_iter().filter(|line| !line.contains("still")).collect()
}

/// A busy machine has timeouts, too, which are other outages.
fn of_reason(lines: Vec<&str>) -> Vec<&str> {
    lines.into_iter().filter(|line| line.contains(REASON)).collect()
}

/// Waits until each object has an Event of that reason.
async fn wait_for_an_event_of_each(scene: &Scene, type_: &str, reason: &str) {
    let events: Api<Event> = scene.namespaced();
    let list = ListParams::default().fields(&format!("reason={reason},type={type_}"));
    let look = || async {
        let found = events.list(&list).await.map_err(|error| error.to_string())?.items;
        let regarding = found.iter().filter_map(|event| event.regarding.as_ref()?.name.as_deref());
        let objects: HashSet<&str> = regarding.collect();
        if objects.len() == OBJECTS { Ok(found.len()) } else { Err(format!("Events of {}", objects.len())) }
    };
    let count = wait::until(&format!("Events {reason}"), 3 * LIMIT, look).await.unwrap();
    if reason == REASON {
        // Not one for each poll; a busy machine has timeouts in between, after which it is announced again.
        assert!(count <= 4 * OBJECTS, "{count} Events");
    }
}
