//! The spec of an `autoscaling/v2` HorizontalPodAutoscaler, as JSON has it, without its target.

use serde::Deserialize;
use serde_json::Value;

use super::Quantity;

/// What an HPA says of its target's replicas.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaSpec {
    /// Minimum; 1 where it is left out.
    pub min_replicas: Option<i32>,
    /// Maximum.
    #[serde(default)]
    pub max_replicas: i32,
    /// What is measured. Left out, it is 80 percent of the requested processor time.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
    /// How fast the replicas may change.
    pub behavior: Option<BehaviorSpec>,
}

/// One metric: its type, and the field of that name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricSpec {
    /// `Resource`, `ContainerResource`, `Pods`, `Object` or `External`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Usage of a resource by the target's pods.
    pub resource: Option<ResourceSpec>,
    /// Usage of a resource by one container of each pod.
    pub container_resource: Option<ResourceSpec>,
    /// A metric of each pod.
    pub pods: Option<MetricOf>,
    /// A metric of one object.
    pub object: Option<MetricOf>,
    /// A metric from outside the cluster.
    pub external: Option<MetricOf>,
}

/// A resource and its target.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ResourceSpec {
    /// `cpu` or `memory`.
    pub name: String,
    /// The container, for `ContainerResource`.
    pub container: Option<String>,
    /// What is aimed for.
    pub target: TargetSpec,
}

/// A named metric and its target.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricOf {
    /// Which metric.
    pub metric: MetricId,
    /// What is aimed for.
    pub target: TargetSpec,
    /// Of which object, for `Object`.
    pub described_object: ObjectRef,
}

/// One object in the HPA's namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    /// API version of its kind; empty for the core group's.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Which metric.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct MetricId {
    /// Its name.
    pub name: String,
    /// Labels that its values must have.
    pub selector: Option<Value>,
}

/// What is aimed for: a type, and the field that goes with it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetSpec {
    /// `Utilization`, `AverageValue` or `Value`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Of the value as it is.
    pub value: Option<Quantity>,
    /// Of each replica's share.
    pub average_value: Option<Quantity>,
    /// Percent of what is requested.
    pub average_utilization: Option<i32>,
}

/// How fast the replicas may change, in each direction.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BehaviorSpec {
    /// Scaling out.
    pub scale_up: Option<RulesSpec>,
    /// Scaling in.
    pub scale_down: Option<RulesSpec>,
}

/// The rules of one direction; what is left out is filled in.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RulesSpec {
    /// Seconds for which past recommendations count.
    pub stabilization_window_seconds: Option<i32>,
    /// `Max`, `Min` or `Disabled`.
    pub select_policy: Option<String>,
    /// The maximum change within a period.
    pub policies: Option<Vec<PolicySpec>>,
    /// How far from its target a metric may be before the replicas change.
    pub tolerance: Option<Quantity>,
}

/// The maximum change within a period.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicySpec {
    /// `Pods` or `Percent`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The change that is allowed.
    pub value: i32,
    /// The period, in seconds.
    pub period_seconds: i32,
}
