//! The policy of an object, by name. Schemas are written from the engine's table of policies, so a
//! new policy needs nothing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::policy::{Serves, Setting, SettingType};
use engine::{Fault, Policy, PolicyTable, Problem};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A policy for a single target.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct PolicySpec {
    /// Name of the policy.
    #[serde(rename = "type", default = "slo")]
    #[schemars(schema_with = "target_types")]
    pub type_: String,
    /// Settings of the policy; each policy has some of them.
    #[serde(default)]
    #[schemars(schema_with = "target_settings")]
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
    #[schemars(schema_with = "group_types")]
    pub type_: String,
    /// Settings of the policy; each policy has some of them.
    #[serde(default)]
    #[schemars(schema_with = "group_settings")]
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

fn target_types(_: &mut SchemaGenerator) -> Schema {
    types(Serves::Target)
}

fn group_types(_: &mut SchemaGenerator) -> Schema {
    types(Serves::Group)
}

fn target_settings(_: &mut SchemaGenerator) -> Schema {
    settings(Serves::Target)
}

fn group_settings(_: &mut SchemaGenerator) -> Schema {
    settings(Serves::Group)
}

fn types(plans: Serves) -> Schema {
    let names: Vec<&str> = PolicyTable::default().serving(plans).map(|policy| policy.name).collect();
    json_schema!({ "type": "string", "enum": names })
}

fn settings(plans: Serves) -> Schema {
    let mut properties = BTreeMap::new();
    for policy in PolicyTable::default().serving(plans) {
        for setting in policy.settings {
            properties.entry(setting.name).or_insert_with(|| schema(policy.name, setting));
        }
    }
    json_schema!({ "type": "object", "properties": properties })
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
    pub(crate) fn compile(&self, path: &str) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        compile(Serves::Target, &self.type_, &self.config, path)
    }
}

impl GroupPolicySpec {
    /// The engine's form of it; `path` is its place in the manifest.
    pub(crate) fn compile(&self, path: &str) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        compile(Serves::Group, &self.type_, &self.config, path)
    }
}

/// What no policy knows is no problem here, as the API server has dropped or refused it.
fn compile(
    plans: Serves,
    type_: &str,
    config: &Map<String, Value>,
    path: &str,
) -> Result<Arc<dyn Policy>, Vec<Problem>> {
    let policies = PolicyTable::default();
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
    use engine::PolicyTable;

    #[test]
    fn one_name_means_one_type_in_every_policy() {
        let policies = PolicyTable::default();
        for policy in policies.entries() {
            for setting in policy.settings {
                for other in policies.entries().iter().flat_map(|other| other.settings) {
                    assert!(other.name != setting.name || other.type_ == setting.type_, "{}", setting.name);
                }
            }
        }
    }
}
