//! What an operator gave to an object, read from the object's status.

use std::sync::Arc;

use serde_json::Value;

use super::{Given, NamespaceDefaults};
use crate::common::{interval, safety};

impl NamespaceDefaults {
    /// What the operator gave to `object` at its last poll, as `status.defaults` says it: for those who have the object
    /// and not the operator's file. What the status does not say, such as allowed types of metrics, is left open.
    pub fn given_to(object: &Value) -> Self {
        let mut given = Self::default();
        for origin in object.pointer("/status/defaults").and_then(Value::as_array).into_iter().flatten() {
            let text = |field: &str| origin[field].as_str().unwrap_or_default();
            given.add(text("field"), text("value"), &Arc::from(text("from")));
        }
        given
    }

    fn add(&mut self, field: &str, value: &str, from: &Arc<str>) {
        let count = || value.parse().ok().map(|value| Given { value, from: Arc::clone(from) });
        if field == format!("spec.{}", interval::FIELD) {
            self.interval_seconds = count();
        } else if field == safety::PATH {
            // The built-in limits are said in words, and apply without any file.
            let limits = serde_json::from_str(value).ok();
            self.safety = limits.map(|value| Given { value, from: Arc::clone(from) });
        } else if field.ends_with(".maxReplicas") {
            // One ceiling for all members of a group.
            self.max_replicas = count();
        }
    }
}
