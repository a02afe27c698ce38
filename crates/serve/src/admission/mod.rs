//! The validating admission webhook: what a schema cannot judge is refused at `kubectl apply`, in
//! the words of `polyscaler check`.
//!
//! ```text
//!  API server ──AdmissionReview──▶ listener (TLS) ──▶ review (pure) ──▶ Kind::compile
//! ```
//!
//! It is a help and no gate: an operator that is away or acts elsewhere lets everything through,
//! and reports what is wrong in the object's status.

mod review;
mod workload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use engine::{PolicyTable, SourceCatalog};
use resources::Kind;
use runner::{Clock, Metrics, Namespaces, Owners, SharedDefaults, Workloads};

use crate::certificates::CertificateSlot;
use crate::{BindError, Listening, tls};

/// An object has 1.5 MiB at most; a review of an update holds two, written out at length.
const LONGEST_BODY: usize = 8 * 1024 * 1024;
/// The API server gives up after 5 s, and sends what it has at once.
const LONGEST_READ: Duration = Duration::from_secs(10);

/// What reviews are judged by: the same as what `polyscaler check` judges by, with the operator's flags.
pub struct Judge {
    /// Checks the settings of metric sources, whatever an operator may have by default.
    pub catalog: Arc<dyn SourceCatalog>,
    /// What this operator compiles objects by. What only it finds wrong is a warning: the object is good, and
    /// the operator may get what it lacks at any time.
    pub own: Arc<dyn SourceCatalog>,
    /// The policies that manifests can name.
    pub policies: PolicyTable,
    /// Whether a namespaced object may act in another namespace.
    pub allow_cross_namespace: bool,
    /// The kinds that the operator acts on; objects of others are let through.
    pub kinds: Vec<&'static Kind>,
    /// The namespaces that it acts in. What acts elsewhere is let through.
    pub namespaces: Namespaces,
    /// The operator's defaults and ceilings.
    pub defaults: Arc<SharedDefaults>,
    /// Who wants to scale what.
    pub owners: Arc<Owners>,
    /// Reads the workloads that objects scale.
    pub workloads: Arc<dyn Workloads>,
    /// Whether an override has ended.
    pub clock: Arc<dyn Clock>,
    /// Counts reviews.
    pub metrics: Arc<Metrics>,
}

/// Opens the admission listener: reviews by POST at any path, over TLS with what `slot` holds.
///
/// # Errors
/// Where the address cannot be listened on.
pub async fn admission(
    address: SocketAddr,
    judge: Judge,
    slot: Arc<CertificateSlot>,
) -> Result<Listening, BindError> {
    let router = Router::new().fallback(post(answer)).with_state(Arc::new(judge));
    let listening = crate::open("webhook", address, "--webhook-address", router).await?;
    Ok(listening.over_tls(tls::config(slot)))
}

async fn answer(State(judge): State<Arc<Judge>>, request: Request) -> Response {
    let body = match tokio::time::timeout(LONGEST_READ, to_bytes(request.into_body(), LONGEST_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    };
    let reviewed = match serde_json::from_slice(&body) {
        Ok(sent) => {
            let looked = workload::look(&sent, &judge).await;
            review::review(&sent, &judge, looked)
        }
        Err(error) => Err(format!("not JSON: {error}")),
    };
    match reviewed {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
    }
}

fn refuse(status: StatusCode, problem: &str) -> Response {
    (status, format!("{problem}\n")).into_response()
}

#[cfg(test)]
mod tests;
