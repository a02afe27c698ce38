//! The spec of a ScaledObject, with KEDA's own schema. Defaults that KEDA applies in code are applied here in code, too.

use engine::{Target, TargetType};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ScaledObjectSpec;

/// Replicas at most where the spec does not say.
const DEFAULT_MAX: u32 = 100;
/// Seconds between two polls where the spec does not say.
const DEFAULT_POLLING: u32 = 30;
/// Seconds of the cooldown where the spec does not say.
const DEFAULT_COOLDOWN: u32 = 300;

/// What is scaled.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleTarget {
    /// Name of the target.
    #[schemars(length(min = 1))]
    pub name: String,
    /// API group and version of the target. Defaults to apps/v1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the target: any kind with a scale subresource. Defaults to Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The container whose environment triggers read. Defaults to the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_source_container_name: Option<String>,
}

impl ScaleTarget {
    /// The target in `namespace`. An empty field is one that is left out.
    pub(super) fn in_namespace(&self, namespace: &str) -> Target {
        let given = |field: &Option<String>, default: &str| {
            let given = field.as_deref().filter(|text| !text.is_empty());
            given.unwrap_or(default).to_owned()
        };
        Target {
            api_version: given(&self.api_version, "apps/v1"),
            kind: given(&self.kind, "Deployment"),
            namespace: namespace.to_owned(),
            name: self.name.clone(),
        }
    }
}

/// What few objects need.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Advanced {
    /// Whether the target gets back the replicas that it had at first when the object is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restore_to_original_replica_count: bool,
    /// The HPA that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizontal_pod_autoscaler_config: Option<HpaConfig>,
    /// A formula that makes one metric of all triggers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling_modifiers: Option<ScalingModifiers>,
}

/// The HPA that is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct HpaConfig {
    /// How fast the replicas may change: the `behavior` of the HPA, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "behavior")]
    pub behavior: Option<Map<String, Value>>,
    /// Name of the HPA. Defaults to keda-hpa- and the name of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A formula that makes one metric of all triggers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingModifiers {
    /// The formula over the names of triggers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// What the HPA aims for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The target is active while the value of the formula is above this. Defaults to 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_target: Option<String>,
    /// How the value compares with the target. Defaults to AverageValue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "metric_type")]
    pub metric_type: Option<TargetType>,
}

impl ScalingModifiers {
    /// Whether there are any: what is empty is not there.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn given(text: &Option<String>) -> Option<&str> {
        text.as_deref().filter(|text| !text.is_empty())
    }
}

/// What stands in place of a trigger that fails.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FallbackConfig {
    /// More failures in a row than this bring it about.
    #[schemars(range(max = i32::MAX))]
    pub failure_threshold: u32,
    /// The replicas that are asked for.
    #[schemars(range(max = i32::MAX))]
    pub replicas: u32,
    /// How they are found.
    #[serde(default = "static_behavior")]
    #[schemars(schema_with = "fallback_behavior")]
    pub behavior: String,
}

fn static_behavior() -> String {
    "static".to_owned()
}

impl ScaledObjectSpec {
    /// Seconds between two polls.
    pub(super) fn polling(&self) -> u32 {
        self.polling_interval.unwrap_or(DEFAULT_POLLING).max(1)
    }

    /// Seconds of the cooldown.
    pub(super) fn cooldown(&self) -> u32 {
        self.cooldown_period.unwrap_or(DEFAULT_COOLDOWN)
    }

    /// Replicas at least while active; 0 stands for 1 then.
    pub(super) fn min(&self) -> u32 {
        self.min_replica_count.unwrap_or(0)
    }

    /// Replicas at most.
    pub(super) fn max(&self) -> u32 {
        self.max_replica_count.unwrap_or(DEFAULT_MAX)
    }

    pub(super) fn hpa_config(&self) -> Option<&HpaConfig> {
        self.advanced.as_ref()?.horizontal_pod_autoscaler_config.as_ref()
    }

    /// The name of the HPA that the object called `object` keeps.
    pub(super) fn hpa_name(&self, object: &str) -> String {
        let given = self.hpa_config().and_then(|config| config.name.clone()).filter(|name| !name.is_empty());
        given.unwrap_or_else(|| format!("keda-hpa-{object}"))
    }

    /// Whether the spec itself names the HPA.
    pub(super) fn names_hpa(&self) -> bool {
        self.hpa_config().and_then(|config| config.name.as_deref()).is_some_and(|name| !name.is_empty())
    }

    pub(super) fn modifiers(&self) -> Option<&ScalingModifiers> {
        let modifiers = self.advanced.as_ref()?.scaling_modifiers.as_ref();
        modifiers.filter(|modifiers| !modifiers.is_empty())
    }
}

fn metric_type(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["AverageValue", "Value"] })
}

fn fallback_behavior(_: &mut SchemaGenerator) -> Schema {
    let behaviors = [
        "static",
        "currentReplicas",
        "currentReplicasIfHigher",
        "currentReplicasIfLower",
        "scalingModifiers",
    ];
    json_schema!({ "type": "string", "enum": behaviors, "default": "static" })
}

/// The `behavior` of an `autoscaling/v2` HPA.
fn behavior(_: &mut SchemaGenerator) -> Schema {
    let policy = json_schema!({
        "type": "object",
        "description": "The maximum change within a period.",
        "required": ["periodSeconds", "type", "value"],
        "properties": {
            "periodSeconds": { "type": "integer", "description": "The period, in seconds." },
            "type": { "type": "string", "description": "Pods or Percent." },
            "value": { "type": "integer", "description": "The change that is allowed." },
        },
    });
    let rules = |about: &str| {
        json_schema!({
            "type": "object",
            "description": about,
            "properties": {
                "policies": {
                    "type": "array", "items": policy, "x-kubernetes-list-type": "atomic",
                    "description": "The maximum changes within periods.",
                },
                "selectPolicy": {
                    "type": "string", "description": "Which of the policies counts: Max, Min or Disabled.",
                },
                "stabilizationWindowSeconds": {
                    "type": "integer", "minimum": 0, "maximum": 3600,
                    "description": "Seconds for which past recommendations count.",
                },
                "tolerance": {
                    "pattern": QUANTITY_PATTERN,
                    "x-kubernetes-int-or-string": true,
                    "description": "How far from its target a metric may be before the replicas change.",
                },
            },
        })
    };
    json_schema!({
        "type": "object",
        "properties": { "scaleDown": rules("Of scaling in."), "scaleUp": rules("Of scaling out.") },
    })
}

/// As the CRDs of Kubernetes have it for quantities.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
