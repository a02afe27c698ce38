//! Replicas answer for each other: what only the leader knows, a follower asks it for, or says that it does not
//! know. It never answers from what it does not have.
//!
//! ```text
//!  caller ─▶ follower ── leads? no ──▶ Peers::ask ──TLS, one certificate for both──▶ leader's peer listener ─▶ answer
//!                          └ yes, or the leader cannot be asked ─▶ own answer
//! ```
//!
//! Both sides show the certificate that the replicas share by their Secret, and accept no other: whoever has its
//! key is a replica. A leader that has just lost the Lease refuses, so a question is passed on once at most.

mod client;
mod pinned;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use runner::{Leader, Leadership};

use client::Question;

pub use client::Peers;

use crate::certificates::CertificateSlot;
use crate::{BindError, Listening, Shown};

/// Opens the listener by which other replicas ask this one while it leads.
///
/// # Errors
/// Where the address cannot be listened on.
pub async fn peers(
    address: SocketAddr,
    shown: Shown,
    leadership: Arc<Leadership>,
    slot: Arc<CertificateSlot>,
) -> Result<Listening, BindError> {
    let routes = crate::activity_routes(shown.clone()).merge(crate::external_metrics::routes(shown));
    let router = served(routes, leadership);
    let listening = crate::open("peers", address, "--peer-address", router).await?;
    Ok(listening.over_tls(pinned::server_config(slot)))
}

/// The routes for other replicas: answered only by a leader.
pub(crate) fn served(routes: Router, leadership: Arc<Leadership>) -> Router {
    routes.layer(from_fn_with_state(leadership, only_while_leading))
}

async fn only_while_leading(
    State(leadership): State<Arc<Leadership>>,
    request: Request,
    next: Next,
) -> Response {
    if leadership.leader() == Leader::This {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "this replica is not the leader\n").into_response()
}

/// Has `routes` answered by the leader where this replica does not lead. Where the leader cannot be asked, they
/// answer themselves, and must say that they do not know.
pub(crate) fn on_behalf_of_the_leader(routes: Router, peers: Arc<Peers>) -> Router {
    routes.layer(from_fn_with_state(peers, ask_the_leader))
}

async fn ask_the_leader(State(peers): State<Arc<Peers>>, mut request: Request, next: Next) -> Response {
    // Before anything is waited for: what a request brings may not be shared between threads.
    let question = Question::of(&request);
    match peers.ask(question).await {
        Some(Ok(answer)) => answer,
        Some(Err(why)) => {
            request.extensions_mut().insert(NotAsked(why));
            next.run(request).await
        }
        None => next.run(request).await,
    }
}

/// Why the leader was not asked, in a sentence; among the extensions of a request.
#[derive(Clone, Debug)]
pub(crate) struct NotAsked(pub(crate) String);

#[cfg(test)]
mod tests;
