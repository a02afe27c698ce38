//! Objects as the API server would tell them.

use engine::{ConfigPath, Problem, SourceCatalog};
use resources::business_scaling::KIND;
use serde_json::{Value, json};

use crate::{Event, ObjectKey};

/// Finds nothing wrong with any source.
pub(crate) struct Anything;

impl SourceCatalog for Anything {
    fn validate(&self, _: &str, _: &Value, _: &ConfigPath<'_>) -> Vec<Problem> {
        Vec::new()
    }
}

/// A BusinessScaling of the Deployment of the same name, with a source of the same name.
#[derive(Clone, Debug)]
pub(crate) struct Object(Value);

impl Object {
    pub(crate) fn new(name: &str) -> Self {
        Self(json!({
            "apiVersion": "example.com/v1",
            "kind": "BusinessScaling",
            "metadata": {
                "name": name, "uid": name, "generation": 1, "creationTimestamp": "2023-11-01T00:00:00Z",
            },
            "spec": {
                "targetDeployment": name, "metricSource": format!("http://load/{name}"), "intervalSeconds": 10,
                "scaleThresholds": { "minUsers": 1000, "maxUsers": 5000, "minReplicas": 2, "maxReplicas": 10 },
            },
        }))
    }

    /// With another value in one field of its spec, and so another generation.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["spec"][field] = value.into();
        let generation = self.0["metadata"]["generation"].as_i64().unwrap();
        self.0["metadata"]["generation"] = json!(generation + 1);
        self
    }

    pub(crate) fn target(self, name: &str) -> Self {
        self.with("targetDeployment", name)
    }

    pub(crate) fn source(self, who: &str) -> Self {
        self.with("metricSource", format!("http://load/{who}"))
    }

    pub(crate) fn cooldown(self, seconds: u32) -> Self {
        self.with("safety", json!({ "cooldownSeconds": seconds }))
    }

    /// Asks for its metric and for the target `name` in a way that shows who asks.
    pub(crate) fn known_as(mut self, who: &str, name: &str) -> Self {
        if let Some(spec) = self.0["spec"].as_object_mut() {
            spec.remove("targetDeployment");
        }
        self.source(who).with("targetRef", json!({ "apiVersion": format!("apps/{who}"), "name": name }))
    }

    pub(crate) fn uid(mut self, uid: &str) -> Self {
        self.0["metadata"]["uid"] = json!(uid);
        self
    }

    /// Created on this day of the month.
    pub(crate) fn created(mut self, day: u32) -> Self {
        self.0["metadata"]["creationTimestamp"] = json!(format!("2023-11-{day:02}T00:00:00Z"));
        self
    }

    /// Annotated, which makes no new generation.
    pub(crate) fn mode(mut self, mode: &str) -> Self {
        self.0["metadata"]["annotations"] = json!({ "polyscaler.dev/mode": mode });
        self
    }

    /// With a status that holds this memory.
    pub(crate) fn remembering(mut self, memory: Value) -> Self {
        self.0["status"] = json!({ "memory": memory });
        self
    }

    pub(crate) fn key(&self) -> ObjectKey {
        let name = self.0["metadata"]["name"].as_str().unwrap().to_owned();
        ObjectKey { kind: KIND.kind, namespace: String::new(), name }
    }

    pub(crate) fn applied(&self) -> Event {
        Event::Applied { key: self.key(), kind: &KIND, object: Box::new(self.0.clone()) }
    }

    pub(crate) fn deleted(&self) -> Event {
        Event::Deleted(self.key())
    }
}
