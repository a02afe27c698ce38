//! Turns a client library's errors into a reason and words for people.
//!
//! The library's own texts hold the whole address, query and all, and bury the cause
//! three layers down. Here the cause is looked up by type; nothing of the request or
//! of the answer is printed.

use std::error::Error;
use std::io::{self, ErrorKind};

use engine::AbsenceReason;
use rustls::CertificateError;

use super::resolver::Unresolved;
use crate::address::Refused;

/// What happened, without the address. `has_roots`: whether the system trusts anybody.
pub(super) fn explain(error: &reqwest::Error, has_roots: bool) -> (AbsenceReason, String) {
    if let Some(refused) = find::<Refused>(error) {
        return (AbsenceReason::AddressRefused, refused.to_string());
    }
    if error.is_timeout() {
        return (AbsenceReason::Timeout, "it accepted no connection in time".into());
    }
    let what = if let Some(unresolved) = find::<Unresolved>(error) {
        unresolved.to_string()
    } else if let Some(tls) = find::<rustls::Error>(error) {
        format!("TLS: {}", explain_tls(tls, has_roots))
    } else if let Some(io) = find::<io::Error>(error) {
        explain_io(io)
    } else if error.is_connect() {
        format!("cannot connect: {}", root_cause(error))
    } else {
        format!("the connection broke: {}", root_cause(error))
    };
    (AbsenceReason::ConnectionFailed, what)
}

fn explain_tls(error: &rustls::Error, has_roots: bool) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else { return error.to_string() };
    match certificate {
        CertificateError::UnknownIssuer if !has_roots => {
            "certificate not trusted, as this system has no certificate authorities; set SSL_CERT_FILE".into()
        }
        CertificateError::UnknownIssuer => {
            "certificate not trusted; a private authority is trusted through SSL_CERT_FILE".into()
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
        ErrorKind::UnexpectedEof => "the connection was closed in mid-answer".into(),
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
        for (error, has_roots, words) in [
            (CertificateError::UnknownIssuer, true, "private authority"),
            (CertificateError::UnknownIssuer, false, "no certificate authorities"),
            (CertificateError::Expired, true, "expired"),
            (CertificateError::NotValidForName, true, "another name"),
            (CertificateError::Revoked, true, "not valid"),
        ] {
            let told = explain_tls(&rustls::Error::InvalidCertificate(error), has_roots);
            assert!(told.starts_with("certificate ") && told.contains(words), "{told}");
        }
    }

    #[test]
    fn an_error_is_found_within_an_io_error() {
        let inner = io::Error::other(Unresolved);
        let outer = io::Error::new(ErrorKind::ConnectionRefused, inner);
        assert!(find::<Unresolved>(&outer).is_some());
        assert!(find::<Refused>(&outer).is_none());
    }
}
