//! One request to a receiver: a batch of spans in protobuf, over HTTP or as a gRPC call.
//!
//! Both go through one HTTP client, so that TLS, certificates and limits are the same. The client is
//! this one's own, past no address policy: the receiver's address is the operator's and not a user's.

use std::error::Error as _;
use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http_body_util::{BodyExt as _, Limited};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use reqwest::{Client, ClientBuilder, StatusCode, Url, redirect};
use sources::grpc::{self, CallError};

use super::settings::{BadVariable, Protocol, Settings};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The most of an answer that is read.
const LONGEST_ANSWER: usize = 64 << 10;

/// Sends spans to one receiver.
pub(super) struct Exporter {
    client: Client,
    endpoint: Url,
    protocol: Protocol,
    is_compressed: bool,
    headers: HeaderMap,
    timeout: Duration,
    resource: ResourceAttributesWithSchema,
}

/// A batch as it is sent.
pub(super) struct Encoded {
    body: Vec<u8>,
    /// How many spans it has.
    pub(super) spans: usize,
}

/// Why a batch was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// In words, without addresses or what the receiver said.
    pub(super) why: String,
    /// Whether it may be taken later.
    pub(super) again: bool,
    /// How many spans were refused, where the rest was taken.
    refused: Option<u64>,
}

impl Failure {
    fn again(why: impl fmt::Display) -> Self {
        Self { why: why.to_string(), again: true, refused: None }
    }

    fn for_good(why: impl fmt::Display) -> Self {
        Self { why: why.to_string(), again: false, refused: None }
    }

    /// How many spans of `batch` are lost by it.
    pub(super) fn lost(&self, batch: &Encoded) -> u64 {
        self.refused.unwrap_or(batch.spans as u64)
    }
}

impl Exporter {
    /// An exporter to where `settings` say; nothing is connected yet.
    ///
    /// # Errors
    /// Where no HTTP client can be made, as without certificates to trust.
    pub(super) fn new(settings: &Settings) -> Result<Self, BadVariable> {
        let mut headers = settings.headers.clone();
        let agent = concat!("polyscaler/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(agent));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if settings.is_compressed {
            let name = if settings.protocol == Protocol::Grpc { GRPC_ENCODING } else { CONTENT_ENCODING };
            headers.insert(name, HeaderValue::from_static("gzip"));
        }
        Ok(Self {
            client: client(settings)?,
            endpoint: settings.endpoint.clone(),
            protocol: settings.protocol,
            is_compressed: settings.is_compressed,
            headers,
            timeout: settings.timeout,
            resource: (&settings.resource).into(),
        })
    }

    /// Where to, for people.
    pub(super) fn endpoint(&self) -> String {
        shown(&self.endpoint)
    }

    /// Spans as they are sent.
    pub(super) fn encode(&self, spans: Vec<SpanData>) -> Encoded {
        let count = spans.len();
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let message = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let body = match (self.protocol, self.is_compressed) {
            (Protocol::Http, false) => message,
            (Protocol::Http, true) => gzipped(&message),
            (Protocol::Grpc, false) => grpc::framed(&message),
            (Protocol::Grpc, true) => grpc::framed_compressed(&gzipped(&message)),
        };
        Encoded { body, spans: count }
    }

