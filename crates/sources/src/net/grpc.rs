//! gRPC calls, with one message back or a stream of them, over an HTTP client that is there already: one HTTP/2 request with a
//! frame around the message, and a status in a trailer. A library for all of gRPC would add a second
//! TLS setup and a dozen crates.
//!
//! Two call it, each with a client of its own: the [`HttpClient`](crate::net::http_client::HttpClient) of this
//! crate, past the address policy, and the binary's exporter of traces, whose address is the operator's own.

use std::error::Error;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use reqwest::{Client, StatusCode, Url};

/// Flag and length in front of a message.
const FRAME: usize = 5;

/// Why a call brought no message.
#[derive(Debug)]
pub enum CallError {
    /// The request could not be sent, or the connection was lost before the head of an answer.
    NotSent(reqwest::Error),
    /// The other side speaks HTTP and says that something is wrong.
    Status(StatusCode),
    /// The answer has no status of gRPC: no gRPC server answers there.
    NotGrpc,
    /// The service says why not.
    Refused {
        /// The status, where it is a number.
        code: Option<u16>,
        /// The service's words, of any length and content; may be empty.
        message: String,
    },
    /// The answer broke off.
    BrokeOff,
    /// The answer is longer than what is read.
    TooLong,
    /// The service says that all is well and sends no whole message.
    NoMessage,
}

/// `message` with its frame: what a call sends.
pub fn framed(message: &[u8]) -> Vec<u8> {
    framed_with_flag(0, message)
}

/// A message that is compressed already, with its frame. The call's header `grpc-encoding` describes how.
pub fn framed_compressed(message: &[u8]) -> Vec<u8> {
    framed_with_flag(1, message)
}

fn framed_with_flag(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut body = Vec::with_capacity(FRAME + message.len());
    body.push(flag);
    body.extend(length.to_be_bytes());
    body.extend(message);
    body
}

/// Calls the method at `url` with a message that is [`framed`], and returns the message of the answer,
/// reading `longest` bytes at most. `client` must speak HTTP/2 and follow no redirects; how long it
/// may take is the caller's.
///
/// # Errors
/// Where there is no such message.
pub async fn call(
    client: &Client,
    url: &Url,
    mut headers: HeaderMap,
    framed: Vec<u8>,
    longest: usize,
) -> Result<Vec<u8>, CallError> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let request = client.post(url.clone()).headers(headers).body(framed);
    let response = request.send().await.map_err(CallError::NotSent)?;
    if !response.status().is_success() {
        return Err(CallError::Status(response.status()));
    }
    let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let body = Limited::new(body, longest.saturating_add(FRAME)).collect().await.map_err(unread)?;
    // A call that fails at once has its status in the head.
    check(body.trailers().unwrap_or(&head.headers))?;
    unframed(&body.to_bytes()).ok_or(CallError::NoMessage)
}

/// Opens the stream that the method at `url` answers to a message that is [`framed`], each message of which may have
/// `longest` bytes at most. `client` as for [`call`].
///
/// # Errors
/// Where no stream begins.
pub(crate) async fn open(
    client: &Client,
    url: &Url,
    framed: Vec<u8>,
    longest: usize,
) -> Result<Messages, CallError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let response = client.post(url.clone()).headers(headers).body(framed).send().await;
    let response = response.map_err(CallError::NotSent)?;
    if !response.status().is_success() {
        return Err(CallError::Status(response.status()));
    }
    let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let is_grpc =
        head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if !is_grpc {
        return Err(CallError::NotGrpc);
    }
    // A stream that fails at once has its status in the head.
    if head.headers.contains_key("grpc-status") {
        check(&head.headers)?;
    }
    Ok(Messages { body, buffer: Vec::new(), longest })
}

/// The messages of a stream.
pub(crate) struct Messages {
    body: reqwest::Body,
    /// What has come of the next message.
    buffer: Vec<u8>,
    longest: usize,
}

