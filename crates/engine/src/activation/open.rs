//! Triggers whose metrics are known only once their sources have been asked, and the HPA that is kept for them.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::memory::ActivationMemory;
use super::{Activation, OpenMetric, Trigger};
use crate::hpa::{Quantity, milli};
use crate::number::thousandths;
use crate::{KeptHpa, Memory, Target, TargetType};

impl Activation {
    /// The metrics that the sources of open triggers have last named for `target`, in the order of the triggers; none
    /// for a source that has not answered yet.
    pub fn open_metrics(&self, memory: &Memory, target: &Target) -> Vec<OpenMetric> {
        let mut remembered = memory.policy.get(target).cloned().unwrap_or_default();
        let remembered = remembered.of::<ActivationMemory>();
        let open = self.triggers.iter().enumerate().filter(|(_, trigger)| trigger.is_open);
        open.flat_map(|(place, trigger)| trigger.remembered(place, remembered)).collect()
    }

    /// `hpa` with what open triggers measure in the places of these triggers. `None` while a source has not named
    /// anything yet.
    pub(super) fn with_open_metrics<'a>(
        &self,
        hpa: &'a KeptHpa,
        memory: &Memory,
        target: &Target,
    ) -> Option<Cow<'a, KeptHpa>> {
        let entries = hpa.spec["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        // A formula stands in place of all triggers.
        if !entries.iter().any(|entry| self.trigger_of(entry).is_some()) {
            return Some(Cow::Borrowed(hpa));
        }
        let named = self.open_metrics(memory, target);
        let mut metrics = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(place) = self.trigger_of(entry) else {
                metrics.push(entry.clone());
                continue;
            };
            let own = named.iter().filter(|open| open.trigger == place);
            let before = metrics.len();
            metrics.extend(own.map(|open| open.entry(entry)));
            if metrics.len() == before {
                return None;
            }
        }
        let mut completed = hpa.clone();
        completed.spec["metrics"] = metrics.into();
        Some(Cow::Owned(completed))
    }

    /// The open trigger that an entry of an HPA's metrics stands for.
    fn trigger_of(&self, entry: &Value) -> Option<usize> {
        let is_own =
            |trigger: &Trigger| trigger.is_open && entry["external"]["metric"]["name"] == *trigger.metric;
        self.triggers.iter().position(is_own)
    }
}

impl OpenMetric {
    /// `entry` with its name and its target.
    fn entry(&self, entry: &Value) -> Value {
        let quantity = Quantity::written(milli(thousandths(self.target.value())));
        let target = match self.target.type_() {
            TargetType::AverageValue => json!({ "type": "AverageValue", "averageValue": quantity }),
            TargetType::Value => json!({ "type": "Value", "value": quantity }),
        };
        let mut entry = entry.clone();
        entry["external"]["metric"]["name"] = json!(&*self.metric);
        entry["external"]["target"] = target;
        entry
    }
}
