//! The policy of a GeneralScaler. Its schema is written from the engine's table of policies, so a
//! new policy needs nothing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::policy::{POLICIES, Setting, SettingType};
use engine::{Policy, Problem};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A policy by name, and its settings.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
pub struct PolicySpec {
    /// Name of the policy.
    #[serde(rename = "type", default = "default_type")]
    #[schemars(schema_with = "types")]
    pub type_: String,
    /// The policy's settings; each policy knows some of them.
    #[serde(default)]
    #[schemars(schema_with = "settings")]
    pub config: Map<String, Value>,
}

impl Default for PolicySpec {
    fn default() -> Self {
        Self { type_: default_type(), config: Map::new() }
    }
}

fn default_type() -> String {
    "slo".to_owned()
}

fn types(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = POLICIES.iter().map(|policy| policy.name).collect();
    json_schema!({ "type": "string", "enum": names })
}

fn settings(_: &mut SchemaGenerator) -> Schema {
    let mut properties = BTreeMap::new();
    for policy in POLICIES {
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
        SettingType::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
    };
    schema["description"] = json!(format!("Of policy {policy}: {}", setting.help));
    schema
}

impl PolicySpec {
    /// The engine's form of it; `path` is its place in the manifest. What no policy knows is no
    /// problem here, as the API server has dropped or refused it.
    pub(super) fn compile(&self, path: &str) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        let known = |name: &str| {
            POLICIES.iter().any(|policy| policy.settings.iter().any(|setting| setting.name == name))
        };
        let config = self.config.iter().filter(|(name, _)| known(name));
        let config = config.map(|(name, value)| (name.clone(), value.clone())).collect();
        if POLICIES.iter().all(|policy| policy.name != self.type_) {
            let names =
                POLICIES.iter().map(|policy| format!("{:?}", policy.name)).collect::<Vec<_>>().join(", ");
            let message = format!("Unsupported value: {:?}: supported values: {names}", self.type_);
            return Err(vec![Problem::new(format!("{path}.type"), message)]);
        }
        engine::policy::compile(&self.type_, &Value::Object(config), &format!("{path}.config"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_means_one_type_in_every_policy() {
        for policy in POLICIES {
            for setting in policy.settings {
                for other in POLICIES.iter().flat_map(|other| other.settings) {
                    assert!(other.name != setting.name || other.type_ == setting.type_, "{}", setting.name);
                }
            }
        }
    }
}
