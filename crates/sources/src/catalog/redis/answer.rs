//! The number in what a server answers.

use engine::AbsenceReason;
use redis::Value;

use super::failure::Failure;
use super::measure::{GroupMeasure, Kind, MAX_NUMBER, Measure, Seen};
use super::server_error;
use crate::values::fault::quoted;
use crate::values::text;

/// The number that the replies to the commands of `measure` hold.
pub(super) fn number(measure: &Measure, replies: &[Value]) -> Result<f64, Failure> {
    let (reply, others) = replies.split_first().ok_or_else(unexpected)?;
    match (reply, measure) {
        (Value::ServerError(error), Measure::Group { must_exist: false, .. })
            if server_error::is_missing_key(error) =>
        {
            Ok(0.0)
        }
        (Value::ServerError(error), Measure::Group { key, group, .. })
            if server_error::is_missing_key(error) =>
        {
            Err(no_group(key, group))
        }
        (Value::ServerError(error), _) => Err(server_error::failure(error, Some(measure))),
        (reply, Measure::Number { key }) => text_number(key, reply),
        (reply, Measure::Group { key, group, what, must_exist }) => {
            let length = others.first().and_then(|length| count(length).ok());
            group_number(key, group, *what, *must_exist, reply, length)
        }
        (reply, Measure::Collection { key, seen }) => members(measure, key, seen, reply, others.first()),
        (reply, _) => count(reply),
    }
}

/// A count. Exact up to 9 * 10^15, which no collection in memory reaches.
fn count(reply: &Value) -> Result<f64, Failure> {
    match reply {
        Value::Int(count) if *count >= 0 => Ok(*count as f64),
        Value::Int(_) => {
            Err(Failure::data(AbsenceReason::OutOfRange, "the server returned a negative count"))
        }
        _ => Err(unexpected()),
    }
}

/// `kind` is the reply to `TYPE`, `number` that to the command for the kind which was seen last.
fn members(
    measure: &Measure,
    key: &str,
    seen: &Seen,
    kind: &Value,
    number: Option<&Value>,
) -> Result<f64, Failure> {
    let name = bytes_of(kind).ok_or_else(unexpected)?;
    if name == b"none" {
        return Ok(0.0);
    }
    let Some(kind) = Kind::named(name) else {
        let message = format!("key {} is not a {}", quoted(key), measure.kind());
        return Err(Failure::data(AbsenceReason::ValueMissing, message));
    };
    if kind != seen.kind() {
        seen.note(kind);
        let message = format!("key {} has changed its type", quoted(key));
        return Err(Failure::data(AbsenceReason::ValueMissing, message));
    }
    match number.ok_or_else(unexpected)? {
        Value::ServerError(error) => Err(server_error::failure(error, Some(measure))),
        number => count(number),
    }
}

fn text_number(key: &str, reply: &Value) -> Result<f64, Failure> {
    let bytes = match reply {
        Value::Nil => &[],
        reply => bytes_of(reply).ok_or_else(unexpected)?,
    };
    let key = quoted(key);
    if bytes.is_empty() {
        let message = format!("key {key} does not exist or is empty");
        return Err(Failure::data(AbsenceReason::ValueMissing, message));
    }
    // What is cut off could look like a number, too.
    let whole = bytes.len() <= MAX_NUMBER;
    let decoded = text::decoded(bytes, None);
    let text = std::str::from_utf8(&decoded).ok().filter(|_| whole);
    let number = text.and_then(|text| text.parse::<f64>().ok());
    match number {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => {
            let message = format!("the number in key {key} is not finite");
            Err(Failure::data(AbsenceReason::NotFinite, message))
        }
        None => {
            let message = format!("the value of key {key} is not a number");
            Err(Failure::data(AbsenceReason::NotANumber, message))
        }
    }
}

/// `length` is that of the stream, where the server reports.
fn group_number(
    key: &str,
    group: &str,
    what: GroupMeasure,
    must_exist: bool,
    reply: &Value,
    length: Option<f64>,
) -> Result<f64, Failure> {
    let Value::Array(groups) = reply else { return Err(unexpected()) };
    let named = |info: &&Value| field(info, "name").and_then(bytes_of) == Some(group.as_bytes());
    let Some(info) = groups.iter().find(named) else {
        if must_exist {
            return Err(no_group(key, group));
        }
        // Consumers make their group when they start: until one does, all entries wait for it.
        return length.ok_or_else(|| {
            let message = format!(
                "stream {} has no consumer group {}, and the server does not report its length",
                quoted(key),
                quoted(group)
            );
            Failure::data(AbsenceReason::ValueMissing, message)
        });
    };
    let pending = || count(field(info, "pending").ok_or_else(unexpected)?);
    let lag = || match field(info, "lag") {
        // Of entries that were deleted nobody waits for any.
        Some(Value::Nil) if length == Some(0.0) => Ok(0.0),
        Some(Value::Nil) => {
            let message = format!(
                "Redis does not know the lag of consumer group {}: entries before its position were deleted, \
                 or the position was set by hand; it is known again once the group has read to the end",
                quoted(group)
            );
            Err(Failure::data(AbsenceReason::ValueMissing, message))
        }
        // It counts entries that were trimmed away before anybody read them.
        Some(lag) => Ok(count(lag)?.min(length.unwrap_or(f64::INFINITY))),
        None => {
            let message =
                "the server does not report the lag of consumer groups, which requires Redis 7 or newer";
            Err(Failure::data(AbsenceReason::ValueMissing, message))
        }
    };
    match what {
        GroupMeasure::Pending => pending(),
        GroupMeasure::Lag => lag(),
        GroupMeasure::Backlog => Ok(pending()? + lag()?),
    }
}

fn no_group(key: &str, group: &str) -> Failure {
    let message = format!("stream {} has no consumer group {}", quoted(key), quoted(group));
    Failure::data(AbsenceReason::ValueMissing, message)
}

/// The value of a field in a reply that lists names and values in turn.
fn field<'a>(info: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Array(items) = info else { return None };
    let (pairs, _) = items.as_chunks::<2>();
    let found = pairs.iter().find(|[field, _]| bytes_of(field) == Some(name.as_bytes()));
    found.map(|[_, value]| value)
}

/// What a reply says in words. Redis has two ways to send them, and what speaks its protocol may take the other one.
pub(super) fn bytes_of(reply: &Value) -> Option<&[u8]> {
    match reply {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

fn unexpected() -> Failure {
    Failure::data(AbsenceReason::Malformed, "the response is not what Redis returns for this command")
}

#[cfg(test)]
mod tests;
