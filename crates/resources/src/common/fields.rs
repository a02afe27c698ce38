//! Fields that several kinds have, with their schema.

use engine::{Fault, Problem, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compile::Context;

/// A DNS subdomain, the form of every object name that is used in a URL here. Without
/// this check a name with slashes could steer a request to another path of the API.
pub(crate) const NAME_PATTERN: &str = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
pub(crate) const NAMESPACE_PATTERN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
pub(crate) const URL_PATTERN: &str = r"^https?://[^/?#]";
pub(crate) const API_VERSION_PATTERN: &str = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[a-z0-9]+$";
/// What a member of a group may be called: it stands in reasons, messages and labels.
pub(crate) const MEMBER_PATTERN: &str = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
pub(crate) const KIND_PATTERN: &str = r"^[A-Z][A-Za-z0-9]*$";

/// A reference to an object with a scale subresource.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// API group and version of the target.
    #[serde(default = "apps_v1")]
    #[schemars(length(max = 317), regex(pattern = API_VERSION_PATTERN))]
    pub api_version: String,
    /// Kind of the target: any kind with a scale subresource.
    #[serde(default = "deployment")]
    #[schemars(length(max = 63), regex(pattern = KIND_PATTERN))]
    pub kind: String,
    /// Name of the target.
    #[schemars(length(max = 253), regex(pattern = NAME_PATTERN))]
    pub name: String,
}

fn apps_v1() -> String {
    "apps/v1".to_owned()
}

fn deployment() -> String {
    "Deployment".to_owned()
}

impl TargetRef {
    /// The Deployment called `name`.
    pub fn deployment(name: &str) -> Self {
        Self { api_version: apps_v1(), kind: deployment(), name: name.to_owned() }
    }

    /// The target of a spec that names a Deployment or has a reference. With neither, which a rule
    /// refuses, its name is empty.
    pub(crate) fn either(deployment: Option<&str>, reference: Option<&Self>) -> Self {
        reference.cloned().unwrap_or_else(|| Self::deployment(deployment.unwrap_or_default()))
    }

    /// The target in `namespace`.
    pub fn in_namespace(&self, namespace: &str) -> Target {
        Target {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            namespace: namespace.to_owned(),
            name: self.name.clone(),
        }
    }
}

/// A metric of any source in the registry.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MetricSpec {
    /// Type of the metric source, for example `http`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub source: String,
    /// Settings of the metric source.
    #[serde(default)]
    #[schemars(schema_with = "any_object")]
    pub config: serde_json::Map<String, Value>,
}

/// Request headers from a Secret: each key is the name of a header, its value the value of the header.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HeadersFrom {
    /// The Secret, in the namespace of the target.
    pub secret_ref: SecretRef,
}

/// A reference to a Secret by name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(max = 253), regex(pattern = NAME_PATTERN))]
    pub name: String,
}

/// The namespace that a namespaced object lives in.
pub(crate) fn own_namespace(object: &Value) -> &str {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default")
}

/// A namespaced object acts in its own namespace, unless the operator allows others.
pub(crate) fn other_namespace(
    object: &Value,
    path: &str,
    named: &str,
    context: &Context<'_>,
) -> Option<Problem> {
    let own = own_namespace(object);
    (named != own && !context.allow_cross_namespace).then(|| {
        let advice = "the namespace of this object; the operator's flag --allow-cross-namespace lifts this";
        Problem::new(path, Fault::invalid(format!("{named:?}: must be {own}, {advice}")))
    })
}

/// The schema of an object with fields that only someone else knows.
pub(crate) fn any_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// The schema of an instant.
pub(crate) fn date_time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}

/// Writes a metric value as the API server gives it back: whole numbers without a fraction.
/// Otherwise a status that was written would seem to differ from one that was read.
pub(crate) fn as_number<S: serde::Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => serializer.serialize_i64(*value as i64),
        Some(value) => serializer.serialize_f64(*value),
        None => serializer.serialize_none(),
    }
}
