//! The points in Cloud Monitoring's answers: all of one series, and the newest one of them.
//!
//! Points are put together over pages, as a series may go on from one page to the next. More
//! than one series cannot be one number, so it is an absence.

use engine::{Absence, AbsenceReason, Time};
use serde_json::{Map, Value};

use crate::values::fault::type_name;

/// A value and when it was true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) at: Time,
    pub(super) value: f64,
}

/// The newest point of the pages that were seen.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Metric and monitored resource, with their labels.
    series: Option<(Value, Value)>,
    newest: Option<(Time, Value)>,
    may_be_negative: bool,
}

impl Collected {
    /// Nothing yet, of a metric that may be below 0 or not.
    pub(super) fn of(may_be_negative: bool) -> Self {
        Self { may_be_negative, ..Self::default() }
    }

    /// Adds one page of the answer.
    pub(super) fn add(&mut self, page: &Value) -> Result<(), Absence> {
        let Some(page) = page.as_object() else {
            return Err(malformed(format!("the response is {}, not an object", type_name(page))));
        };
        let errors = list(page, "executionErrors")?;
        if let Some(code) = errors.first().map(|error| error["code"].as_i64().unwrap_or_default()) {
            let message =
                format!("the response is incomplete: {} errors, the first with code {code}", errors.len());
            return Err(Absence { reason: AbsenceReason::BadStatus, message });
        }
        for series in list(page, "timeSeries")? {
            let Some(series) = series.as_object() else {
                return Err(malformed("a time series of the response is not an object"));
            };
            let points = list(series, "points")?;
            if !points.is_empty() {
                self.same_series(series)?;
            }
            points.iter().try_for_each(|point| self.point(point))?;
        }
        Ok(())
    }

    /// The newest point, its value or what is wrong with it.
    pub(super) fn newest(&self) -> Option<(Time, Result<f64, Absence>)> {
        self.newest.as_ref().map(|(at, value)| (*at, number(value, self.may_be_negative)))
    }

    fn same_series(&mut self, series: &Map<String, Value>) -> Result<(), Absence> {
        let part = |name| series.get(name).cloned().unwrap_or_default();
        let identity = (part("metric"), part("resource"));
        if *self.series.get_or_insert_with(|| identity.clone()) == identity {
            return Ok(());
        }
        let message = "the response has several time series, not one".into();
        Err(Absence { reason: AbsenceReason::ValueAmbiguous, message })
    }

    fn point(&mut self, point: &Value) -> Result<(), Absence> {
        let end = &point["interval"]["endTime"];
        let at: Time = serde_json::from_value(end.clone())
            .map_err(|_| malformed("a point of the response has no interval.endTime that is a time"))?;
        if self.newest.as_ref().is_none_or(|(newest, _)| at > *newest) {
            self.newest = Some((at, point["value"].clone()));
        }
        Ok(())
    }
}

/// A typed value of the API as a number. Whole numbers of 64 bits come as texts, and so do
/// the floats that JSON has no number for.
fn number(value: &Value, may_be_negative: bool) -> Result<f64, Absence> {
    let kinds = value.as_object().filter(|kinds| kinds.len() == 1);
    let found = kinds.and_then(|kinds| kinds.iter().next());
    let refuse = |reason, message: &str| Err(Absence { reason, message: message.to_owned() });
    let number = match found.map(|(kind, value)| (kind.as_str(), value)) {
        Some(("int64Value", Value::String(text))) => text.parse::<i64>().ok().map(|whole| whole as f64),
        Some(("int64Value", Value::Number(number))) => number.as_i64().map(|whole| whole as f64),
        Some(("doubleValue", Value::String(text))) => match text.as_str() {
            "NaN" | "Infinity" | "-Infinity" => {
                return refuse(AbsenceReason::NotFinite, &format!("the newest point is {text}"));
            }
            text => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        },
        Some(("doubleValue", Value::Number(number))) => number.as_f64(),
        _ => None,
    };
    match number {
        None => refuse(
            AbsenceReason::NotANumber,
            "the newest point has no int64Value or doubleValue that is a number",
        ),
        Some(number) if number < 0.0 && !may_be_negative => refuse(
            AbsenceReason::OutOfRange,
            &format!("the newest point is {number}, and a backlog is never negative"),
        ),
        Some(number) => Ok(number),
    }
}

/// The list called `name`, empty where it is left out.
fn list<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Absence> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(malformed(format!("{name} in the response is {}, not a list", type_name(other)))),
    }
}

fn malformed(message: impl Into<String>) -> Absence {
    Absence { reason: AbsenceReason::Malformed, message: message.into() }
}
