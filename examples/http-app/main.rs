//! `http-app`: answers every request and counts it in `http_requests_total`, by which Prometheus
//! and the GeneralScaler beside this file determine how many replicas it needs.
//!
//! Settings: `LISTEN_ADDRESS` (0.0.0.0:8080), `WORK_MILLISECONDS` that a request takes (0).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use examples::{settings, stop_on_signal};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

/// By which scrapers know the format of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct App {
    requests: Counter,
    registry: Registry,
    work: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let requests = Counter::default();
    let mut registry = Registry::default();
    registry.register("http_requests", "Requests answered, besides scrapes and probes", requests.clone());
    let app = App { requests, registry, work: settings::milliseconds("WORK_MILLISECONDS", 0)? };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(answer)
        .with_state(Arc::new(app));
    let address = settings::text("LISTEN_ADDRESS", "0.0.0.0:8080");
    let listener =
        TcpListener::bind(&address).await.with_context(|| format!("LISTEN_ADDRESS is {address}"))?;
    println!("listening on {}", listener.local_addr()?);
    // Requests that are being answered get their answers.
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    println!("stopped");
    Ok(())
}

async fn answer(State(app): State<Arc<App>>) -> &'static str {
    tokio::time::sleep(app.work).await;
    app.requests.inc();
    "hello\n"
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &app.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
