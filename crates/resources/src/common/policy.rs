//! The policy of an object, by name. Schemas are written from the table of policies that is handed in, so a
//! new policy needs nothing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::policy::{Serves, Setting, SettingType};
use engine::{Fault, Policy, PolicyTable, Problem};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A policy for a single target.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct PolicySpec {
    /// Name of the policy.
    #[serde(rename = "type", default = "slo")]
    #[schemars(schema_with = "any_name")]
    pub type_: String,
    /// Settings of the policy; each policy has some of them.
    #[serde(default)]
    #[schemars(schema_with = "any_settings")]
    pub config: Map<String, Value>,
}

impl Default for PolicySpec {
    fn default() -> Self {
        Self { type_: slo(), config: Map::new() }
    }
}

/// A policy for a group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct GroupPolicySpec {
    /// Name of the policy.
    #[serde(rename = "type", default = "bottleneck")]
    #[schemars(schema_with = "any_name")]
    pub type_: String,
    /// Settings of the policy; each policy has some of them.
    #[serde(default)]
    #[schemars(schema_with = "any_settings")]
    pub config: Map<String, Value>,
}

impl Default for GroupPolicySpec {
    fn default() -> Self {
        Self { type_: bottleneck(), config: Map::new() }
    }
}

fn slo() -> String {
    "slo".to_owned()
}

fn bottleneck() -> String {
    "bottleneck".to_owned()
}

/// Names and settings come from the table that is handed in, which [`named_in`] writes.
fn any_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

fn any_settings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// The CRD with `spec.policy` as `policies` have it: the names that it takes and the settings of each.
pub(crate) fn named_in(
    mut definition: CustomResourceDefinition,
    plans: Serves,
    policies: &PolicyTable,
) -> CustomResourceDefinition {
    let schemas = definition.spec.versions.iter_mut().filter_map(|version| {
        let schema = version.schema.as_mut()?.open_api_v3_schema.as_mut()?;
        schema
            .properties
            .as_mut()?
            .get_mut("spec")?
            .properties
            .as_mut()?
            .get_mut("policy")?
            .properties
            .as_mut()
    });
    for policy in schemas {
        if let Some(name) = policy.get_mut("type") {
            name.enum_ = Some(policies.serving(plans).map(|policy| JSON(json!(policy.name))).collect());
        }
        if let Some(config) = policy.get_mut("config") {
            config.properties = Some(settings(plans, policies));
        }
    }
    definition
}

fn settings(plans: Serves, policies: &PolicyTable) -> BTreeMap<String, JSONSchemaProps> {
    let mut properties = BTreeMap::new();
    for policy in policies.serving(plans) {
        for setting in policy.settings {
            properties.entry(setting.name.to_owned()).or_insert_with(|| {
                serde_json::from_value(schema(policy.name, setting))
                    .unwrap_or_else(|error| unreachable!("a schema as the API has it: {error}"))
            });
        }
    }
    properties
}

fn schema(policy: &str, setting: &Setting) -> Value {
    let mut schema = match setting.type_ {
        SettingType::Number { min, max: f64::MAX } => json!({ "type": "number", "minimum": min }),
        SettingType::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        SettingType::PositiveNumber => json!({ "type": "number", "minimum": 0.0, "exclusiveMinimum": true }),
        SettingType::Share => {
            json!({ "type": "number", "minimum": 0.0, "exclusiveMinimum": true, "maximum": 1.0 })
        }
        SettingType::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        SettingType::Address => {
            let longest = SettingType::LONGEST_ADDRESS;
            json!({ "type": "string", "maxLength": longest, "pattern": SettingType::ADDRESS })
        }
    };
    schema["description"] = json!(format!("Of policy {policy}: {}", setting.help));
    schema
}

impl PolicySpec {
    /// The engine's form of it; `path` is its place in the manifest.
    pub(crate) fn compile(
        &self,
        path: &str,
        policies: &PolicyTable,
    ) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        compile(Serves::Target, policies, &self.type_, &self.config, path)
    }
}

impl GroupPolicySpec {
    /// The engine's form of it; `path` is its place in the manifest.
    pub(crate) fn compile(
        &self,
        path: &str,
        policies: &PolicyTable,
    ) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        compile(Serves::Group, policies, &self.type_, &self.config, path)
    }
}

/// What no policy knows is no problem here, as the API server has dropped or refused it.
fn compile(
    plans: Serves,
    policies: &PolicyTable,
    type_: &str,
    config: &Map<String, Value>,
    path: &str,
) -> Result<Arc<dyn Policy>, Vec<Problem>> {
    let known = |name: &str| {
        policies.serving(plans).any(|policy| policy.settings.iter().any(|setting| setting.name == name))
    };
    let config = config.iter().filter(|(name, _)| known(name));
    let config = config.map(|(name, value)| (name.clone(), value.clone())).collect();
    if policies.serving(plans).all(|policy| policy.name != type_) {
        let names = policies.serving(plans).map(|policy| policy.name);
        let fault = Fault::unsupported(format_args!("{type_:?}"), names);
        return Err(vec![Problem::new(format!("{path}.type"), fault)]);
    }
    policies.compile(type_, &Value::Object(config), &format!("{path}.config"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_name_means_one_type_in_every_policy() {
        let policies = &engine::POLICIES;
        for policy in policies.entries() {
            for setting in policy.settings {
                for other in policies.entries().iter().flat_map(|other| other.settings) {
                    assert!(other.name != setting.name || other.type_ == setting.type_, "{}", setting.name);
                }
            }
        }
    }
}
