//! Why a reading failed, and whether another server could give it; and why a connection cannot be made or broke.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use engine::{Absence, AbsenceReason};
use redis::RedisError;
use rustls::CertificateError;

use super::bounded::TooMuch;
use super::node::Node;
use crate::net::http_client::find;

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: AbsenceReason,
    pub(super) message: String,
    pub(super) scope: Scope,
}

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// This is what the data says, whoever is asked.
    Data,
    /// The server cannot report at the moment; another one of the same data may.
    Server,
    /// The connection is of no more use.
    Connection,
}

impl Failure {
    /// What the data says.
    pub(super) fn data(reason: AbsenceReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), scope: Scope::Data }
    }

    /// What one server cannot do.
    pub(super) fn server(reason: AbsenceReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), scope: Scope::Server }
    }

    /// What is wrong with a connection, or with making one.
    pub(super) fn connection(reason: AbsenceReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), scope: Scope::Connection }
    }

    /// The same with the address of the server before it.
    pub(super) fn at(mut self, node: &Node) -> Self {
        self.message = format!("{node}: {}", self.message);
        self
    }
}

impl From<Failure> for Absence {
    fn from(failure: Failure) -> Self {
        Self { reason: failure.reason, message: failure.message }
    }
}

/// What broke on a connection, with TLS or not, while a command waited for its answer.
pub(super) fn of_connection(error: &RedisError, tls: bool) -> Failure {
    if error.kind() == redis::ErrorKind::Parse {
        let message = "the server does not speak the Redis protocol";
        return Failure::connection(AbsenceReason::Malformed, message);
    }
    let cause = cause(error);
    if let Some(too_much) = find::<TooMuch>(cause) {
        return Failure::connection(AbsenceReason::TooLarge, too_much.to_string());
    }
    let what = match find::<io::Error>(cause) {
        _ if find::<rustls::Error>(cause).is_some() => of_tls(cause, true),
        // A port that speaks TLS hangs up on those who do not.
        Some(io) if !tls && closed(io) => format!("{}; does its port require TLS (rediss://)?", of_io(io)),
        Some(io) => of_io(io),
        None => "the connection was lost".to_owned(),
    };
    Failure::connection(AbsenceReason::ConnectionFailed, what)
}

/// What the client library wraps. It shares its causes, and a shared one passes itself over
/// when it is asked for its source.
fn cause(error: &RedisError) -> &(dyn Error + 'static) {
    match error.source() {
        Some(source) => match source.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
            Some(shared) => shared.as_ref(),
            None => source,
        },
        None => error,
    }
}

fn closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// Why no connection could be made, where TLS is not to blame.
pub(super) fn of_io(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".into(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => "connection reset".into(),
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => "the server closed the connection".into(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "host unreachable".into(),
        ErrorKind::TimedOut => "no connection in time".into(),
        other => format!("connection failed: {other}"),
    }
}

/// Why TLS failed. `trusts_system`: whether the system's authorities are believed rather than those of `caFrom`.
pub(super) fn of_tls(error: &(dyn Error + 'static), trusts_system: bool) -> String {
    let Some(tls) = find::<rustls::Error>(error) else {
        let what = find::<io::Error>(error).map_or_else(|| "it failed".to_owned(), of_io);
        return format!("TLS: {what}; is it a port without TLS?");
    };
    let what = match tls {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) if trusts_system => {
            "certificate not trusted; set its authority's certificate in tls.caFrom".into()
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "certificate not signed by the authority of tls.caFrom".into()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "certificate expired".into(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "certificate is for another name; set that in tls.serverName".into(),
        rustls::Error::InvalidCertificate(other) => format!("certificate not valid: {other}"),
        rustls::Error::AlertReceived(alert) => {
            format!("the server refused with the alert {alert:?}; does it require a client certificate?")
        }
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS; is it a port without TLS?".into(),
        other => other.to_string(),
    };
    format!("TLS: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_cause_is_found() {
        let error = RedisError::from(io::Error::other(TooMuch));
        assert_eq!(of_connection(&error, false).reason, AbsenceReason::TooLarge);
        let closed = RedisError::from(io::Error::from(ErrorKind::UnexpectedEof));
        assert!(of_connection(&closed, false).message.contains("rediss://"));
        assert_eq!(of_connection(&closed, true).message, "the server closed the connection");
    }
}
