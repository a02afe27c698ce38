//! What can be set in a manifest: the rule's own knobs, by the kind.

use serde_json::{Value, json};

/// One thing that can be set, and how far.
#[derive(Clone, Debug, PartialEq)]
pub struct Knob {
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
    range: Range,
}

#[derive(Clone, Debug, PartialEq)]
enum Range {
    /// From so much of the present value to so much of it, evenly on a logarithmic scale.
    Times { value: f64, low: f64, high: f64, whole: bool },
    /// A whole number between two, evenly on a logarithmic scale.
    Whole { low: f64, high: f64 },
    /// A share between two.
    Share { low: f64, high: f64 },
    /// One of these; `None` leaves it out.
    Choice(Vec<Option<f64>>),
    /// A forecast that looks so many seconds ahead, or none.
    Horizon(&'static [Option<u32>]),
}

impl Knob {
    fn new(pointer: impl Into<String>, range: Range) -> Self {
        Self { pointer: pointer.into(), range }
    }

    /// The path as manifests have it: `spec.metrics[0].targetValue`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for part in self.pointer.split('/').skip(1) {
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                path.push_str(&format!("[{part}]"));
            } else {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(part);
            }
        }
        path
    }

    /// The value at `share` of the way, from 0 up to and without 1; `None` to leave it out.
    fn at(&self, share: f64) -> Option<Value> {
        let logarithmic = |low: f64, high: f64| low * (high / low).powf(share);
        match &self.range {
            Range::Times { value, low, high, whole } => {
                let value = logarithmic(value * low, value * high);
                Some(if *whole { json!(value.round().max(1.0) as u64) } else { json!(three_digits(value)) })
            }
            // A step above the highest, so that it is drawn as often as the others.
            Range::Whole { low, high } => Some(json!((logarithmic(*low, high + 0.999).floor()) as u64)),
            Range::Share { low, high } => Some(json!(three_digits(low + (high - low) * share))),
            Range::Horizon(horizons) => {
                chosen(horizons, share).map(|seconds| json!({ "horizonSeconds": seconds }))
            }
            Range::Choice(choices) => {
                let value = chosen(choices, share)?;
                Some(if value.fract() == 0.0 { json!(value as u64) } else { json!(value) })
            }
        }
    }

    /// Sets it in `object`.
    pub(super) fn set(&self, object: &mut Value, share: f64) {
        let (parent, name) = self.pointer.rsplit_once('/').unwrap_or(("", &self.pointer));
        let Some(value) = self.at(share) else {
            let fields = object.pointer_mut(parent).and_then(Value::as_object_mut);
            fields.map(|fields| fields.remove(name));
            return;
        };
        let mut place = object;
        for part in parent.split('/').skip(1) {
            place = match part.parse::<usize>() {
                Ok(index) if place.is_array() => &mut place[index],
                _ => &mut place[part],
            };
        }
        place[name] = value;
    }
}

/// The one at `share` of the way through some.
fn chosen<T: Copy>(choices: &[Option<T>], share: f64) -> Option<T> {
    let place = (share * choices.len() as f64) as usize;
    choices.get(place.min(choices.len() - 1)).copied().flatten()
}

