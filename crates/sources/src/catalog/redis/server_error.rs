//! What a server means by an error that it answers.
//!
//! Nothing that a server says is repeated but the first word of its errors, and that only if
//! it is one of Redis's own: the rest may hold what the reader of an object must not see.

use engine::AbsenceReason;
use redis::ServerError;

use super::failure::Failure;
use super::measure::Measure;
use crate::values::fault::quoted;

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

/// What a server means by an error of the general code `ERR`, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
enum General {
    NoSuchKey,
    TooManyClients,
    Other,
}

impl General {
    /// Redis's protocol has no codes for these, so this is the one place where a text is read. They are worded so by
    /// Redis and its forks; a server that words them otherwise costs a reading its more helpful message, or the 0 of
    /// a stream that is not there yet.
    fn of(error: &ServerError) -> Self {
        let text = error.details().filter(|_| error.code() == "ERR").unwrap_or_default();
        if text.starts_with("no such key") {
            Self::NoSuchKey
        } else if text.starts_with("max number of clients") {
            Self::TooManyClients
        } else {
            Self::Other
        }
    }
}

/// Whether the server says that the key is not there.
pub(super) fn is_missing_key(error: &ServerError) -> bool {
    General::of(error) == General::NoSuchKey
}

/// What the error says that a server gave instead of an answer.
pub(super) fn failure(error: &ServerError, measure: Option<&Measure>) -> Failure {
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
        ("ERR", _) if General::of(error) == General::TooManyClients => {
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
pub(super) fn at_login(error: &ServerError) -> Failure {
    // A server that has no password set answers ERR, and so do those before version 6 to a wrong one.
    if error.code() == "ERR" {
        let message = "it rejects the user or the password, or has none set";
        return Failure::server(AbsenceReason::Unauthorized, message);
    }
    failure(error, None)
}

/// Why a server does not give us its database.
pub(super) fn at_select(error: &ServerError, db: u64) -> Failure {
    if error.code() == "ERR" {
        return Failure::server(AbsenceReason::BadStatus, format!("it has no database {db}"));
    }
    failure(error, None)
}

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::*;

    fn reported(text: &str) -> (AbsenceReason, String) {
        let Ok(Value::ServerError(error)) = parse_redis_value(format!("-{text}\r\n").as_bytes()) else {
            panic!("{text} is no error");
        };
        let failure = failure(&error, Some(&Measure::List { key: "jobs".into() }));
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
}
