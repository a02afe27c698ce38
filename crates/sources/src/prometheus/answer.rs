//! What a server answers, and the one number in it.

use engine::{Absence, AbsenceReason, Time};
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::http_client::Body;
use crate::json_number::not_json;

/// What several series come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Max,
    Avg,
    /// There may be just one.
    Only,
}

impl Aggregate {
    /// The names that users write; the first is the default.
    pub(super) const NAMES: [(&str, Self); 4] =
        [("sum", Self::Sum), ("max", Self::Max), ("avg", Self::Avg), ("only", Self::Only)];
}

/// A number, and when it was true; `None` where the server does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) at: Option<Time>,
}

/// The frame of every answer. What is not named here does not matter.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Sample>),
    Scalar(Point),
    Matrix(IgnoredAny),
    String(IgnoredAny),
}

#[derive(Deserialize)]
struct Sample {
    value: Option<Point>,
}

/// Seconds since 1970, and the number as a text.
type Point = (f64, String);

/// The number that an answer comes to, or why there is none. Messages may hold what the server says.
pub(super) fn number(status: StatusCode, body: &Body, aggregate: Aggregate) -> Result<Number, Absence> {
    let frame: Result<Frame, _> = serde_json::from_slice(&body.bytes);
    if !status.is_success() {
        let said = frame.ok().filter(|frame| frame.status == "error").map(|frame| said(&frame));
        let what = format!("it answered with status {}{}", status.as_u16(), said.unwrap_or_default());
        return Err(absent(AbsenceReason::BadStatus, what));
    }
    let frame = frame.map_err(|error| not_ours(body, &error))?;
    if frame.status != "success" {
        return Err(absent(AbsenceReason::BadStatus, format!("it reports a failure{}", said(&frame))));
    }
    if let Some(warning) = frame.warnings.iter().flatten().find(|warning| concerns_data(warning)) {
        let what = format!("the answer may lack something, as it has the warning: {}", short(warning));
        return Err(absent(AbsenceReason::Partial, what));
    }
    match frame.data {
        Some(Data::Vector(samples)) => aggregated(&samples, aggregate),
        Some(Data::Scalar(point)) => parsed(&point),
        Some(Data::Matrix(_)) => Err(absent(
            AbsenceReason::NotANumber,
            "the query gives values over a time, not one number; use a function over that time, such as rate()",
        )),
        Some(Data::String(_)) => {
            Err(absent(AbsenceReason::NotANumber, "the query gives a text, not a number"))
        }
        None => Err(absent(AbsenceReason::Malformed, "the answer has no data")),
    }
}

/// Whether a warning is about what the answer holds, and not only about how the query is written.
/// Servers give both in one list.
fn concerns_data(warning: &str) -> bool {
    !warning.starts_with("PromQL info:")
}

fn aggregated(samples: &[Sample], aggregate: Aggregate) -> Result<Number, Absence> {
    if samples.is_empty() {
        let what = "the query gives no series; if that means none, add `or vector(0)` to it";
        return Err(absent(AbsenceReason::ValueMissing, what));
    }
    if aggregate == Aggregate::Only && samples.len() > 1 {
        let what = format!(
            "the query gives {} series, not one; aggregate them in the query or by the setting aggregate",
            samples.len()
        );
        return Err(absent(AbsenceReason::ValueAmbiguous, what));
    }
    let mut at = None;
    let (mut sum, mut max) = (0.0, f64::NEG_INFINITY);
    for sample in samples {
        let histogram = || absent(AbsenceReason::NotANumber, "the query gives histograms, not numbers");
        let number = parsed(sample.value.as_ref().ok_or_else(histogram)?)?;
        if !number.value.is_finite() {
            let what = match samples.len() {
                1 => format!("the query gives {}", number.value),
                several => format!("one of {several} series of the query is {}", number.value),
            };
            return Err(absent(AbsenceReason::NotFinite, what));
        }
        sum += number.value;
        max = f64::max(max, number.value);
        at = at.into_iter().chain(number.at).min();
    }
    let value = match aggregate {
        Aggregate::Sum | Aggregate::Only => sum,
        Aggregate::Max => max,
        Aggregate::Avg => sum / samples.len() as f64,
    };
    Ok(Number { value, at })
}

fn parsed((seconds, text): &Point) -> Result<Number, Absence> {
    let value = text.parse().map_err(|_| {
        absent(AbsenceReason::NotANumber, format!("the query gives {}, which is no number", short(text)))
    })?;
    // A time before 1970 or after the year 9999 is none.
    let is_time = (0.0..253_402_300_800.0).contains(seconds);
    let at = is_time.then(|| Time::from_millis((seconds * 1000.0) as i64));
    Ok(Number { value, at })
}

fn not_ours(body: &Body, error: &serde_json::Error) -> Absence {
    if error.is_data() {
        let what = format!("the answer is not that of Prometheus' HTTP API: {}", short(&error.to_string()));
        return absent(AbsenceReason::Malformed, what);
    }
    not_json(body, error)
}

/// What the server says of its failure, with a colon before.
fn said(frame: &Frame) -> String {
    let parts = [&frame.error_type, &frame.error].into_iter().filter(|part| !part.is_empty());
    parts.map(|part| format!(": {}", short(part))).collect()
}

/// Longest text of a server that is told, in characters.
const MAX_TOLD: usize = 200;

/// One line of a server's text.
fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().filter(|letter| !letter.is_control()).collect();
    if line.chars().count() <= MAX_TOLD {
        return line;
    }
    line.chars().take(MAX_TOLD).chain(['…']).collect()
}

fn absent(reason: AbsenceReason, message: impl Into<String>) -> Absence {
    Absence { reason, message: message.into() }
}

#[cfg(test)]
mod tests;
