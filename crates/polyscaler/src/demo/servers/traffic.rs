//! A real Prometheus, and the endpoint that it scrapes: one counter of requests an application,
//! which grows at the pace of the hour. The demo's nodes run no containers, so what pods would
//! count is counted here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use testbed::{Answer, Body, MetricServer, PrometheusOptions, PrometheusServer, Scrape};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::demo::scenario::{Load, Scenario};

/// Between two scrapes. Short, as an hour of the day is a few seconds.
const SCRAPE: Duration = Duration::from_millis(500);

/// Between two additions to the counters: well below a scrape, so that rates are smooth.
const COUNT: Duration = Duration::from_millis(50);

/// The server with its endpoint. Both end with this value.
pub(super) struct Traffic {
    prometheus: PrometheusServer,
    counters: Shared,
    counting: JoinHandle<()>,
}

type Shared = Arc<Mutex<BTreeMap<&'static str, Counter>>>;

/// The requests of one application.
#[derive(Debug)]
struct Counter {
    /// Its name in Prometheus.
    name: &'static str,
    total: f64,
    /// Requests a second at present.
    pace: f64,
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.counting.abort();
    }
}

impl Traffic {
    /// Starts both, where the scenario has applications that answer requests.
    pub(super) async fn start(scenario: &Scenario) -> anyhow::Result<Option<Self>> {
        let answering = scenario.applications.iter().filter_map(|app| match app.load {
            Load::Requests { counter, .. } => {
                Some((app.name, Counter { name: counter, total: 0.0, pace: 0.0 }))
            }
            Load::Figure { .. } | Load::Queue(_) | Load::Calls => None,
        });
        let counters: BTreeMap<_, _> = answering.collect();
        if counters.is_empty() {
            return Ok(None);
        }
        println!("starting a Prometheus");
        let endpoint = MetricServer::start().await?;
        let scrapes = vec![Scrape::of("shop", endpoint.address().to_string())];
        let counters = Arc::new(Mutex::new(counters));
        let counting = tokio::spawn(count(endpoint, Arc::clone(&counters)));
        let options = PrometheusOptions { scrapes, interval: SCRAPE, ..PrometheusOptions::default() };
        let prometheus = PrometheusServer::start(options).await?;
        Ok(Some(Self { prometheus, counters, counting }))
    }

    /// Where it is queried.
    pub(super) fn url(&self) -> String {
        self.prometheus.url()
    }

    /// Lets an application be asked so many times a second from now on.
    pub(super) fn set_pace(&self, application: &str, pace: f64) {
        if let Some(counter) = lock(&self.counters).get_mut(application) {
            counter.pace = pace;
        }
    }
}

/// Counts for as long as it is let, and shows the counters.
async fn count(endpoint: MetricServer, counters: Shared) {
    let mut counted = Instant::now();
    loop {
        let elapsed = counted.elapsed();
        counted += elapsed;
        let text = {
            let mut counters = lock(&counters);
            counters.values_mut().for_each(|counter| counter.total += counter.pace * elapsed.as_secs_f64());
            exposition(&counters)
        };
        endpoint.set("/metrics", Answer::new(StatusCode::OK, Body::Text(text)));
        tokio::time::sleep(COUNT).await;
    }
}

/// The counters in Prometheus' text format.
fn exposition(counters: &BTreeMap<&'static str, Counter>) -> String {
    let mut text = String::new();
    let mut typed = None;
    for (application, Counter { name, total, .. }) in counters {
        // Those of one scenario have one name.
        if typed.replace(name) != Some(name) {
            let _ = writeln!(text, "# TYPE {name} counter");
        }
        let _ = writeln!(text, "{name}{{app=\"{application}\"}} {}", total.floor());
    }
    text
}

fn lock(counters: &Shared) -> MutexGuard<'_, BTreeMap<&'static str, Counter>> {
    counters.lock().unwrap_or_else(PoisonError::into_inner)
}
