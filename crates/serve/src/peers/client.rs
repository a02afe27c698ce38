//! Asks the leader.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use runner::{Leader, Leadership};

use super::pinned;
use crate::certificates::CertificateSlot;

/// A leader that takes longer is not waited for.
const LIMIT: Duration = Duration::from_secs(5);
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// What of a question is passed on, and what of an answer is given back.
const ASKED_WITH: [HeaderName; 2] = [header::ACCEPT, HeaderName::from_static("x-part")];
const ANSWERED_WITH: [HeaderName; 1] = [header::CONTENT_TYPE];

/// What a caller asked for, as far as it is passed on.
pub(crate) struct Question {
    method: Method,
    path: String,
    headers: HeaderMap,
}

impl Question {
    pub(crate) fn of(request: &Request) -> Self {
        let given = |name: HeaderName| Some((name.clone(), request.headers().get(&name)?.clone()));
        Self {
            method: request.method().clone(),
            path: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            headers: ASKED_WITH.into_iter().filter_map(given).collect(),
        }
    }
}

/// Asks whoever leads, over connections that are kept.
pub struct Peers {
    leadership: Arc<Leadership>,
    /// `None` where replicas do not reach each other.
    client: Option<reqwest::Client>,
}

impl Peers {
    /// Asks by the certificate in `slot`; nobody where there is none.
    ///
    /// # Errors
    /// Why no client can be made.
    pub fn new(
        leadership: Arc<Leadership>,
        slot: Option<Arc<CertificateSlot>>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self { leadership, client: slot.map(client).transpose()? })
    }

    /// The leader's answer, or in a sentence why there is none; `None` where this replica leads.
    pub(crate) async fn ask(&self, question: Question) -> Option<Result<Response, String>> {
        let (identity, address) = match self.leadership.leader() {
            Leader::This => return None,
            Leader::Unknown => return Some(Err("no leader is known".to_owned())),
            Leader::Other { identity, address } => (identity, address),
        };
        let (Some(client), Some(address)) = (&self.client, address) else {
            return Some(Err(format!(
                "{identity} is the leader, and replicas cannot reach each other (--peer-address)"
            )));
        };
        let Question { method, path, headers } = question;
        let asked = client.request(method, format!("https://{address}{path}")).headers(headers);
        match asked.send().await {
            Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST => {
                Some(Err(format!("{identity} is no longer the leader")))
            }
            Ok(answer) => Some(Ok(given_back(answer))),
            Err(error) => {
                tracing::debug!(
                    leader = identity,
                    address,
                    error = chain(&error),
                    "the leader could not be queried"
                );
                Some(Err(format!("{identity} is the leader, and cannot be reached at {address}")))
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the TLS library is chosen by the configuration that it is given"
)]
fn client(slot: Arc<CertificateSlot>) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(pinned::client_config(slot))
        // The address is a replica's own, whatever the environment says of others.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        .build()
}

fn given_back(answer: reqwest::Response) -> Response {
    let mut given = Response::new(Body::empty());
    *given.status_mut() = answer.status();
    for name in ANSWERED_WITH {
        if let Some(value) = answer.headers().get(&name) {
            given.headers_mut().insert(name, value.clone());
        }
    }
    *given.body_mut() = Body::from_stream(answer.bytes_stream());
    given
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
