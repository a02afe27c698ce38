//! How objects stand, counted: how many are not ready, how many are held back, and why.
//!
//! A number of objects a reason, never a series an object: thousands of objects would be
//! thousands of series, and which ones they are the activity page and the status tell.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use resources::{ConditionType, Outcome, Reason};

/// How one object stands, as far as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    not_ready: Option<Reason>,
    limited: Option<Reason>,
}

impl Standing {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let mut standing = Self::default();
        for condition in outcome.conditions() {
            match (condition.type_, condition.holds) {
                (ConditionType::Ready, false) => standing.not_ready = Some(condition.reason),
                (ConditionType::ScalingLimited, true) => standing.limited = Some(condition.reason),
                _ => {}
            }
        }
        standing
    }
}

/// The gauges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standings {
    not_ready: Family<Labels, Gauge>,
    limited: Family<Labels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    reason: &'static str,
}

impl Standings {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "objects_not_ready",
            "Objects whose condition Ready is false, by its reason; counted by the leader",
            self.not_ready.clone(),
        );
        registry.register(
            "objects_limited",
            "Objects whose condition ScalingLimited is true, by its reason; counted by the leader",
            self.limited.clone(),
        );
    }

    /// Counts an object where it stands now, and no longer where it stood.
    pub(crate) fn count(&self, kind: &'static str, standing: &mut Standing, now: Standing) {
        let before = std::mem::replace(standing, now);
        for (gauges, before, now) in
            [(&self.not_ready, before.not_ready, now.not_ready), (&self.limited, before.limited, now.limited)]
        {
            let add = |reason: Option<Reason>, change| {
                let labels = reason.map(|reason| Labels { kind, reason: reason.as_str() });
                labels.map(|labels| gauges.get_or_create(&labels).inc_by(change));
            };
            if before != now {
                add(before, -1);
                add(now, 1);
            }
        }
    }
}
