//! The one way to call an address that somebody wrote into an object.
//!
//! ```text
//! get ─▶ time limit ─▶ exchange ─▶ gate ─▶ transport ─▶ resolver ─▶ AddressPolicy
//!                         ▲ │
//!                         └─┘ redirects, by hand
//! ```
//!
//! Whoever may create an object chooses the address and perhaps the server behind it,
//! so nothing an answer does may harm the operator or other objects: time, size,
//! redirects, addresses and the number of connections are all bounded here. Sources
//! that speak HTTP share one client and never build their own.

mod exchange;
mod failure;
mod gate;
mod redirect;
mod resolver;
mod transport;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use crate::address::AddressPolicy;
pub(crate) use failure::find;
use gate::{Gate, LargePermit};
use transport::Transport;

/// Largest answer that is read unless a source says otherwise.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A client for all sources that speak HTTP.
#[derive(Debug)]
pub(crate) struct HttpClient {
    policy: Arc<AddressPolicy>,
    /// Built at the first request: checking a manifest needs neither roots nor a runtime.
    transport: OnceLock<Result<Transport, String>>,
    gate: Gate,
}

/// What a source sends with a request.
#[derive(Clone, Debug)]
pub(crate) struct Headers {
    /// The format that the source understands.
    pub accept: &'static str,
    /// Headers from secrets, sent to the first origin only and never after a redirect to another.
    pub secret: HeaderMap,
}

/// How long and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For everything together: waiting for a free connection, redirects and the whole body.
    pub timeout: Duration,
    /// Largest body that is read.
    pub max_bytes: usize,
}

/// The body of a successful answer.
#[derive(Debug)]
pub(crate) struct Body {
    /// The `Content-Type`, where there is a readable one.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The place among the large ones, for as long as the bytes are in memory.
    _large: Option<LargePermit>,
}

/// An answer whose status is for its reader to judge.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Body,
}

impl Body {
    /// A body that no server sent.
    #[cfg(test)]
    pub(crate) fn of(content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type: Some(content_type.to_owned()), bytes: bytes.into(), _large: None }
    }
}

impl HttpClient {
    /// A client that calls what `policy` allows. Cheap: nothing is loaded before the first request.
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        Self { policy: Arc::new(policy), transport: OnceLock::new(), gate: Gate::default() }
    }

    /// Gets `url`, following redirects, and returns the body of a 2xx answer.
    pub(crate) async fn get(&self, url: &Url, headers: &Headers, limits: Limits) -> Result<Body, Absence> {
        let transport = self.transport(url)?;
        let exchange = exchange::run(transport, &self.gate, url, headers, limits.max_bytes);
        within(limits, url, exchange).await
    }

    /// Asks `url` with GET, or with POST where there is a form to send, follows no redirect,
    /// and returns the answer whatever its status: for protocols whose errors are told in the body.
    pub(crate) async fn ask(
        &self,
        url: &Url,
        headers: &Headers,
        form: Option<String>,
        limits: Limits,
    ) -> Result<Answer, Absence> {
        let transport = self.transport(url)?;
        let exchange = exchange::ask(transport, &self.gate, url, headers, form, limits.max_bytes);
        within(limits, url, exchange).await
    }

    fn transport(&self, url: &Url) -> Result<&Transport, Absence> {
        let transport = self.transport.get_or_init(|| Transport::new(&self.policy));
        transport.as_ref().map_err(|error| absence(AbsenceReason::ConnectionFailed, url, error))
    }
}

/// The outcome of an exchange, or that it took too long.
async fn within<T>(
    limits: Limits,
    url: &Url,
    exchange: impl Future<Output = Result<T, Absence>>,
) -> Result<T, Absence> {
    match tokio::time::timeout(limits.timeout, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let waited = format!("no complete answer within {} s", limits.timeout.as_secs_f64());
            Err(absence(AbsenceReason::Timeout, url, waited))
        }
    }
}

/// An absence whose message begins with the address that was asked.
pub(crate) fn absence(reason: AbsenceReason, url: &Url, what: impl std::fmt::Display) -> Absence {
    Absence { reason, message: format!("{}: {what}", shown(url)) }
}

/// Longest address that messages show, in characters.
const MAX_SHOWN: usize = 200;

/// An address for people, without what may be secret: user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let full = format!("{}{}", shown_origin(url), url.path());
    if full.chars().count() <= MAX_SHOWN {
        return full;
    }
    full.chars().take(MAX_SHOWN).chain(['…']).collect()
}

/// Scheme, host and port of an address, for people.
fn shown_origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (url, expected) in [
            ("http://user:pass@host:8080/a/b?token=s#f", "http://host:8080/a/b"),
            ("https://[::1]:443/", "https://[::1]/"),
            ("http://2852039166/", "http://169.254.169.254/"),
        ] {
            assert_eq!(shown(&url.parse().unwrap()), expected);
        }
        let long = shown(&format!("http://host/{}", "a".repeat(500)).parse().unwrap());
        assert_eq!(long.chars().count(), MAX_SHOWN + 1);
    }
}
