//! `hpa`: what the HPA controller recommends. It is the policy of plans that an HPA is compiled into, with the HPA's
//! `behavior` as their limits; manifests of this project cannot name it.

use super::metric::{Circumstances, HpaMetric, MetricAim};
use super::recommend::{Recommended, recommend};
use super::{Hpa, Tolerance};
use crate::pod_metric::Startup;
use crate::policy::{PolicyMemories, Recommendation};
use crate::{AbsentMetric, Basis, Policy, View};

/// The HPA controller's own arithmetic over all metrics of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct HpaPolicy {
    metrics: Vec<HpaMetric>,
    tolerance: Tolerance,
    startup: Startup,
}

/// The policy's name in steps.
const NAME: &str = "hpa";

impl HpaPolicy {
    /// The policy of `hpa`, whose metrics are the plan's, in the same order.
    pub fn new(hpa: &Hpa, startup: Startup) -> Self {
        Self { metrics: hpa.metrics.clone(), tolerance: hpa.tolerance(), startup }
    }

    fn recommended(&self, view: &View<'_>, member: usize) -> Option<Recommended> {
        let (tolerance, startup, now) = (self.tolerance, self.startup, view.now);
        let about = Circumstances { scale: view.scale(member)?, tolerance, startup, now };
        Some(recommend(&self.metrics, view.readings, about))
    }
}

impl Policy for HpaPolicy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recommend(&self, view: &View<'_>, member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let winner = self.recommended(view, member)?.winner?;
        let replicas = winner.replicas;
        Some(Recommendation { policy: NAME, replicas, basis: Basis::Proposal(winner) })
    }

    fn counts_ready_pods(&self, _: bool) -> bool {
        self.metrics.iter().any(|metric| matches!(metric.aim, MetricAim::Value(_)))
    }

    fn waits_for_bounds(&self) -> bool {
        true
    }

    /// The controller counts pods in its own way, and takes any number.
    fn absences(&self, view: &View<'_>) -> Option<Vec<AbsentMetric>> {
        Some(self.recommended(view, 0).map(|recommended| recommended.failed).unwrap_or_default())
    }
}
