//! Groups as the loop knows them: ScalingGroups that no API server has.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::Time;
use resources::MODE_ANNOTATION;
use resources::scaling_group::KIND;
use runner::{Event, ObjectKey};
use serde_json::{Map, Value, json};

use super::args::RANDOM;
use super::group_spec::{GroupSpec, target_ref};

/// What all groups have in common.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) namespace: String,
    pub(super) interval: Duration,
    pub(super) min_replicas: u32,
    pub(super) max_replicas: u32,
    pub(super) policy: String,
    /// Whether decisions are only logged.
    pub(super) dry_run: bool,
    pub(super) seed: u32,
    pub(super) group_spec: Option<GroupSpec>,
    /// When the groups were made: the start of this process.
    pub(super) created: Time,
}

impl Settings {
    /// The spec of a group of these Deployments.
    pub(super) fn spec(&self, deployments: &[&str]) -> Value {
        let group_spec = self.group_spec.as_ref();
        let mut spec = group_spec.map(|more| more.about(deployments)).unwrap_or_default();
        let mut config = group_spec.map(GroupSpec::config).unwrap_or_default();
        if self.policy == RANDOM {
            config.insert("seed".to_owned(), self.seed.into());
        }
        spec.insert("members".to_owned(), deployments.iter().map(|name| self.member(name)).collect());
        spec.insert("policy".to_owned(), json!({ "type": self.policy, "config": config }));
        spec.insert("intervalSeconds".to_owned(), self.interval.as_secs().into());
        // Without one, an object would have the limits of an HPA, and each round of an experiment is to count.
        spec.entry("safety").or_insert_with(|| json!({}));
        Value::Object(spec)
    }

    fn member(&self, deployment: &str) -> Value {
        let defaults = Map::from_iter([
            ("targetRef".to_owned(), target_ref(deployment)),
            ("minReplicas".to_owned(), self.min_replicas.into()),
            ("maxReplicas".to_owned(), self.max_replicas.into()),
        ]);
        match &self.group_spec {
            Some(more) => more.member(deployment, defaults),
            None => Value::Object(defaults),
        }
    }

    /// The whole object of a group.
    pub(super) fn object(&self, name: &str, generation: i64, spec: &Value) -> Value {
        let mut annotations = self.group_spec.as_ref().map(GroupSpec::annotations).unwrap_or_default();
        if self.dry_run {
            annotations.insert(MODE_ANNOTATION.to_owned(), "observe".into());
        }
        json!({
            "apiVersion": KIND.api_version(),
            "kind": KIND.kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "uid": format!("{name}-of-{}", self.created.as_millis()),
                "generation": generation,
                "creationTimestamp": self.created.to_string(),
                "annotations": annotations,
            },
            "spec": spec,
        })
    }

    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(KIND.kind, self.namespace.clone(), name)
    }
}

/// The name of the group at `index` in its file, counted from 0.
pub(super) fn group_name(index: usize) -> String {
    format!("group-{}", index + 1)
}

/// The state of each group that the loop knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    specs: BTreeMap<String, Value>,
    /// Generations only grow, also where a group goes and comes back.
    generations: BTreeMap<String, i64>,
}

impl Known {
    /// The events that let the loop know the groups of these names and specs, and no others.
    pub(super) fn update(&mut self, settings: &Settings, groups: BTreeMap<String, Value>) -> Vec<Event> {
        let gone = self.specs.keys().filter(|name| !groups.contains_key(*name));
        let mut events: Vec<Event> = gone.map(|name| Event::Deleted(settings.key(name))).collect();
        for (name, spec) in &groups {
            if self.specs.get(name) == Some(spec) {
                continue;
            }
            let generation = self.generations.entry(name.clone()).or_default();
            *generation += 1;
            let object = Box::new(settings.object(name, *generation, spec));
            events.push(Event::Applied { key: settings.key(name), kind: &KIND, object });
        }
        self.specs = groups;
        events
    }
}
