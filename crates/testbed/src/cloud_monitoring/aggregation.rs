//! Aggregation: each series is aligned to periods that end with the interval, then all become one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::points::{Point, SeriesName};

/// What a request asks for: the difference over each period, and how that of several series is reduced.
#[derive(Debug, PartialEq)]
pub(super) struct Aggregation {
    period: SignedDuration,
    reducer: String,
}

impl Aggregation {
    /// Reads the parameters; `None` where there are none.
    pub(super) fn parse(parameters: &[(String, String)]) -> Result<Option<Self>, String> {
        if parameters.is_empty() {
            return Ok(None);
        }
        let find = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known == &format!("aggregation.{name}"));
            found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("aggregation.{name} is missing"))
        };
        let seconds = find("alignmentPeriod")?.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
        let seconds: i64 =
            seconds.filter(|seconds| *seconds >= 60).ok_or("an alignmentPeriod is at least 60s")?;
        if find("perSeriesAligner")? != "ALIGN_DELTA" {
            return Err("this server has no other perSeriesAligner than ALIGN_DELTA".into());
        }
        let reducer = find("crossSeriesReducer")?.to_owned();
        if parameters.len() != 3 || reduced(&reducer, &[1.0]).is_none() {
            return Err(format!("{parameters:?} are no parameters that this server has"));
        }
        Ok(Some(Self { period: SignedDuration::from_secs(seconds), reducer }))
    }

    /// The answer for these points.
    pub(super) fn of(&self, points: &[(&SeriesName, &Point)], end: Timestamp) -> Value {
        let mut periods: BTreeMap<i64, BTreeMap<&SeriesName, f64>> = BTreeMap::new();
        for (name, point) in points {
            let age = end.duration_since(point.end).as_millis();
            let period = (age / self.period.as_millis()) as i64;
            *periods.entry(period).or_default().entry(name).or_default() += point.number();
        }
        let points = periods.iter().map(|(period, series)| {
            let end = end - self.period * i32::try_from(*period).unwrap_or(i32::MAX);
            let numbers: Vec<f64> = series.values().copied().collect();
            let value = reduced(&self.reducer, &numbers).unwrap_or(f64::NAN);
            json!({ "interval": { "startTime": end - self.period, "endTime": end }, "value": { "doubleValue": value } })
        });
        let points: Vec<Value> = points.collect();
        if points.is_empty() {
            return json!({ "unit": "1" });
        }
        json!({ "timeSeries": [{ "metric": {}, "resource": {}, "metricKind": "GAUGE", "valueType": "DOUBLE", "points": points }] })
    }
}

fn reduced(reducer: &str, numbers: &[f64]) -> Option<f64> {
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    let mean = sum / count;
    Some(match reducer {
        "REDUCE_SUM" => sum,
        "REDUCE_MEAN" => mean,
        "REDUCE_COUNT" => count,
        "REDUCE_STDDEV" => (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count).sqrt(),
        percentile => {
            let percent: usize = percentile.strip_prefix("REDUCE_PERCENTILE_")?.parse().ok()?;
            let mut sorted = numbers.to_vec();
            sorted.sort_by(f64::total_cmp);
            *sorted.get((percent * sorted.len()).div_ceil(100).saturating_sub(1))?
        }
    })
}
