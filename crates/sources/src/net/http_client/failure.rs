//! Turns a client library's errors into a reason and words for people.
//!
//! The library's own texts hold the whole address, query and all, and bury the cause
//! three layers down. Here the cause is looked up by type; nothing of the request or
//! of the answer is printed.

use std::error::Error;
use std::io::{self, ErrorKind};

use engine::{AbsenceReason, one_line};
use rustls::{AlertDescription, CertificateError};

use crate::net::dial::Unreached;
use crate::net::grpc::{CallError, code_name};
use crate::net::tls::Roots;

/// The longest words of a gRPC service that are shown, in characters.
const LONGEST_WORDS: usize = 200;

/// What happened, without the address.
pub(super) fn explain(error: &reqwest::Error, roots: Roots) -> (AbsenceReason, String) {
    let unreached = find::<Unreached>(error);
    if let Some(refused @ Unreached::Refused(_)) = unreached {
        return (AbsenceReason::AddressRefused, refused.to_string());
    }
    if error.is_timeout() {
        return (AbsenceReason::Timeout, "it did not accept the connection in time".into());
    }
    let what = if let Some(unreached) = unreached {
        unreached.to_string()
    } else if let Some(tls) = find::<rustls::Error>(error) {
        format!("TLS: {}", explain_tls(tls, roots))
    } else if let Some(io) = find::<io::Error>(error) {
        explain_io(io)
    } else if error.is_connect() {
        format!("cannot connect: {}", root_cause(error))
    } else {
        format!("the connection was lost: {}", root_cause(error))
    };
    (AbsenceReason::ConnectionFailed, what)
}

/// Whether the connection ended after the request was on its way and before an answer came, as one does that the
/// server closes in the moment in which it is used again.
pub(super) fn is_lost(error: &reqwest::Error) -> bool {
    if error.is_connect() || error.is_timeout() || error.is_builder() {
        return false;
    }
    find::<hyper::Error>(error).is_some_and(|error| !error.is_parse() && !error.is_user())
}

/// What a gRPC call came to whose request was sent, without the address.
pub(super) fn explain_call(error: &CallError, longest: usize) -> (AbsenceReason, String) {
    match error {
        CallError::NotSent(error) => explain(error, Roots::System),
        CallError::Status(status) => {
            let what = format!("it answered with status {}; is it the port for gRPC?", status.as_u16());
            (AbsenceReason::BadStatus, what)
        }
        CallError::NotGrpc => {
            (AbsenceReason::Malformed, "it does not answer as a gRPC server; is it the port for gRPC?".into())
        }
        CallError::Refused { code, message } => {
            let reason = match code {
                Some(4) => AbsenceReason::Timeout,
                Some(7 | 16) => AbsenceReason::Unauthorized,
                _ => AbsenceReason::BadStatus,
            };
            let name = code.map_or("a status that is not a number", code_name);
            let words = one_line(message, LONGEST_WORDS);
            let reported = if words.is_empty() { String::new() } else { format!(": {words}") };
            (reason, format!("it answered {name}{reported}"))
        }
        CallError::BrokeOff => (
            AbsenceReason::ConnectionFailed,
            "the connection was closed before the response was complete".into(),
        ),
        CallError::TooLong => {
            (AbsenceReason::TooLarge, format!("the response is larger than {} KiB", longest / 1024))
        }
        CallError::NoMessage => (AbsenceReason::Malformed, "its response has no complete message".into()),
    }
}

fn explain_tls(error: &rustls::Error, roots: Roots) -> String {
    let certificate = match error {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            return "the server requires a client certificate".into();
        }
        rustls::Error::AlertReceived(AlertDescription::BadCertificate | AlertDescription::UnknownCA) => {
            return "the server requires a client certificate that it trusts".into();
        }
        other => return other.to_string(),
    };
    match certificate {
        CertificateError::UnknownIssuer if roots == Roots::Given => {
            "certificate not trusted: it is not signed by the given authority".into()
        }
        CertificateError::UnknownIssuer if roots == Roots::None => {
            "certificate not trusted: this system has no certificate authorities; set SSL_CERT_FILE".into()
        }
        CertificateError::UnknownIssuer => {
            "certificate not trusted; name a private authority in SSL_CERT_FILE".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired".into(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate is for another name".into()
        }
        other => format!("certificate not valid: {other}"),
    }
}

fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".into(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "connection reset".into()
        }
        ErrorKind::UnexpectedEof => "the connection was closed before the response was complete".into(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "host unreachable".into(),
        other => format!("connection failed: {other}"),
    }
}

/// The last error of the chain, which names the cause and never the address.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = match error.source() {
        Some(source) => source,
        None => return "unknown error".into(),
    };
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The first error of type `E` in the chain. I/O errors hide theirs from `source`.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let hidden = hidden.and_then(|inner| find(inner as &(dyn Error + 'static)));
    hidden.or_else(|| error.source().and_then(find))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_refused_in_plain_words() {
        for (error, roots, words) in [
            (CertificateError::UnknownIssuer, Roots::System, "private authority"),
            (CertificateError::UnknownIssuer, Roots::None, "no certificate authorities"),
            (CertificateError::UnknownIssuer, Roots::Given, "the given authority"),
            (CertificateError::Expired, Roots::System, "expired"),
            (CertificateError::NotValidForName, Roots::System, "another name"),
            (CertificateError::Revoked, Roots::System, "not valid"),
        ] {
            let reported = explain_tls(&rustls::Error::InvalidCertificate(error), roots);
            assert!(reported.starts_with("certificate ") && reported.contains(words), "{reported}");
        }
    }

    #[test]
    fn an_error_is_found_within_an_io_error() {
        let inner = io::Error::other(Unreached::Unresolved);
        let outer = io::Error::new(ErrorKind::ConnectionRefused, inner);
        assert!(find::<Unreached>(&outer).is_some());
        assert!(find::<rustls::Error>(&outer).is_none());
    }
}
