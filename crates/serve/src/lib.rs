//! Everything that others call: metrics for Prometheus, health for the kubelet, recent
//! scale operations for people, admission for the API server.
//!
//! Liveness says only that the process is alive. Readiness lists what is still waited for:
//! restarting would not make a missing CRD appear.

mod admission;
mod certificates;
mod external_metrics;
mod listen;
mod page;
mod peers;
mod process;
mod protection;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use runner::{Activity, Answers, Board, Clock, METRICS_END, Metrics, Readiness};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;

use peers::NotAsked;

pub use admission::{Judge, admission};
pub use certificates::{
    CertificateCallers, CertificateFiles, CertificateFolder, CertificateKeeper, CertificateSlot,
    CertificateVault, FolderError, Kept,
};
pub use external_metrics::{
    Attributes, Authority, Caller, ExternalMetrics, FrontProxy, Verdict as CallerVerdict,
};
pub use peers::{Peers, peers};

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {what}: {reason}; choose another with {flag}, or `{flag} off`")]
pub struct BindError {
    what: &'static str,
    address: SocketAddr,
    flag: &'static str,
    reason: std::io::Error,
}

/// A listener that has been opened and is not served yet.
pub struct Listening {
    what: &'static str,
    /// Of no runtime yet: whichever serves it is woken by it.
    listener: std::net::TcpListener,
    router: Router,
    tls: Option<Arc<ServerConfig>>,
}

/// Opens the metrics listener: `/metrics` in the OpenMetrics text format.
///
/// # Errors
/// Where the address cannot be listened on.
pub async fn metrics(address: SocketAddr, metrics: Arc<Metrics>) -> Result<Listening, BindError> {
    let router = Router::new().route("/metrics", get(render)).with_state(metrics);
    open("metrics", address, "--metrics-address", router).await
}

/// Opens the health listener: `/healthz` and `/readyz`.
///
/// # Errors
/// Where the address cannot be listened on.
pub async fn health(address: SocketAddr, readiness: Arc<Readiness>) -> Result<Listening, BindError> {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(readiness);
    open("health", address, "--health-address", router).await
}

/// What listeners show of scaling.
#[derive(Clone)]
pub struct Shown {
    /// The last scale operations.
    pub activity: Arc<Activity>,
    /// The present state of every object, and whether this replica leads.
    pub board: Arc<Board>,
    /// The values that objects published last.
    pub answers: Arc<Answers>,
    /// Reports how long ago something was.
    pub clock: Arc<dyn Clock>,
}

/// Opens the activity listener: the page at `/`, one for each object at `/objects/KIND/NAMESPACE/NAME` (of a
/// cluster-scoped kind `/objects/KIND/NAME`), `/scaling-activity` (the last scale operations, newest first), `/objects`
/// (the present state of every object), both JSON, and `/health`. While another replica leads, `peers` asks
/// that one.
///
/// # Errors
/// Where the address cannot be listened on.
pub async fn activity(address: SocketAddr, shown: Shown, peers: Arc<Peers>) -> Result<Listening, BindError> {
    let router = Router::new()
        .route("/style.css", get(page::style))
        .route("/page.js", get(page::script))
        .route("/icon.svg", get(page::icon))
        .route("/health", get(async || "ok\n"))
        .merge(peers::on_behalf_of_the_leader(activity_routes(shown), peers));
    open("activity", address, "--activity-address", router).await
}

/// What only the leader knows of scaling.
fn activity_routes(shown: Shown) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/scaling-activity", get(actions))
        .route("/objects", get(objects))
        .route("/objects/{kind}/{name}", get(page::cluster_object))
        .route("/objects/{kind}/{namespace}/{name}", get(page::namespaced_object))
        .with_state(shown)
}

async fn open(
    what: &'static str,
    address: SocketAddr,
    flag: &'static str,
    router: Router,
) -> Result<Listening, BindError> {
    let listener = listen::listen(address).map_err(|reason| BindError { what, address, flag, reason })?;
    let bound = listener.local_addr().unwrap_or(address);
    tracing::info!(listener = what, address = %bound, "listening");
    let router = router.layer(map_response(protection::protect));
    Ok(Listening { what, listener, router, tls: None })
}

impl Listening {
    /// Where it listens: the port that the system chose, where it was given 0.
    ///
    /// # Errors
    /// Where the system does not report.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn over_tls(self, config: Arc<ServerConfig>) -> Self {
        Self { tls: Some(config), ..self }
    }

    /// Serves until `stop` turns true, on the runtime that polls this.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let ended = match TcpListener::from_std(self.listener) {
            Ok(listener) => match self.tls {
                Some(config) => return tls::serve(listener, config, self.router, stop).await,
                None => {
                    let stopped = async move { stopped(&mut stop).await };
                    axum::serve(listener, self.router).with_graceful_shutdown(stopped).await
                }
            },
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::error!(listener = self.what, %error, "listener ended");
        }
    }
}

/// The last scale operations as JSON.
async fn actions(State(shown): State<Shown>, not_asked: Option<Extension<NotAsked>>) -> Response {
    if shown.board.leads() {
        return Json(shown.activity.actions()).into_response();
    }
    not_known(not_asked)
}

/// Every object as JSON, made in place: copies of thousands would be larger than the answer.
async fn objects(State(shown): State<Shown>, not_asked: Option<Extension<NotAsked>>) -> Response {
    if shown.board.leads() {
        return shown.board.read(|objects| Json(objects.collect::<Vec<_>>()).into_response());
    }
    not_known(not_asked)
}

/// An empty list would say that there is nothing.
fn not_known(not_asked: Option<Extension<NotAsked>>) -> Response {
    let why = why(not_asked);
    let error = format!("this replica is not the leader and cannot answer: {why}");
    (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "error": error }))).into_response()
}

/// Why the leader did not answer instead.
fn why(not_asked: Option<Extension<NotAsked>>) -> String {
    not_asked.map_or_else(|| "it is becoming the leader".to_owned(), |Extension(NotAsked(why))| why)
}

/// Waits until `stop` turns true.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A dropped sender means that the process ends, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn render(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    // Part by part, as the caller takes them: with thousands of objects the whole would be as large as all that is known of
    // them.
    let parts = (0..metrics.parts()).map(move |part| metrics.render_part(part));
    let end = std::iter::once_with(|| process::metrics() + METRICS_END);
    let parts = parts.chain(end).filter(|part| !part.is_empty()).map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, content_type)], Body::from_stream(futures::stream::iter(parts)))
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> impl IntoResponse {
    let waiting = readiness.waiting();
    if waiting.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}\n", waiting.join("\nwaiting for ")))
}
