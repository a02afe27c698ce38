//! Why a server reported no number, and whether another server could.
//!
//! Nothing that a server says is repeated but the first word of its errors, and that only if
//! it is one of Redis's own: the rest may hold what the reader of an object must not see.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use engine::{Absence, AbsenceReason};
use redis::{RedisError, ServerError};
use rustls::CertificateError;

use super::bounded::TooMuch;
use super::measure::Measure;
use super::node::Node;
use crate::net::http_client::find;
use crate::values::settings::quoted;

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

/// Codes by which Redis begins its errors. Others are not repeated.
const KNOWN_CODES: &[&str] = &[
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "ERR",
    "EXECABORT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOGROUP",
    "NOPERM",
    "NOPROTO",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "UNBLOCKED",
    "WRONGPASS",
    "WRONGTYPE",
];

/// Whether the server says that the key is not there.
pub(super) fn is_missing_key(error: &ServerError) -> bool {
    error.code() == "ERR" && error.details().is_some_and(|text| text.starts_with("no such key"))
}

/// What the error says that a server gave instead of an answer.
pub(super) fn of_server_error(error: &ServerError, measure: Option<&Measure>) -> Failure {
    let code = error.code();
    let not_now = |why: &str| Failure::server(AbsenceReason::BadStatus, format!("it answered {code}: {why}"));
    match (code, measure) {
        ("WRONGTYPE", Some(measure)) => {
            let (key, kind) = (quoted(measure.key()), measure.kind());
            Failure::data(AbsenceReason::ValueMissing, format!("key {key} is not a {kind}"))
        }
        ("NOAUTH", _) => Failure::server(
            AbsenceReason::Unauthorized,
            "it requires a password: name a secret in passwordFrom",
        ),
        ("WRONGPASS", _) => {
            Failure::server(AbsenceReason::Unauthorized, "it rejects the user or the password")
        }
        ("NOPERM", Some(measure)) => {
            let (command, key) = (measure.command_name(), quoted(measure.key()));
            let message = format!("the user may not run {command}, or not on key {key}");
            Failure::server(AbsenceReason::Unauthorized, message)
        }
        ("NOPERM", None) => {
            Failure::server(AbsenceReason::Unauthorized, "the user may not run what is needed")
        }
        ("DENIED", _) => {
            let message = "it is in protected mode, which accepts only clients of its own machine";
            Failure::server(AbsenceReason::Unauthorized, message)
        }
        ("LOADING", _) => not_now("it is loading its data"),
        ("BUSY", _) => not_now("it is busy with a script"),
        ("MASTERDOWN", _) => not_now("it is a replica that has lost its master"),
        ("CLUSTERDOWN", _) => not_now("its cluster is down"),
        ("TRYAGAIN", _) => not_now("its cluster is moving the key"),
        ("MOVED" | "ASK", _) => Failure::data(
            AbsenceReason::BadStatus,
            format!("it answered {code}, as it is part of a cluster: name it in cluster.addresses"),
        ),
        ("ERR", _) if error.details().is_some_and(|text| text.starts_with("max number of clients")) => {
            Failure::server(AbsenceReason::BadStatus, "it has reached its maximum number of clients")
        }
        ("ERR", Some(measure)) => {
            let message = format!("it returned an error for {}", measure.command_name());
            Failure::server(AbsenceReason::BadStatus, message)
        }
        (code, _) if KNOWN_CODES.contains(&code) => {
            Failure::server(AbsenceReason::BadStatus, format!("it answered {code}"))
        }
        _ => Failure::server(AbsenceReason::BadStatus, "it returned an error"),
    }
}

/// Why a server does not let us in.
pub(super) fn of_auth(error: &ServerError) -> Failure {
    // A server that has no password set answers ERR, and so do those before version 6 to a wrong one.
    if error.code() == "ERR" {
        let message = "it rejects the user or the password, or has none set";
        return Failure::server(AbsenceReason::Unauthorized, message);
    }
    of_server_error(error, None)
}

/// Why a server does not give us its database.
pub(super) fn of_select(error: &ServerError, db: u64) -> Failure {
    if error.code() == "ERR" {
        return Failure::server(AbsenceReason::BadStatus, format!("it has no database {db}"));
    }
    of_server_error(error, None)
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
    use redis::{Value, parse_redis_value};

    use super::*;

    fn reported(text: &str) -> (AbsenceReason, String) {
        let Ok(Value::ServerError(error)) = parse_redis_value(format!("-{text}\r\n").as_bytes()) else {
            panic!("{text} is no error");
        };
        let failure = of_server_error(&error, Some(&Measure::List { key: "jobs".into() }));
        (failure.reason, failure.message)
    }

    #[test]
    fn every_error_is_reported_in_words_of_our_own() {
        use AbsenceReason::{BadStatus, Unauthorized, ValueMissing};
        for (text, reason, words) in [
            ("WRONGTYPE Operation against a hidden", ValueMissing, "key \"jobs\" is not a list"),
            ("NOAUTH hidden", Unauthorized, "requires a password"),
            ("WRONGPASS hidden", Unauthorized, "rejects the user or the password"),
            ("NOPERM hidden", Unauthorized, "may not run LLEN"),
            ("DENIED hidden", Unauthorized, "protected mode"),
            ("LOADING hidden", BadStatus, "it answered LOADING: it is loading its data"),
            ("BUSY hidden", BadStatus, "BUSY: it is busy"),
            ("MASTERDOWN hidden", BadStatus, "MASTERDOWN: it is a replica"),
            ("CLUSTERDOWN hidden", BadStatus, "CLUSTERDOWN: its cluster"),
            ("TRYAGAIN hidden", BadStatus, "TRYAGAIN: its cluster is moving the key"),
            ("MOVED 1 hidden:1", BadStatus, "name it in cluster.addresses"),
            ("ERR max number of clients reached hidden", BadStatus, "maximum number of clients"),
            ("ERR hidden", BadStatus, "it returned an error for LLEN"),
            ("MISCONF hidden", BadStatus, "it answered MISCONF"),
            ("hidden", BadStatus, "it returned an error"),
        ] {
            let (found, message) = reported(text);
            assert_eq!(found, reason, "{text}");
            assert!(message.contains(words) && !message.contains("hidden"), "{message}");
        }
    }

    #[test]
    fn a_shared_cause_is_found() {
        let error = RedisError::from(io::Error::other(TooMuch));
        assert_eq!(of_connection(&error, false).reason, AbsenceReason::TooLarge);
        let closed = RedisError::from(io::Error::from(ErrorKind::UnexpectedEof));
        assert!(of_connection(&closed, false).message.contains("rediss://"));
        assert_eq!(of_connection(&closed, true).message, "the server closed the connection");
    }
}
