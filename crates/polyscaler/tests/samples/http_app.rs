//! `http-app`: requests at a rate, counted by the application, scraped by Prometheus.

use std::time::Duration;

use testbed::ports::PortClaim;
use testbed::{PrometheusOptions, PrometheusServer, Scrape, wait};
use tokio::task::JoinHandle;

use crate::harness::{LIMIT, Scene};
use crate::samples::sample::{Sample, terminate};

/// Sends requests until it is dropped.
struct Load(JoinHandle<()>);

impl Load {
    /// Twenty requests at once, twenty-five times a second.
    fn start(url: String) -> Self {
        let client = testbed::http_client().build().unwrap();
        Self(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(40));
            loop {
                ticks.tick().await;
                let all = (0..20).map(|_| client.get(&url).send());
                futures::future::join_all(all).await;
            }
        }))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_the_requests() {
    let scene = Scene::new("http-app").await;
    let sample = Sample::new("http-app");
    let port = PortClaim::new().unwrap();
    let address = format!("127.0.0.1:{}", port.port());
    let app = sample.start("http-app", "http-app", &[("LISTEN_ADDRESS", &address)]);
    let options = PrometheusOptions {
        scrapes: vec![Scrape::of("http-app", &address)],
        interval: Duration::from_millis(500),
        ..PrometheusOptions::default()
    };
    let prometheus = PrometheusServer::start(options).await.unwrap();
    let scraped = || async {
        let found =
            prometheus.query("rate(http_requests_total[5s])").await.map_err(|error| error.to_string())?;
        let found = found.to_string();
        if found.contains("http-app") { Ok(()) } else { Err(found) }
    };
    wait::until("the application is scraped", LIMIT, scraped).await.unwrap();

    let target = sample.deployment(&scene).await;
    let _operator = scene.operator(&[&format!("--prometheus-url={}", prometheus.url())]).await;
    // The manifest's window of five minutes would have the test last ten.
    let scaler = sample
        .scaler(&scene, |spec| {
            let query = &mut spec["metrics"][0]["config"]["query"];
            *query = query.as_str().unwrap().replace("[5m]", "[5s]").into();
        })
        .await;
    scaler.wait_for("Ready", "True", "Ready").await;
    assert_eq!(target.asked().await, 2);
    let recorder = target.record().await;
    let load = Load::start(format!("http://{address}/"));
    let grown = || async {
        let asked = target.asked().await;
        if asked >= 4 { Ok(()) } else { Err(format!("{asked} are asked for")) }
    };
    wait::until("4 replicas", LIMIT, grown).await.unwrap();
    drop(load);
    target.wait_for(2).await;
    for change in recorder.changes() {
        assert!((-1..=3).contains(&(change.to - change.from)), "{change:?}");
    }
    terminate(&app).await;
}
