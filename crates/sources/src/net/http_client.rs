//! The one way to call an address that someone wrote into an object.
//!
//! ```text
//! get, call ─▶ time limit ─▶ exchange ─▶ gate ─▶ transport ─▶ resolver ─▶ AddressPolicy
//!                              ▲ │
//!                              └─┘ redirects, by hand
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
mod transports;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use crate::net::address::AddressPolicy;
use crate::net::dial::Dialler;
use crate::net::grpc::Messages;
use crate::net::tls::Tls;
use crate::values::text;
use crate::values::url::{shown, shown_origin};
pub(crate) use failure::find;
use gate::{Gate, LargePermit};
use transport::Transport;
use transports::Transports;

/// Largest answer that is read unless a source says otherwise.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A client for all sources that speak HTTP.
#[derive(Debug)]
pub(crate) struct HttpClient {
    transports: Transports,
    gate: Gate,
}

/// One request, and what is wanted of its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Where to.
    pub url: &'a Url,
    /// What is sent along.
    pub headers: &'a Headers,
    /// A form to be sent by POST; without one the request is a GET.
    pub form: Option<&'a str>,
    /// By what the first origin is trusted and knows us; others are trusted as the system says, and
    /// do not know us.
    pub tls: &'a Tls,
    /// How long and how much.
    pub limits: Limits,
    /// Whether the body of an answer whose status is an error is read, too.
    pub reads_errors: bool,
    /// Whether it goes where a redirect leads. Else a redirect is an error.
    pub follows_redirects: bool,
}

/// An answer of any status but redirects.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where it came from, after all redirects.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its body; empty where the status is an error and the body is not read, long or broken.
    pub body: Body,
}

impl Answer {
    /// The body where all went well; `asked` is the address that was asked.
    pub(crate) fn successful(self, asked: &Url) -> Result<Body, Absence> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let what = format!("it answered with status {}", self.status.as_u16());
        Err(Missed::new(AbsenceReason::BadStatus, what).at(asked, &self.url))
    }
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
    /// For everything together: waiting for a free connection, redirects and the whole body. People are told of it.
    timeout: Duration,
    /// What is left of it.
    left: Duration,
    /// Largest body that is read.
    max_bytes: usize,
}

impl Limits {
    /// All of `timeout`, from now on.
    pub(crate) fn new(timeout: Duration, max_bytes: usize) -> Self {
        Self { timeout, left: timeout, max_bytes }
    }

    /// What is left of `timeout`, which ends at `deadline`.
    pub(crate) fn until(deadline: Instant, timeout: Duration, max_bytes: usize) -> Self {
        Self { timeout, left: deadline.saturating_duration_since(Instant::now()), max_bytes }
    }
}

/// The body of an answer.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// The `Content-Type`, where there is a readable one.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The place among the large ones, for as long as the bytes are in memory.
    _large: Option<LargePermit>,
}

impl Body {
    /// The text that it is, in UTF-8, without byte order mark and blanks around it.
    pub(crate) fn text(&self) -> Cow<'_, [u8]> {
        text::decoded(&self.bytes, self.content_type.as_deref())
    }

    /// A body that no server sent.
    #[cfg(test)]
    pub(crate) fn of(content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type: Some(content_type.to_owned()), bytes: bytes.into(), _large: None }
    }
}