impl Messages {
    /// The next message, once it is there; `None` where the stream has ended and its server says that all is well.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        loop {
            if let Some(message) = self.complete()? {
                return Ok(Some(message));
            }
            let Some(frame) = self.body.frame().await else { return Err(CallError::BrokeOff) };
            match frame.map_err(|_| CallError::BrokeOff)?.into_data() {
                Ok(data) => self.buffer.extend_from_slice(&data),
                Err(frame) => {
                    check(frame.trailers_ref().ok_or(CallError::NotGrpc)?)?;
                    return if self.buffer.is_empty() { Ok(None) } else { Err(CallError::NoMessage) };
                }
            }
        }
    }

    /// Takes the first message out of what has come, if it is whole.
    fn complete(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        let Some((frame, rest)) = self.buffer.split_at_checked(FRAME) else { return Ok(None) };
        let [flag, length @ ..] = frame else { return Ok(None) };
        let length = length.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
        if length > self.longest {
            return Err(CallError::TooLong);
        }
        if *flag != 0 {
            return Err(CallError::NoMessage);
        }
        let Some(message) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.buffer.drain(..FRAME + length);
        Ok(Some(message))
    }
}

fn unread(error: Box<dyn Error + Send + Sync>) -> CallError {
    if error.is::<LengthLimitError>() { CallError::TooLong } else { CallError::BrokeOff }
}

/// The one message of a body. It is never compressed, as nobody asked for that.
fn unframed(body: &[u8]) -> Option<Vec<u8>> {
    let (frame, message) = body.split_at_checked(FRAME)?;
    let length = u32::from_be_bytes(frame.get(1..)?.try_into().ok()?);
    (frame.first() == Some(&0) && u32::try_from(message.len()) == Ok(length)).then(|| message.to_vec())
}

fn check(headers: &HeaderMap) -> Result<(), CallError> {
    let code = headers.get("grpc-status").ok_or(CallError::NotGrpc)?;
    let code = code.to_str().ok().and_then(|code| code.parse().ok());
    if code == Some(0) {
        return Ok(());
    }
    let message = headers.get("grpc-message").map(HeaderValue::as_bytes).unwrap_or_default();
    let message = String::from_utf8_lossy(message);
    let message = percent_decode_str(&message).decode_utf8_lossy().into_owned();
    Err(CallError::Refused { code, message })
}

/// The name of a status, for example `UNAVAILABLE`.
pub fn code_name(code: u16) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(usize::from(code)).copied().unwrap_or("an unknown status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_holds_one_whole_plain_message() {
        assert_eq!(framed(b"abc"), b"\0\0\0\0\x03abc");
        assert_eq!(unframed(b"\0\0\0\0\x03abc"), Some(b"abc".to_vec()));
        assert_eq!(unframed(b"\0\0\0\0\0"), Some(Vec::new()));
        for wrong in [&b""[..], b"\0\0\0\0", b"\0\0\0\0\x03ab", b"\0\0\0\0\x03abcd", b"\x01\0\0\0\x03abc"] {
            assert_eq!(unframed(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn messages_are_taken_from_a_stream_one_by_one_as_they_are_whole() {
        let body = reqwest::Body::from("");
        let mut messages = Messages { body, buffer: b"\0\0\0\0\x03abc\0\0\0\0".to_vec(), longest: 4 };
        assert_eq!(messages.complete().unwrap(), Some(b"abc".to_vec()));
        assert_eq!(messages.complete().unwrap(), None);
        messages.buffer.extend(b"\0");
        assert_eq!(messages.complete().unwrap(), Some(Vec::new()));
        assert!(messages.buffer.is_empty());
        messages.buffer.extend(b"\0\0\0\0\x05");
        assert!(matches!(messages.complete(), Err(CallError::TooLong)), "before it has come");
        messages.buffer = b"\x01\0\0\0\x01a".to_vec();
        assert!(matches!(messages.complete(), Err(CallError::NoMessage)));
    }

    #[test]
    fn a_status_is_read_with_its_words() {
        let headers = |fields: &[(&'static str, &'static str)]| -> HeaderMap {
            let fields = fields.iter();
            fields.map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
        };
        assert!(check(&headers(&[("grpc-status", "0")])).is_ok());
        assert!(matches!(check(&headers(&[])), Err(CallError::NotGrpc)));
        for (status, words, code, message) in [
            ("14", "not%20yet%0A", Some(14), "not yet\n"),
            ("x", "", None, ""),
            ("3", "100% full", Some(3), "100% full"),
        ] {
            let found = check(&headers(&[("grpc-status", status), ("grpc-message", words)]));
            let Err(CallError::Refused { code: found_code, message: found }) = found else {
                panic!("{found:?}")
            };
            assert_eq!((found_code, found.as_str()), (code, message));
        }
        assert_eq!((code_name(14), code_name(99)), ("UNAVAILABLE", "an unknown status"));
    }
}
