//! What a server answers, and the one number in it.

use engine::{Absence, AbsenceReason, Time};
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::access::Hidden;
use crate::net::http_client::Body;
use crate::net::json_number::not_json;
use crate::source::Past;

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
    /// How VictoriaMetrics says, without a warning, that some of its storage did not answer.
    #[serde(default)]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Sample>),
    Scalar(Point),
    Matrix(Vec<Row>),
    String(IgnoredAny),
}

/// One series over a time.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    values: Vec<Point>,
}

#[derive(Deserialize)]
struct Sample {
    value: Option<Point>,
}

/// Seconds since 1970, and the number as a text.
type Point = (f64, String);

/// The number that an answer comes to, or why there is none. Messages may hold what the server
/// says, without what is `hidden`. With `empty_as_zero`, nothing and what is not finite count as 0.
pub(super) fn number(
    status: StatusCode,
    body: &Body,
    aggregate: Aggregate,
    empty_as_zero: bool,
    hidden: &Hidden,
) -> Result<Number, Absence> {
    let frame = whole(status, body, hidden)?;
    match frame.data {
        Some(Data::Vector(samples)) if samples.is_empty() && empty_as_zero => {
            Ok(Number { value: 0.0, at: None })
        }
        Some(Data::Vector(samples)) => aggregated(&samples, aggregate, empty_as_zero, hidden),
        Some(Data::Scalar(point)) => finite_or_zero(&point, 1, empty_as_zero, hidden),
        Some(Data::Matrix(_)) => Err(absent(
            AbsenceReason::NotANumber,
            "the query returns values over time, not one number; use a function over that time, such as \
             rate()",
        )),
        Some(Data::String(_)) => {
            Err(absent(AbsenceReason::NotANumber, "the query returns a string, not a number"))
        }
        None => Err(absent(AbsenceReason::Malformed, "the response has no data")),
    }
}

/// The values of the only series of an answer over a time. What is no finite number is left out.
pub(super) fn past(status: StatusCode, body: &Body, hidden: &Hidden) -> Result<Past, Absence> {
    let frame = whole(status, body, hidden)?;
    let Some(Data::Matrix(rows)) = frame.data else {
        return Err(absent(AbsenceReason::Malformed, "the response has no values over time"));
    };
    let [row] = rows.as_slice() else {
        let what = format!("the query returns {} series over time, not one", rows.len());
        return Err(absent(AbsenceReason::ValueAmbiguous, what));
    };
    let known = row.values.iter().filter_map(|point| finite(point, 1, hidden).ok());
    Ok(known.filter_map(|number| Some((number.at?, number.value))).collect())
}

/// The frame of an answer that says that it is whole.
fn whole(status: StatusCode, body: &Body, hidden: &Hidden) -> Result<Frame, Absence> {
    let frame: Result<Frame, _> = serde_json::from_slice(&body.text());
    if !status.is_success() {
        let said = frame.ok().filter(|frame| frame.status == "error").map(|frame| said(&frame, hidden));
        let what = format!("it answered with status {}{}", status.as_u16(), said.unwrap_or_default());
        return Err(absent(AbsenceReason::BadStatus, what));
    }
    let frame = frame.map_err(|error| not_ours(body, &error, hidden))?;
    if frame.status != "success" {
        let what = format!("it reports a failure{}", said(&frame, hidden));
        return Err(absent(AbsenceReason::BadStatus, what));
    }
    if let Some(warning) = frame.warnings.iter().flatten().find(|warning| concerns_data(warning)) {
        let what =
            format!("the response may be incomplete, as it has the warning: {}", short(warning, hidden));
        return Err(absent(AbsenceReason::Partial, what));
    }
    if frame.is_partial == Some(true) {
        let what = "the response may be incomplete, as the server reports isPartial";
        return Err(absent(AbsenceReason::Partial, what));
    }
    Ok(frame)
}

/// Whether a warning is about what the answer holds, and not only about how the query is written.
/// Servers give both in one list.
fn concerns_data(warning: &str) -> bool {
    !warning.starts_with("PromQL info:")
}

fn aggregated(
    samples: &[Sample],
    aggregate: Aggregate,
    empty_as_zero: bool,
    hidden: &Hidden,
) -> Result<Number, Absence> {
    if samples.is_empty() {
        let what = "the query returns no series; if that means 0, add `or vector(0)` to it";
        return Err(absent(AbsenceReason::ValueMissing, what));
    }
    if aggregate == Aggregate::Only && samples.len() > 1 {
        let what = format!(
            "the query returns {} series, not one; aggregate them in the query or with the setting aggregate",
            samples.len()
        );
        return Err(absent(AbsenceReason::ValueAmbiguous, what));
    }
    let mut at = None;
    let (mut sum, mut max) = (0.0, f64::NEG_INFINITY);
    for sample in samples {
        let histogram = || absent(AbsenceReason::NotANumber, "the query returns histograms, not numbers");
        let point = sample.value.as_ref().ok_or_else(histogram)?;
        let number = finite_or_zero(point, samples.len(), empty_as_zero, hidden)?;
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

/// The number of one of `count` series; 0 where it is not finite and `empty_as_zero`.
fn finite_or_zero(
    point: &Point,
    count: usize,
    empty_as_zero: bool,
    hidden: &Hidden,
) -> Result<Number, Absence> {
    match finite(point, count, hidden) {
        Err(absence) if empty_as_zero && absence.reason == AbsenceReason::NotFinite => {
            finite(&(point.0, "0".to_owned()), count, hidden)
        }
        other => other,
    }
}

/// The number of one of `count` series.
fn finite((seconds, text): &Point, count: usize, hidden: &Hidden) -> Result<Number, Absence> {
    let value: f64 = text.trim().parse().map_err(|_| {
        let what = format!("the query returns {}, which is not a number", short(text, hidden));
        absent(AbsenceReason::NotANumber, what)
    })?;
    if !value.is_finite() {
        let what = match count {
            1 => format!("the query returns {value}"),
            several => format!("one of {several} series of the query is {value}"),
        };
        return Err(absent(AbsenceReason::NotFinite, what));
    }
    // A time before 1970 or after the year 9999 is none.
    let is_time = (0.0..253_402_300_800.0).contains(seconds);
    let at = is_time.then(|| Time::from_millis((seconds * 1000.0) as i64));
    Ok(Number { value, at })
}

fn not_ours(body: &Body, error: &serde_json::Error, hidden: &Hidden) -> Absence {
    if error.is_data() {
        let what = format!(
            "the response is not that of Prometheus' HTTP API: {}",
            short(&error.to_string(), hidden)
        );
        return absent(AbsenceReason::Malformed, what);
    }
    not_json(body, error)
}

/// What the server says of its failure, with a colon before.
fn said(frame: &Frame, hidden: &Hidden) -> String {
    let parts = [&frame.error_type, &frame.error].into_iter().filter(|part| !part.is_empty());
    parts.map(|part| format!(": {}", short(part, hidden))).collect()
}

/// Longest text of a server that is reported, in characters.
const MAX_TOLD: usize = 200;

/// One line of a server's text. Secrets are cut out first: cut off, the rest would not be known as one.
fn short(text: &str, hidden: &Hidden) -> String {
    let text = hidden.cut_out(text);
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
