//! How objects stand, counted: how many are not ready, limited, paused or only observe, by namespace and reason.
//!
//! A number of objects per namespace and reason, never a series per object: thousands of objects would be
//! thousands of series, and which ones they are the activity page and the status show.

use std::sync::Arc;

use engine::Mode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use resources::{Health, Outcome, Reason};

/// How one object stands, as far as it is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// That in which the object acts.
    namespace: Arc<str>,
    not_ready: Option<Reason>,
    limited: Option<Reason>,
    is_observed: bool,
    is_paused: bool,
}

impl Standing {
    /// How an object that acts in `namespace` stands after `outcome`, which left it in this `health`.
    pub(crate) fn of(namespace: &Arc<str>, outcome: &Outcome, health: &Health) -> Self {
        let is_observed = outcome.poll().is_some_and(|poll| poll.decision.mode == Mode::Observe);
        let is_paused = outcome.poll().is_some_and(|poll| poll.plan.brakes.pause.is_on());
        let not_ready = (!health.ready).then_some(health.reason);
        let (namespace, limited) = (Arc::clone(namespace), health.limited);
        Self { namespace, is_observed, is_paused, not_ready, limited }
    }
}

/// The gauges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standings {
    not_ready: Family<Labels, Gauge>,
    limited: Family<Labels, Gauge>,
    observed: Family<PlaceLabels, Gauge>,
    paused: Family<PlaceLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    namespace: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceLabels {
    kind: &'static str,
    namespace: String,
}

impl Standings {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "objects_not_ready",
            "Objects whose condition Ready is false, by namespace and reason; reported by the leader",
            self.not_ready.clone(),
        );
        registry.register(
            "objects_limited",
            "Objects whose condition ScalingLimited is true, by namespace and reason; reported by the leader",
            self.limited.clone(),
        );
        registry.register(
            "objects_observed",
            "Objects in observe mode, which scale nothing, by namespace; reported by the leader",
            self.observed.clone(),
        );
        registry.register(
            "objects_paused",
            "Objects whose scaling is paused, in one direction or both, by namespace; reported by the leader",
            self.paused.clone(),
        );
    }

    /// Counts an object where it stands now, and no longer where it stood.
    pub(crate) fn count(&self, kind: &'static str, standing: &mut Standing, now: Standing) {
        let before = std::mem::replace(standing, now);
        if before == *standing {
            return;
        }
        // Added first: an object that changes its reason is missing at no instant, as an alert would begin again.
        self.add(kind, standing, 1);
        self.add(kind, &before, -1);
    }

    fn add(&self, kind: &'static str, standing: &Standing, change: i64) {
        let namespace = || standing.namespace.to_string();
        for (gauges, reason) in [(&self.not_ready, standing.not_ready), (&self.limited, standing.limited)] {
            if let Some(reason) = reason {
                move_by(gauges, Labels { kind, namespace: namespace(), reason: reason.as_str() }, change);
            }
        }
        for (gauges, counts) in [(&self.observed, standing.is_observed), (&self.paused, standing.is_paused)] {
            if counts {
                move_by(gauges, PlaceLabels { kind, namespace: namespace() }, change);
            }
        }
    }
}

/// Moves a gauge, and drops the series at zero: namespaces come and go.
fn move_by<L>(gauges: &Family<L, Gauge>, labels: L, change: i64)
where
    L: Clone + std::hash::Hash + Eq,
{
    let before = gauges.get_or_create(&labels).inc_by(change);
    if before + change == 0 {
        gauges.remove(&labels);
    }
}