    /// Sends a batch, once.
    pub(super) async fn send(&self, batch: &Encoded) -> Result<(), Failure> {
        let exchange = tokio::time::timeout(self.timeout, self.exchange(batch.body.clone())).await;
        exchange.unwrap_or_else(|_| {
            Err(Failure::again(format!("no response within {} ms", self.timeout.as_millis())))
        })
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<(), Failure> {
        let message = match self.protocol {
            Protocol::Http => self.post(body).await?,
            Protocol::Grpc => self.call(body).await?,
        };
        check_refused(&message)
    }

    async fn post(&self, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let request = self.client.post(self.endpoint.clone()).headers(self.headers.clone()).body(body);
        let response = request.send().await.map_err(|error| Failure::again(root_cause(&error)))?;
        if !response.status().is_success() {
            return Err(refused(response.status()));
        }
        let body = Limited::new(reqwest::Body::from(response), LONGEST_ANSWER).collect().await;
        Ok(body.map_err(|_| unread())?.to_bytes().to_vec())
    }

    async fn call(&self, framed: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let headers = self.headers.clone();
        match grpc::call(&self.client, &self.endpoint, headers, framed, LONGEST_ANSWER).await {
            Ok(message) => Ok(message),
            // All was well, and what is missing matters to nobody.
            Err(CallError::NoMessage) => Ok(Vec::new()),
            Err(error) => Err(failed_call(&error)),
        }
    }
}

fn gzipped(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(message).and_then(|()| encoder.finish());
    written.unwrap_or_else(|error| unreachable!("memory can be written to: {error}"))
}

fn refused(status: StatusCode) -> Failure {
    let why = format!("the receiver answered {status}");
    let is_busy = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    if is_busy { Failure::again(why) } else { Failure::for_good(why) }
}

fn unread() -> Failure {
    Failure::again("the receiver's response is incomplete or too long")
}

fn failed_call(error: &CallError) -> Failure {
    match error {
        CallError::NotSent(error) => Failure::again(root_cause(error)),
        CallError::Status(status) => refused(*status),
        CallError::BrokeOff | CallError::TooLong | CallError::NoMessage => unread(),
        CallError::NotGrpc => {
            Failure::for_good("the receiver does not answer as a gRPC server; is it the port for gRPC?")
        }
        CallError::Refused { code: None, .. } => {
            Failure::for_good("the receiver responded with a status that is not a number")
        }
        CallError::Refused { code: Some(code), .. } => {
            let why = format!("the receiver answered {code} {}", grpc::code_name(*code));
            // Those that the protocol lets a client try again.
            let is_passing = matches!(code, 1 | 4 | 8 | 10 | 11 | 14 | 15);
            if is_passing { Failure::again(why) } else { Failure::for_good(why) }
        }
    }
}

/// An address without what may be secret in it.
pub(super) fn shown(endpoint: &Url) -> String {
    let mut endpoint = endpoint.clone();
    endpoint.set_query(None);
    endpoint.to_string()
}

#[expect(clippy::disallowed_methods, reason = "the TLS library is chosen right before")]
fn client(settings: &Settings) -> Result<Client, BadVariable> {
    // Usually the program has chosen it already; then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || -> ClientBuilder {
        let builder =
            ClientBuilder::new().redirect(redirect::Policy::none()).connect_timeout(settings.timeout);
        let mut builder = match settings.protocol {
            Protocol::Http => builder.http1_only(),
            Protocol::Grpc => builder.http2_prior_knowledge(),
        };
        if let Some(identity) = &settings.identity {
            builder = builder.identity(identity.clone());
        }
        match &settings.authorities {
            Some(authorities) => builder.tls_certs_only(authorities.clone()),
            None => builder,
        }
    };
    let built = builder().build().or_else(|error| {
        // Without any authority to trust the client cannot be made, not even for plain http.
        if settings.endpoint.scheme() == "http" { builder().tls_certs_only([]).build() } else { Err(error) }
    });
    built.map_err(|error| {
        BadVariable::of(
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            format!(
                "no client for https can be created ({}); name a file of certificate authorities",
                root_cause(&error)
            ),
        )
    })
}

/// An answer that is well may still say that some spans were refused.
fn check_refused(message: &[u8]) -> Result<(), Failure> {
    // A receiver that answers something else has taken them all the same.
    let answer = ExportTraceServiceResponse::decode(message).unwrap_or_default();
    let refused =
        answer.partial_success.map_or(0, |partly| u64::try_from(partly.rejected_spans).unwrap_or(0));
    if refused == 0 {
        return Ok(());
    }
    let why = format!("the receiver refused {refused} spans of a batch");
    Err(Failure { refused: Some(refused), ..Failure::for_good(why) })
}

/// The innermost error, which says most and names no address.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "the request could not be built".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    #[test]
    fn a_status_of_grpc_says_whether_to_try_again() {
        let status = |code| failed_call(&CallError::Refused { code, message: "hush".to_owned() });
        let busy = status(Some(14));
        assert_eq!((busy.why.as_str(), busy.again), ("the receiver answered 14 UNAVAILABLE", true));
        let refused = status(Some(16));
        assert_eq!(
            (refused.why.as_str(), refused.again),
            ("the receiver answered 16 UNAUTHENTICATED", false)
        );
        assert!(!status(Some(99)).again && !status(None).again);
        assert!(failed_call(&CallError::NotGrpc).why.contains("port for gRPC"));
        assert!(failed_call(&CallError::Status(StatusCode::SERVICE_UNAVAILABLE)).again);
    }

    #[test]
    fn refused_spans_are_counted() {
        let partial = |rejected_spans| {
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans, error_message: "no".into() });
            ExportTraceServiceResponse { partial_success }.encode_to_vec()
        };
        assert_eq!(check_refused(b""), Ok(()));
        assert_eq!(check_refused(b"{}"), Ok(()), "an answer in another format");
        assert_eq!(check_refused(&partial(0)), Ok(()), "only a remark");
        let failure = check_refused(&partial(3)).unwrap_err();
        assert_eq!((failure.lost(&Encoded { body: Vec::new(), spans: 10 }), failure.again), (3, false));
    }

    #[test]
    fn an_address_is_shown_without_its_query() {
        let url = Url::parse("https://collector:4318/v1/traces?token=hush").unwrap();
        assert_eq!(shown(&url), "https://collector:4318/v1/traces");
    }
}
