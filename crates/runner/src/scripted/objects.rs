//! Objects as the API server would report them.

use std::fmt;

use engine::{Asked, Prepared, Problem, Query, SourceCatalog};
use resources::{Kind, business_scaling, scaling_group};
use serde_json::{Value, json};

use crate::{Event, ObjectKey};

/// Finds nothing wrong with any source, which is asked of the server in its URL.
pub(crate) struct Anything;

impl SourceCatalog for Anything {
    fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>> {
        let url = asked.config["url"].as_str().unwrap_or_default();
        let server = url.match_indices('/').nth(2).map(|(end, _)| url[..end].to_owned());
        Ok(Query::of_server(server, asked.source, url, ()).into())
    }
}

/// An object and its kind.
#[derive(Clone)]
pub(crate) struct Object(Value, &'static Kind);

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Object {
    /// A BusinessScaling of the Deployment of the same name, with a source of the same name.
    pub(crate) fn new(name: &str) -> Self {
        let object = json!({
            "apiVersion": "example.com/v1",
            "kind": "BusinessScaling",
            "metadata": {
                "name": name, "uid": name, "generation": 1, "creationTimestamp": "2023-11-01T00:00:00Z",
            },
            "spec": {
                "targetDeployment": name, "metricSource": format!("http://load/{name}"), "intervalSeconds": 10,
                "scaleThresholds": { "minUsers": 1000, "maxUsers": 5000, "minReplicas": 2, "maxReplicas": 10 },
                "safety": {},
            },
        });
        Self(object, &business_scaling::KIND)
    }

    /// A ScalingGroup of the Deployments `members`, each with 1 to 100 replicas. The source of the group's
    /// name reports what arrives at the first, which calls all others; a replica handles 100 of it.
    pub(crate) fn group(name: &str, members: &[&str]) -> Self {
        let entry = members[0];
        let calls: Vec<Value> = members[1..].iter().map(|to| json!({ "from": entry, "to": to })).collect();
        let object = json!({
            "apiVersion": "polyscaler.dev/v1alpha1",
            "kind": "ScalingGroup",
            "metadata": {
                "name": name, "namespace": "default", "uid": name, "generation": 1,
                "creationTimestamp": "2023-11-01T00:00:00Z",
            },
            "spec": {
                "members": members.iter().map(|name| Self::member(name)).collect::<Vec<_>>(),
                "metrics": [{
                    "name": "calls", "type": "http", "member": entry,
                    "config": { "url": format!("http://load/{name}") },
                }],
                "callGraph": calls,
                "intervalSeconds": 10,
                "safety": {},
            },
        });
        Self(object, &scaling_group::KIND)
    }

    /// A member of a group, as [`Object::group`] has them.
    pub(crate) fn member(name: &str) -> Value {
        json!({ "targetRef": { "name": name }, "maxReplicas": 100, "capacity": 100 })
    }

    /// With another value somewhere in its spec, and so another generation.
    pub(crate) fn at(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        self.0["spec"].pointer_mut(parent).unwrap()[field] = value.into();
        let generation = self.0["metadata"]["generation"].as_i64().unwrap();
        self.0["metadata"]["generation"] = json!(generation + 1);
        self
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

    /// The same in another namespace and under another name.
    pub(crate) fn called(mut self, name: &str, namespace: &str) -> Self {
        self.0["metadata"]["name"] = json!(name);
        self.0["metadata"]["namespace"] = json!(namespace);
        self.uid(name)
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
    pub(crate) fn mode(self, mode: &str) -> Self {
        self.annotated("polyscaler.dev/mode", Some(mode))
    }

    /// With a status that holds this memory.
    pub(crate) fn remembering(mut self, memory: Value) -> Self {
        self.0["status"] = json!({ "memory": memory });
        self
    }

    /// The same as an object of another kind that takes its spec.
    pub(super) fn of_kind(self, kind: &'static Kind) -> Self {
        Self(self.0, kind)
    }

    /// With an annotation, or without it.
    pub(super) fn annotated(mut self, name: &str, value: Option<&str>) -> Self {
        self.0["metadata"]["annotations"][name] = json!(value);
        self
    }

    pub(crate) fn key(&self) -> ObjectKey {
        let name = self.0["metadata"]["name"].as_str().unwrap().to_owned();
        let namespace = self.0["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        ObjectKey::new(self.1.kind, namespace, name)
    }

    pub(crate) fn applied(&self) -> Event {
        Event::Applied { key: self.key(), kind: self.1, object: Box::new(self.0.clone()) }
    }

    pub(crate) fn deleted(&self) -> Event {
        Event::Deleted(self.key())
    }
}
