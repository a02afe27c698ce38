//! What a policy by activity remembers from one decision to the next: small, and the same from poll to poll as long as
//! nothing changes, so that it costs no write.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PolicyMemory, ScalerMetric, Time};

/// What is remembered of one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ActivationMemory {
    /// Whether the last decision found it active.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_active: bool,
    /// When it stopped being active for the last time; not moved while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active: Option<Time>,
    /// Failures in a row by the name of the metric; only of those that fail, and counted no further than they matter.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failures: BTreeMap<String, u32>,
    /// What the sources of open triggers have last named: names and targets, by the trigger.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    open: BTreeMap<String, Vec<(String, f64)>>,
}

/// The memory of a target that was last active at `last_active`, for whoever takes it over from elsewhere.
pub fn remembered(last_active: Time) -> PolicyMemory {
    let mut memory = PolicyMemory::default();
    memory.of::<ActivationMemory>().last_active = Some(last_active);
    memory
}

impl ActivationMemory {
    /// When it was last active; `now` while it is. `None` for a target that has never been.
    pub(super) fn last_active(&self, now: Time) -> Option<Time> {
        // An instant in the future comes from another machine's clock.
        if self.is_active { Some(now) } else { self.last_active.map(|at| at.min(now)) }
    }

    /// Takes over whether it is active at `now`. Activity that ends counts up to the decision that misses it, whoever
    /// made the one before.
    pub(super) fn observe(&mut self, is_active: bool, now: Time) {
        if self.is_active && !is_active {
            self.last_active = Some(now);
        }
        self.is_active = is_active;
    }

    /// Counts one more failure of `metric`, to `most` at most, or forgets those before.
    pub(super) fn count(&mut self, metric: &str, fails: bool, most: u32) {
        if fails {
            let failures = self.failures.entry(metric.to_owned()).or_default();
            *failures = failures.saturating_add(1).min(most);
        } else {
            self.failures.remove(metric);
        }
    }

    /// Failures of `metric` in a row.
    pub(super) fn failures(&self, metric: &str) -> u32 {
        self.failures.get(metric).copied().unwrap_or_default()
    }

    /// Takes over what the source of the open trigger `trigger` names.
    pub(super) fn name(&mut self, trigger: &str, metrics: &[ScalerMetric]) {
        if metrics.is_empty() {
            return;
        }
        let named = metrics.iter().map(|metric| (metric.name.clone(), metric.target)).collect();
        self.open.insert(trigger.to_owned(), named);
    }

    /// Names and targets that the source of the open trigger `trigger` has last named.
    pub(super) fn named(&self, trigger: &str) -> &[(String, f64)] {
        self.open.get(trigger).map_or(&[], Vec::as_slice)
    }

    /// Forgets the open triggers and the metrics that are not known.
    pub(super) fn retain(&mut self, is_open: impl Fn(&str) -> bool, is_metric: impl Fn(&str) -> bool) {
        self.open.retain(|trigger, _| is_open(trigger));
        self.failures.retain(|metric, _| is_metric(metric));
    }
}
