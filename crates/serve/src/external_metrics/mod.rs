//! `external.metrics.k8s.io`, the API by which an HPA reads the metrics of ScaledObjects.
//!
//! ```text
//!  HPA controller ─▶ API server ─▶ gate ─▶ leads? ─ yes ─▶ Answers, as the last poll published them
//!                    (front proxy)            └ no ─▶ the leader, over TLS (peers)
//! ```
//!
//! Every replica answers the same or an error: a number that a replica has of before would be a guess.

mod callers;
mod common_name;
mod discovery;
mod front_proxy;
mod gate;
mod quantity;
mod read;
mod recognition;
mod remembered;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::sync::watch;

use crate::certificates::CertificateSlot;
use crate::peers::{self, Peers};
use crate::{BindError, Listening, Shown, tls};
use discovery::{GROUP, VERSION};
use gate::Gate;

pub use callers::{Attributes, Authority, Caller, FrontProxy, Verdict};

/// The listener of the external metrics API, and what keeps its idea of the front proxy up to date.
pub struct ExternalMetrics {
    gate: Arc<Gate>,
}

impl ExternalMetrics {
    /// An API whose callers are judged by `authority`.
    pub fn new(authority: Arc<dyn Authority>) -> Self {
        Self { gate: Arc::new(Gate::new(authority)) }
    }

    /// Opens the listener, which shows the certificate in `slot`. While another replica leads, `peers` asks that one.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub async fn listen(
        &self,
        address: SocketAddr,
        shown: Shown,
        peers: Arc<Peers>,
        slot: Arc<CertificateSlot>,
    ) -> Result<Listening, BindError> {
        let router = Router::new()
            .route("/apis", get(discovery::groups))
            .route(&format!("/apis/{GROUP}"), get(discovery::group))
            .route(&format!("/apis/{GROUP}/{VERSION}"), get(discovery::resources))
            .merge(peers::on_behalf_of_the_leader(routes(shown), peers))
            .fallback(async || {
                status::failure(StatusCode::NOT_FOUND, "no such path in the external metrics API")
            })
            .layer(from_fn_with_state(Arc::clone(&self.gate), gate::gate))
            // Open to all, as they say nothing of the cluster: whoever probes has no token.
            .route("/healthz", get(async || "ok"))
            .route("/livez", get(async || "ok"))
            .route("/readyz", get(async || "ok"))
            .route("/openapi/v2", get(discovery::openapi_v2))
            .route("/openapi/v3", get(discovery::openapi_v3));
        let listening =
            crate::open("external metrics", address, "--external-metrics-address", router).await?;
        Ok(listening.over_tls(tls::config_asking_for_certificates(slot)))
    }

    /// Keeps itself up to date until `stop` turns true.
    pub async fn keep(self, stop: watch::Receiver<bool>) {
        self.gate.proxies.keep(&*self.gate.authority, stop).await;
    }
}

/// What only the leader knows of metrics.
pub(crate) fn routes(shown: Shown) -> Router {
    let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{{metric}}");
    Router::new().route(&path, get(read::read)).with_state(shown)
}

#[cfg(test)]
mod tests;
