//! The annotations that pause an object or override its bounds for a time.

use engine::{BoundsOverride, Brakes, Fault, FaultKind, Pause, Plan, Problem, Time, Warning, one_line};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::path;

/// Annotation that leaves every target as it is (`true`).
pub const PAUSED_ANNOTATION: &str = "polyscaler.dev/paused";
/// Annotation that keeps every target at a number of replicas.
pub const PAUSED_REPLICAS_ANNOTATION: &str = "polyscaler.dev/paused-replicas";
/// Annotation that pauses scaling in (`true`).
pub const PAUSED_SCALE_IN_ANNOTATION: &str = "polyscaler.dev/paused-scale-in";
/// Annotation that pauses scaling out (`true`).
pub const PAUSED_SCALE_OUT_ANNOTATION: &str = "polyscaler.dev/paused-scale-out";
/// Annotation that overrides the bounds until an instant, as JSON.
pub const OVERRIDE_ANNOTATION: &str = "polyscaler.dev/override";

/// The most replicas that a target can have.
const MOST: u32 = i32::MAX as u32;
/// Longest reason of an override, in characters.
const LONGEST_REASON: usize = 256;

/// Reads the brakes among `all` annotations.
pub(super) fn read(
    all: &Map<String, Value>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Brakes {
    let mut flag = |key: &str| all.get(key).and_then(|value| boolean(key, value, problems));
    let [paused, scale_in, scale_out] =
        [PAUSED_ANNOTATION, PAUSED_SCALE_IN_ANNOTATION, PAUSED_SCALE_OUT_ANNOTATION].map(&mut flag);
    let replicas = all.get(PAUSED_REPLICAS_ANNOTATION).and_then(|value| count(value, problems));
    if replicas.is_some() && paused == Some(false) {
        let message = format!(
            "{PAUSED_REPLICAS_ANNOTATION} pauses the object all the same: remove both annotations to resume"
        );
        warnings.push(Warning::new(path(PAUSED_ANNOTATION), message));
    }
    let is_set = |flag: Option<bool>| flag.unwrap_or(false);
    let pause = match (replicas, is_set(scale_in), is_set(scale_out)) {
        (Some(replicas), ..) => Pause::At(replicas),
        _ if is_set(paused) => Pause::Everything,
        (None, true, true) => Pause::BothDirections,
        (None, true, false) => Pause::ScaleIn,
        (None, false, true) => Pause::ScaleOut,
        (None, false, false) => Pause::Nothing,
    };
    Brakes { pause, bounds: all.get(OVERRIDE_ANNOTATION).and_then(|value| bounds(value, problems)) }
}

/// That the override of `plan` has ended at `now` and only stands there; `None` where there is none or it counts.
pub fn expired_override(plan: &Plan, now: Time) -> Option<Warning> {
    plan.brakes.bounds.as_ref()?.expired(&path(OVERRIDE_ANNOTATION), now)
}

fn boolean(key: &str, value: &Value, problems: &mut Vec<Problem>) -> Option<bool> {
    match value.as_str() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => {
            problems.push(Problem::new(path(key), Fault::unsupported(value, ["true", "false"])));
            None
        }
    }
}

fn count(value: &Value, problems: &mut Vec<Problem>) -> Option<u32> {
    let is_count = |text: &&str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let count = value.as_str().filter(is_count).and_then(|text| text.parse().ok());
    let count = count.filter(|count| *count <= MOST);
    if count.is_none() {
        let fault =
            Fault::invalid_value(value, format_args!("must be a whole number from 0 to {MOST}, in quotes"));
        problems.push(Problem::new(path(PAUSED_REPLICAS_ANNOTATION), fault));
    }
    count
}

/// The override as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Override {
    min_replicas: Option<Value>,
    max_replicas: Option<Value>,
    until: Option<Value>,
    reason: Option<Value>,
}

const FIELDS: &str = "minReplicas, maxReplicas, until and reason";

fn bounds(value: &Value, problems: &mut Vec<Problem>) -> Option<BoundsOverride> {
    let place = path(OVERRIDE_ANNOTATION);
    let Some(text) = value.as_str() else {
        let why = format!("must be a string that contains a JSON object with {FIELDS}");
        problems.push(Problem::new(place, Fault::new(FaultKind::WrongType, format!("{value}: {why}"))));
        return None;
    };
    // By way of a map, as a structure is read from a list, too.
    let fields = serde_json::from_str(text).map(|fields: Map<String, Value>| Value::Object(fields));
    let written: Override = match fields.and_then(serde_json::from_value) {
        Ok(written) => written,
        Err(error) => {
            let why = format!("must be a JSON object with {FIELDS}: {error}");
            problems.push(Problem::new(place, Fault::invalid_value(format_args!("{text:?}"), why)));
            return None;
        }
    };
    let before = problems.len();
    let min = replicas(written.min_replicas, 0, &format!("{place}.minReplicas"), problems);
    let max = replicas(written.max_replicas, 1, &format!("{place}.maxReplicas"), problems);
    let until = instant(written.until, &format!("{place}.until"), problems);
    let reason = match written.reason {
        None => String::new(),
        Some(Value::String(reason)) => one_line(&reason, LONGEST_REASON),
        Some(other) => {
            let fault = Fault::new(FaultKind::WrongType, format!("{other}: must be a string"));
            problems.push(Problem::new(format!("{place}.reason"), fault));
            String::new()
        }
    };
    if problems.len() > before {
        return None;
    }
    let over = BoundsOverride::new(min, max, until?, reason);
    if over.is_none() {
        let (field, why) = match min.zip(max) {
            Some((min, max)) => {
                (".minReplicas", format!("{min}: must not be above maxReplicas, which is {max}"))
            }
            None => ("", "must have minReplicas, maxReplicas or both".to_owned()),
        };
        problems.push(Problem::new(format!("{place}{field}"), Fault::invalid(why)));
    }
    over
}

fn replicas(value: Option<Value>, least: u32, path: &str, problems: &mut Vec<Problem>) -> Option<u32> {
    let value = value?;
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    let count = count.filter(|count| (least..=MOST).contains(count));
    if count.is_none() {
        let why = format!("must be a whole number from {least} to {MOST}");
        problems.push(Problem::new(path, Fault::invalid_value(&value, why)));
    }
    count
}

fn instant(value: Option<Value>, path: &str, problems: &mut Vec<Problem>) -> Option<Time> {
    let Some(value) = value else {
        problems.push(Problem::new(path, Fault::required()));
        return None;
    };
    let time = Time::deserialize(&value).ok();
    if time.is_none() {
        let why = "must be an instant in RFC 3339, for example \"2026-12-01T06:00:00Z\"";
        problems.push(Problem::new(path, Fault::invalid_value(&value, why)));
    }
    time
}

#[cfg(test)]
mod tests;
