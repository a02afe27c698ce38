//! One answer of the metric server, from a plain number to an endless stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::stream;
use serde_json::Value;

/// The piece that long bodies are made of.
const PIECE: usize = 64 * 1024;

/// What a body consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// These bytes.
    Text(String),
    /// That many letters `x`, sent in pieces and never held in memory as a whole.
    Long(u64),
    /// Letters for as long as the caller reads.
    Endless,
    /// The beginning of a body whose rest never comes.
    Stalled(String),
}

/// A status, headers and a body, given after a delay.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
    delay: Duration,
}

impl Answer {
    /// Any body with any status, without further headers.
    #[must_use]
    pub fn new(status: StatusCode, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, delay: Duration::ZERO }
    }

    /// 200 with a JSON value.
    #[must_use]
    pub fn json(value: &Value) -> Self {
        Self::raw_json(value.to_string())
    }

    /// Any status with a JSON value.
    #[must_use]
    pub fn json_with(status: StatusCode, value: &Value) -> Self {
        Self { status, ..Self::json(value) }
    }

    /// 200 with text that claims to be JSON, for what `Value` cannot hold: a number of 400 digits, NaN, half an object.
    #[must_use]
    pub fn raw_json(text: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, Body::Text(text.into()))
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(status, Body::Text(text.into()))
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))
    }

    /// 200 with a page, as a login form in front of an endpoint gives.
    #[must_use]
    pub fn html(text: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, Body::Text(text.into()))
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
    }

    /// 302 to another address. A location that cannot stand in a header becomes a 500.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(value) => {
                Self::new(StatusCode::FOUND, Body::Text(String::new())).with_header(header::LOCATION, value)
            }
            Err(_) => Self::text(StatusCode::INTERNAL_SERVER_ERROR, "the location cannot stand in a header"),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same, given that much later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(crate) async fn give(self) -> Response {
        tokio::time::sleep(self.delay).await;
        let mut response = Response::new(self.body.into_http());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

impl Body {
    fn into_http(self) -> axum::body::Body {
        match self {
            Self::Text(text) => axum::body::Body::from(text),
            Self::Long(length) => letters(length),
            Self::Endless => letters(u64::MAX),
            Self::Stalled(text) => {
                let begin = stream::iter([Ok::<_, Infallible>(Bytes::from(text))]);
                axum::body::Body::from_stream(futures::StreamExt::chain(begin, stream::pending()))
            }
        }
    }
}

fn letters(length: u64) -> axum::body::Body {
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let pieces = stream::unfold(length, move |left| {
        let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let next = (size > 0).then(|| (Ok::<_, Infallible>(piece.slice(..size)), left - size as u64));
        std::future::ready(next)
    });
    axum::body::Body::from_stream(pieces)
}
