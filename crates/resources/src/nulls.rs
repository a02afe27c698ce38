//! Fields that are null.

use serde_json::Value;

/// `value` without its fields that are null, at any depth: to the API server they are not there, where the schema does not
/// allow null, as that of an HPA does not.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            given.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
