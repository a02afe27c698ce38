//! How many objects and triggers KEDA's operator would count as registered, by its names and labels. Only who leads says so,
//! so that replicas are not added up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::Shared;

/// See the module.
#[derive(Default)]
pub(super) struct KedaRegistered {
    objects: Family<ResourceLabels, Gauge>,
    triggers: Family<TriggerTypeLabel, Gauge>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    leads: bool,
    /// The types of the triggers of each object.
    /// With the types of their triggers.
    objects: HashMap<Registered, Arc<[String]>>,
    types: Shared<[String]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Registered {
    type_: &'static str,
    /// Its namespace, a slash and its name: there is one for each object.
    object: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    r#type: &'static str,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TriggerTypeLabel {
    r#type: String,
}

impl KedaRegistered {
    /// Registers them, under KEDA's own names.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("keda_resource_registered_total", "Objects of KEDA's kinds", self.objects.clone());
        registry.register("keda_trigger_registered_total", "Triggers, by type", self.triggers.clone());
    }

    /// Notes an object with the types of its triggers; `None` where it is gone.
    pub(super) fn note(
        &self,
        type_: &'static str,
        (namespace, name): (&str, &str),
        triggers: Option<Vec<String>>,
    ) {
        let object = Registered { type_, object: [namespace, "/", name].concat().into() };
        let mut known = self.lock();
        let triggers = triggers.map(|triggers| known.types.one(triggers));
        let before = match &triggers {
            Some(triggers) => known.objects.insert(object.clone(), Arc::clone(triggers)),
            None => known.objects.remove(&object),
        };
        if known.leads {
            before.iter().for_each(|triggers| self.count(&object, triggers, -1));
            triggers.iter().for_each(|triggers| self.count(&object, triggers, 1));
        }
    }

    /// Notes whether this replica leads.
    pub(super) fn lead(&self, leads: bool) {
        let mut known = self.lock();
        known.leads = leads;
        self.objects.clear();
        self.triggers.clear();
        if leads {
            known.objects.iter().for_each(|(object, triggers)| self.count(object, triggers, 1));
        }
    }

    fn count(&self, object: &Registered, triggers: &[String], change: i64) {
        let namespace = object.object.split('/').next().filter(|namespace| !namespace.is_empty());
        let namespace = namespace.unwrap_or("default");
        let labels = ResourceLabels { r#type: object.type_, namespace: namespace.to_owned() };
        self.objects.get_or_create(&labels).inc_by(change);
        for trigger in triggers {
            self.triggers.get_or_create(&TriggerTypeLabel { r#type: trigger.clone() }).inc_by(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