fn three_digits(value: f64) -> f64 {
    // By its text, so that it is written as short as it is meant.
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn choice(values: &[f64]) -> Range {
    Range::Choice(values.iter().copied().map(Some).collect())
}

fn or_none(values: &[f64]) -> Range {
    let values = values.iter().copied().map(Some);
    Range::Choice(std::iter::once(None).chain(values).collect())
}

/// The knobs of an object; empty where its kind has none.
pub fn knobs(object: &Value) -> Vec<Knob> {
    let mut knobs = match object.get("kind").and_then(Value::as_str).unwrap_or_default() {
        "GeneralScaler" => general_scaler(object),
        "BusinessScaling" => business_scaling(object),
        "ScalingRule" => scaling_rule(object),
        "ScalingGroup" => scaling_group(object),
        _ => return Vec::new(),
    };
    knobs.extend(safety());
    knobs
        .push(Knob::new("/spec/forecast", Range::Horizon(&[None, Some(30), Some(60), Some(120), Some(300)])));
    knobs
}

/// What holds scaling back, the same for all kinds.
fn safety() -> Vec<Knob> {
    [
        ("cooldownSeconds", choice(&[0.0, 15.0, 30.0, 60.0, 120.0, 300.0])),
        // Twice 0: a window for scale-out is seldom good.
        ("scaleUpStabilizationSeconds", choice(&[0.0, 0.0, 15.0, 30.0, 60.0])),
        ("scaleDownStabilizationSeconds", choice(&[0.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0])),
        ("maxScaleUpRate", or_none(&[1.0, 2.0, 4.0, 8.0, 16.0])),
        ("maxScaleDownRate", or_none(&[1.0, 2.0, 4.0, 8.0])),
    ]
    .map(|(name, range)| Knob::new(format!("/spec/safety/{name}"), range))
    .into()
}

fn number(object: &Value, pointer: &str, default: f64) -> f64 {
    object.pointer(pointer).and_then(Value::as_f64).unwrap_or(default)
}

fn items(object: &Value, pointer: &str) -> usize {
    object.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}

/// The minimum: any number up to half of the maximum. The maximum stays: it is the owner's limit on money.
fn minimum(pointer: String, most: f64) -> Knob {
    Knob::new(pointer, Range::Whole { low: 1.0, high: (most / 2.0).floor().max(1.0) })
}

fn general_scaler(object: &Value) -> Vec<Knob> {
    let mut knobs: Vec<Knob> = (0..items(object, "/spec/metrics"))
        .map(|index| {
            let pointer = format!("/spec/metrics/{index}/targetValue");
            let value = number(object, &pointer, 1.0);
            Knob::new(pointer, Range::Times { value, low: 0.3, high: 1.2, whole: false })
        })
        .collect();
    knobs.push(minimum("/spec/minReplicas".to_owned(), number(object, "/spec/maxReplicas", 1.0)));
    knobs.push(Knob::new("/spec/policy/config/tolerance", or_none(&[0.02, 0.05, 0.1, 0.2])));
    knobs
}

fn business_scaling(object: &Value) -> Vec<Knob> {
    let at = |name: &str| format!("/spec/scaleThresholds/{name}");
    let value = |name: &str, default| number(object, &at(name), default);
    let times = |name: &str, default, low, high| {
        Knob::new(at(name), Range::Times { value: value(name, default), low, high, whole: true })
    };
    let most = value("maxReplicas", 10.0);
    vec![
        times("minUsers", 1000.0, 0.1, 1.2),
        times("maxUsers", 5000.0, 0.4, 1.2),
        minimum(at("minReplicas"), most),
    ]
}

fn scaling_rule(object: &Value) -> Vec<Knob> {
    let at = |name: &str| format!("/spec/{name}");
    let up = number(object, &at("scaleUpThreshold"), 1.0).max(1.0);
    let down = number(object, &at("scaleDownThreshold"), 1.0).max(1.0);
    vec![
        Knob::new(at("scaleUpThreshold"), Range::Times { value: up, low: 0.1, high: 2.0, whole: true }),
        Knob::new(at("scaleDownThreshold"), Range::Times { value: down, low: 0.1, high: 2.0, whole: true }),
        Knob::new(at("scaleUpStep"), choice(&[1.0, 2.0, 3.0, 5.0, 8.0])),
        Knob::new(at("scaleDownStep"), choice(&[1.0, 2.0, 3.0])),
        minimum(at("minReplicas"), number(object, &at("maxReplicas"), 1.0)),
    ]
}

fn scaling_group(object: &Value) -> Vec<Knob> {
    let mut knobs: Vec<Knob> = (0..items(object, "/spec/members"))
        .map(|index| {
            let most = number(object, &format!("/spec/members/{index}/maxReplicas"), 1.0);
            minimum(format!("/spec/members/{index}/minReplicas"), most)
        })
        .collect();
    let policy = object.pointer("/spec/policy/type").and_then(Value::as_str).unwrap_or("bottleneck");
    if policy == "bottleneck" {
        knobs.push(Knob::new("/spec/policy/config/utilization", Range::Share { low: 0.4, high: 1.0 }));
    }
    knobs.extend((0..items(object, "/spec/metrics")).filter_map(|index| {
        let pointer = format!("/spec/metrics/{index}/targetValue");
        let value = object.pointer(&pointer)?.as_f64()?;
        Some(Knob::new(pointer, Range::Times { value, low: 0.3, high: 1.2, whole: false }))
    }));
    knobs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{group, scaler};

    #[test]
    fn every_setting_makes_a_manifest_that_compiles() {
        for object in [scaler("requests", 100.0).object, group()] {
            let found = knobs(&object);
            assert!(found.len() >= 7, "{found:?}");
            for knob in &found {
                for share in [0.0, 0.2, 0.5, 0.8, 0.999] {
                    let mut changed = object.clone();
                    knob.set(&mut changed, share);
                    let compiled =
                        crate::Manifest::compile(changed, &crate::testing::Anything, &engine::POLICIES);
                    assert!(compiled.is_ok(), "{} at {share}: {compiled:?}", knob.path());
                }
            }
        }
        assert!(knobs(&json!({ "kind": "Pod" })).is_empty());
    }

    #[test]
    fn paths_are_those_of_manifests() {
        let paths: Vec<String> = knobs(&scaler("requests", 100.0).object).iter().map(Knob::path).collect();
        assert_eq!(
            paths[..3],
            ["spec.metrics[0].targetValue", "spec.minReplicas", "spec.policy.config.tolerance"]
        );
        assert!(paths.contains(&"spec.safety.cooldownSeconds".to_owned()), "{paths:?}");
    }

    #[test]
    fn ranges_are_what_they_say() {
        let object = scaler("requests", 100.0).object;
        let found = knobs(&object);
        assert_eq!((found[0].at(0.0), found[0].at(1.0)), (Some(json!(30.0)), Some(json!(120.0))));
        assert_eq!((found[1].at(0.0), found[1].at(0.9999)), (Some(json!(1)), Some(json!(10))));
        assert_eq!((found[2].at(0.0), found[2].at(0.99)), (None, Some(json!(0.2))));
    }
}
