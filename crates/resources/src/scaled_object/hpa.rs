//! The HPA that a ScaledObject keeps: the one that KEDA makes, so that one of KEDA's is taken over in place.

use std::collections::BTreeMap;

use engine::activation::{Composite, Trigger};
use engine::hpa::Quantity;
use engine::{KeptHpa, MetricTarget, Pause, Target, TargetType};
use serde_json::{Map, Value, json};

use super::ScaledObjectSpec;
use super::marks::directions;
use crate::common::annotations::PREFIX;

/// Label and selector key with the name of the ScaledObject.
pub(super) const NAME_LABEL: &str = "scaledobject.keda.sh/name";
const EXCLUDED_LABELS: &str = "scaledobject.keda.sh/hpa-excluded-labels";
/// Name of the metric that a formula makes.
pub(super) const COMPOSITE: &str = "composite-metric";
/// The longest value of a label.
pub(super) const LONGEST_LABEL: usize = 63;

/// What an HPA is made of.
pub(super) struct Parts<'a> {
    pub(super) spec: &'a ScaledObjectSpec,
    /// Name of the ScaledObject.
    pub(super) object: &'a str,
    pub(super) metadata: &'a Value,
    pub(super) target: &'a Target,
    /// The triggers with a metric of their own.
    pub(super) triggers: &'a [Trigger],
    /// The metrics that an HPA measures at pods, as its spec has them.
    pub(super) of_pods: &'a [Value],
    pub(super) composite: Option<&'a Composite>,
    pub(super) pause: Pause,
    /// Whether an HPA of that name that nothing controls may be taken over.
    pub(super) may_adopt: bool,
}

impl Parts<'_> {
    /// The HPA as it must be.
    pub(super) fn kept(&self) -> KeptHpa {
        let name = self.spec.hpa_name(self.object);
        let labels = self.labels(&name);
        let annotations = texts(&self.metadata["annotations"]).filter(|(key, _)| !key.starts_with(PREFIX));
        KeptHpa {
            labels,
            annotations: annotations.collect(),
            spec: self.spec(),
            name,
            adopt_orphan: self.may_adopt,
        }
    }

    /// The `spec` of the HPA.
    fn spec(&self) -> Value {
        let Target { api_version, kind, name, .. } = self.target;
        let mut spec = json!({
            "scaleTargetRef": { "apiVersion": api_version, "kind": kind, "name": name },
            "minReplicas": self.spec.min().max(1),
            "maxReplicas": self.spec.max(),
            "metrics": self.metrics(),
        });
        if let Some(behavior) = self.behavior() {
            spec["behavior"] = Value::Object(behavior);
        }
        spec
    }

    /// In KEDA's order: by the names of the types, and within a type in that of the triggers. The metric of a formula
    /// stands in place of all that it is made of.
    fn metrics(&self) -> Vec<Value> {
        let of_type =
            |type_: &'static str| self.of_pods.iter().filter(move |metric| metric["type"] == type_).cloned();
        if let Some(composite) = self.composite {
            let milli = (composite.target * 1000.0).trunc() as i128;
            let metric = external(self.object, COMPOSITE, composite.type_, &quantity(milli));
            return self.of_pods.iter().cloned().chain([metric]).collect();
        }
        let external = self.triggers.iter().map(|trigger| external_of(self.object, trigger));
        of_type("ContainerResource").chain(external).chain(of_type("Resource")).collect()
    }

    /// The behavior of the spec, without the directions that are paused.
    fn behavior(&self) -> Option<Map<String, Value>> {
        let mut behavior = self.spec.hpa_config().and_then(|config| config.behavior.clone());
        let (no_scale_in, no_scale_out) = directions(self.pause);
        for (field, is_paused) in [("scaleDown", no_scale_in), ("scaleUp", no_scale_out)] {
            if is_paused {
                let rules = behavior.get_or_insert_default().entry(field).or_insert_with(|| json!({}));
                rules["selectPolicy"] = json!("Disabled");
            }
        }
        behavior
    }

    /// Those that KEDA sets, and over them those of the object that are not excluded.
    fn labels(&self, name: &str) -> BTreeMap<String, String> {
        let cut: String = name.chars().take(LONGEST_LABEL).collect();
        let cut = cut.trim_end_matches(|last: char| !last.is_ascii_alphanumeric());
        let own = [
            ("app.kubernetes.io/name", cut),
            ("app.kubernetes.io/version", env!("CARGO_PKG_VERSION")),
            ("app.kubernetes.io/part-of", self.object),
            ("app.kubernetes.io/managed-by", "keda-operator"),
        ];
        let mut labels: BTreeMap<String, String> =
            own.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let excluded = self.metadata["annotations"][EXCLUDED_LABELS].as_str().unwrap_or_default();
        let is_excluded = |label: &str| excluded.split(',').any(|name| name == label);
        let of_object = [(NAME_LABEL.to_owned(), self.object.to_owned())];
        let of_object = of_object.into_iter().chain(texts(&self.metadata["labels"]));
        labels.extend(of_object.filter(|(key, _)| !is_excluded(key)));
        labels
    }
}

/// The fields of a map of texts.
fn texts(map: &Value) -> impl Iterator<Item = (String, String)> {
    let fields = map.as_object().into_iter().flatten();
    fields.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
}

/// The metric of one trigger.
fn external_of(object: &str, trigger: &Trigger) -> Value {
    external(object, &trigger.metric, trigger.target.type_(), &quantity(milli(trigger.target)))
}

fn external(object: &str, name: &str, type_: TargetType, quantity: &str) -> Value {
    let target = match type_ {
        TargetType::AverageValue => json!({ "type": "AverageValue", "averageValue": quantity }),
        TargetType::Value => json!({ "type": "Value", "value": quantity }),
    };
    json!({
        "type": "External",
        "external": {
            "metric": { "name": name, "selector": { "matchLabels": { NAME_LABEL: object } } },
            "target": target,
        },
    })
}

/// A target in thousandths, rounded as KEDA rounds it: to the nearest, ties to even.
pub(super) fn milli(target: MetricTarget) -> i128 {
    let text = format!("{:.3}", target.value());
    text.replace('.', "").parse().unwrap_or(i128::MAX)
}

/// An amount in thousandths as the API server writes it.
fn quantity(milli: i128) -> String {
    Quantity::written(i64::try_from(milli).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_3_quantities_are_written_as_the_api_server_writes_them() {
        for (value, wanted) in [
            (0.5, "500m"),
            (2.5, "2500m"),
            (1.0, "1"),
            (1000.0, "1k"),
            (1500.0, "1500"),
            (100_000.0, "100k"),
            (1e15, "1P"),
            // An HPA computes in 64 bits.
            (1e18, "9223372036854775807m"),
            (7.25, "7250m"),
            (0.0625, "62m"),
        ] {
            let target = MetricTarget::new(TargetType::Value, value).unwrap();
            assert_eq!(quantity(milli(target)), wanted);
        }
    }
}
