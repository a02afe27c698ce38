//! Queries of the source `prometheus`, and a server with samples to ask for.

use std::time::Duration;

use axum::http::StatusCode;
use engine::AbsenceReason;
use serde_json::{Value, json};
use testbed::{Answer, MetricServer, PrometheusOptions, PrometheusServer, Scrape, wait};

pub(crate) use crate::support::{Bench, Question, outcome};

/// Far above what a busy machine takes for anything here.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// What the server scrapes.
pub(crate) const SAMPLES: &str = "\
orders{pod=\"a\"} 3
orders{pod=\"b\"} 4.5
orders{pod=\"c\"} 0
single 7
nothing NaN
endless +Inf
mixed{pod=\"a\"} 1
mixed{pod=\"b\"} NaN
";

impl Bench {
    /// Reads with `settings`, within 20 s unless they say else.
    pub(crate) async fn ask(&self, settings: Value) -> Result<f64, (AbsenceReason, String)> {
        outcome(self.read(&query(settings)).await)
    }

    /// Reads until it is `expected`. A scrape that a busy machine misses ends the series until the next.
    pub(crate) async fn until_answered(&self, expected: f64, settings: Value) {
        let look = || async {
            match self.ask(settings.clone()).await {
                Ok(found) if found == expected => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        wait::until(&format!("{expected} for {settings}"), LIMIT, look).await.unwrap();
    }
}

pub(crate) fn query(settings: Value) -> Question {
    let mut config = json!({"timeoutSeconds": 20});
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Question { source: "prometheus", config }
}

/// A reference to a key of the secret `token`.
pub(crate) fn key(key: &str) -> Value {
    json!({"secretKeyRef": {"name": "token", "key": key}})
}

/// Scraped so rarely that even a busy machine misses few.
pub(crate) fn steady() -> PrometheusOptions {
    PrometheusOptions { interval: Duration::from_secs(3), ..PrometheusOptions::default() }
}

/// A server that has scraped `samples`, and what it scrapes.
pub(crate) async fn scraping(samples: &str, options: PrometheusOptions) -> (PrometheusServer, MetricServer) {
    let metrics = MetricServer::start().await.unwrap();
    metrics.set("/metrics", Answer::text(StatusCode::OK, samples));
    let options =
        PrometheusOptions { scrapes: vec![Scrape::of("shop", metrics.address().to_string())], ..options };
    let server = PrometheusServer::start(options).await.unwrap();
    let look = || async {
        let answer = server.query("up").await.map_err(|error| format!("{error:#}"))?;
        if answer["result"][0]["value"][1] == "1" { Ok(()) } else { Err(answer.to_string()) }
    };
    wait::until("the first scrape", LIMIT, look).await.unwrap();
    (server, metrics)
}