impl HttpClient {
    /// A client that calls what `policy` allows. Cheap: nothing is loaded before the first request.
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        Self { transports: Transports::new(Dialler::new(policy)), gate: Gate::default() }
    }

    /// Gets `url`, following redirects, and returns the answer whatever its status; an error has no body.
    pub(crate) async fn get_any(
        &self,
        url: &Url,
        headers: &Headers,
        limits: Limits,
    ) -> Result<Answer, Absence> {
        let tls = Tls::default();
        let call = Call {
            url,
            headers,
            form: None,
            tls: &tls,
            limits,
            reads_errors: false,
            follows_redirects: true,
        };
        self.call(&call).await
    }

    /// Asks `url` with GET, or with POST where there is a form to send, follows no redirect,
    /// and returns the answer whatever its status: for protocols whose errors are reported in the body.
    pub(crate) async fn ask(
        &self,
        url: &Url,
        headers: &Headers,
        form: Option<String>,
        limits: Limits,
    ) -> Result<Answer, Absence> {
        let (form, tls) = (form.as_deref(), Tls::default());
        let call =
            Call { url, headers, form, tls: &tls, limits, reads_errors: true, follows_redirects: false };
        self.call(&call).await
    }

    /// Calls the gRPC method at `url` with `message`, and returns the message of its answer. The server is trusted and
    /// knows us by `tls`.
    pub(crate) async fn call_grpc(
        &self,
        url: &Url,
        tls: &Tls,
        message: &[u8],
        limits: Limits,
    ) -> Result<Vec<u8>, Absence> {
        let exchange = async {
            let transport = self.transports.of_calls(tls);
            let missed = |missed: Missed| missed.at(url, url);
            let transport =
                transport.map_err(|why| missed(Missed::new(AbsenceReason::ConnectionFailed, why)))?;
            let _permit = self.gate.enter(url).await;
            transport.call(url, crate::net::grpc::framed(message), limits.max_bytes).await.map_err(missed)
        };
        let in_time = tokio::time::timeout(limits.left, exchange).await;
        in_time.unwrap_or_else(|_| Err(too_late(url, limits)))
    }

    /// Opens the stream of the gRPC method at `url`; `limits` are for its beginning and for each message.
    pub(crate) async fn open_grpc(
        &self,
        url: &Url,
        tls: &Tls,
        message: &[u8],
        limits: Limits,
    ) -> Result<MessageStream, Absence> {
        let missed = |missed: Missed| missed.at(url, url);
        let transport = self.transports.of_streams(tls);
        let transport = transport.map_err(|why| missed(Missed::new(AbsenceReason::ConnectionFailed, why)))?;
        let opening = transport.open(url, crate::net::grpc::framed(message), limits.max_bytes);
        match tokio::time::timeout(limits.left, opening).await {
            Ok(messages) => {
                let (messages, url) = (messages.map_err(missed)?, url.clone());
                Ok(MessageStream { messages, transport, url, longest: limits.max_bytes })
            }
            Err(_) => Err(too_late(url, limits)),
        }
    }

    /// Sends a request and returns the answer whatever its status.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Answer, Absence> {
        let exchange = exchange::run(&self.transports, &self.gate, call);
        match tokio::time::timeout(call.limits.left, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(too_late(call.url, call.limits)),
        }
    }
}

/// A stream of messages that is open.
pub(crate) struct MessageStream {
    messages: Messages,
    transport: Arc<Transport>,
    url: Url,
    longest: usize,
}

impl MessageStream {
    /// The next message, however long it takes; `None` at a good end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Absence> {
        let Self { messages, transport, url, longest } = self;
        messages.next().await.map_err(|error| transport.call_failed(&error, *longest).at(url, url))
    }
}

fn too_late(url: &Url, limits: Limits) -> Absence {
    // What is left of a time is in nanoseconds, which nobody wants to read.
    let seconds = limits.timeout.as_micros().div_ceil(1000) as f64 / 1000.0;
    absence(AbsenceReason::Timeout, url, format!("no complete response within {seconds} s"))
}

/// An absence whose message begins with the address that was asked.
pub(crate) fn absence(reason: AbsenceReason, url: &Url, what: impl std::fmt::Display) -> Absence {
    Absence { reason, message: format!("{}: {what}", shown(url)) }
}

/// What one address did not give, and why.
#[derive(Debug)]
pub(crate) struct Missed {
    reason: AbsenceReason,
    what: String,
}

impl Missed {
    pub(crate) fn new(reason: AbsenceReason, what: impl std::fmt::Display) -> Self {
        Self { reason, what: what.to_string() }
    }

    /// The absence of what `answered` should have given, where `asked` was asked. Where a redirect led there, it is
    /// reported without that address's path: the other side chose it, and may have put there what it was sent.
    pub(crate) fn at(self, asked: &Url, answered: &Url) -> Absence {
        let Self { reason, what } = self;
        if asked == answered {
            return absence(reason, asked, what);
        }
        absence(reason, asked, format_args!("it redirected to {}: {what}", shown_origin(answered)))
    }
}
