//! Lets in whom the API server knows and lets, as every server behind it does.
//!
//! ```text
//!  front proxy, known by its certificate ─▶ the caller in its headers ─┐
//!  anyone else with a bearer token ─▶ TokenReview ─────────────────────┴▶ SubjectAccessReview ─▶ the answer
//! ```

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use super::callers::{Attributes, Authority, Caller, Verdict};
use super::discovery::{GROUP, VERSION};
use super::front_proxy::{Proxies, strip};
use super::remembered::Remembered;
use super::status::failure;
use crate::tls::PeerCertificates;

/// Who is in this group may do everything, as the API server has it.
const MASTERS: &str = "system:masters";

/// Decides who is let in.
pub(super) struct Gate {
    pub(super) authority: Arc<dyn Authority>,
    pub(super) proxies: Proxies,
    /// By a digest of the token, which is kept nowhere.
    tokens: Remembered<[u8; 32], Option<Caller>>,
    verdicts: Remembered<(Caller, Attributes), Verdict>,
}

impl Gate {
    pub(super) fn new(authority: Arc<dyn Authority>) -> Self {
        let (tokens, verdicts) = Default::default();
        Self { authority, proxies: Proxies::default(), tokens, verdicts }
    }

    /// Who calls.
    async fn caller(&self, peer: &PeerCertificates, headers: &HeaderMap) -> Result<Caller, Refused> {
        if let Some(caller) = self.proxies.caller(peer, headers) {
            return Ok(caller);
        }
        let token = bearer(headers).ok_or(Refused::Unknown)?;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.tokens.or_ask(digest, async { self.authority.whose(token).await }).await;
        known.map_err(Refused::NotJudged)?.ok_or(Refused::Unknown)
    }

    /// Whether `caller` may do so.
    async fn judge(&self, caller: Caller, attributes: Attributes) -> Result<(), Refused> {
        if caller.groups.iter().any(|group| group == MASTERS) {
            return Ok(());
        }
        let asked = async { self.authority.may(&caller, &attributes).await };
        let verdict = self.verdicts.or_ask((caller.clone(), attributes.clone()), asked).await;
        match verdict.map_err(Refused::NotJudged)? {
            Verdict::Allowed => Ok(()),
            Verdict::Denied(why) => Err(Refused::Forbidden { caller: caller.name.clone(), attributes, why }),
        }
    }
}

/// Why someone is not let in.
enum Refused {
    Unknown,
    Forbidden { caller: String, attributes: Attributes, why: String },
    NotJudged(String),
}

impl Refused {
    fn answer(self) -> Response {
        match self {
            Self::Unknown => failure(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::NotJudged(why) => failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("the API server could not be asked about the caller: {why}"),
            ),
            Self::Forbidden { caller, attributes, why } => {
                let why = if why.is_empty() { why } else { format!(": {why}") };
                let message = match attributes {
                    Attributes::Metric { namespace, metric } => format!(
                        "{metric}.{GROUP} is forbidden: User {caller:?} cannot list resource {metric:?} in API group \
                         {GROUP:?} in the namespace {namespace:?}{why}"
                    ),
                    Attributes::Path(path) => {
                        format!("forbidden: User {caller:?} cannot get path {path:?}{why}")
                    }
                };
                failure(StatusCode::FORBIDDEN, &message)
            }
        }
    }
}

/// Has a request answered if its caller may ask so.
pub(super) async fn gate(
    State(gate): State<Arc<Gate>>,
    Extension(peer): Extension<PeerCertificates>,
    mut request: Request,
    next: Next,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return failure(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read");
    }
    let headers = std::mem::take(request.headers_mut());
    let path = request.uri().path().to_owned();
    let judged = async {
        let caller = gate.caller(&peer, &headers).await?;
        gate.judge(caller, attributes(&path)).await
    };
    if let Err(refused) = judged.await {
        return refused.answer();
    }
    *request.headers_mut() = headers;
    strip(request.headers_mut());
    request.headers_mut().remove(header::AUTHORIZATION);
    next.run(request).await
}

/// What whoever asks for this path wants, as the API server sees it.
fn attributes(path: &str) -> Attributes {
    let prefix = format!("/apis/{GROUP}/{VERSION}/namespaces/");
    let parts = path.strip_prefix(&prefix).and_then(|rest| rest.split_once('/'));
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    match parts {
        Some((namespace, metric)) if !metric.is_empty() => {
            Attributes::Metric { namespace: decoded(namespace), metric: decoded(metric) }
        }
        _ => Attributes::Path(path.to_owned()),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}
