//! What is measured at pods: in a replay that is the utilization of its replicas, and nothing else.

use engine::{Fault, FaultKind, Plan, Problem};

use super::Binder;
use crate::manifest::PODS;
use crate::workload::spec::SignalSpec;

/// Of a metric that an HPA measures at pods.
const OF_PODS: &str = "is measured by the HPA at the replicas themselves, so it is utilization: give the demand as load, and \
                       signal: utilization. Where only the metric itself was recorded, beside the replicas of that day, \
                       load: {column: …, kind: utilization, replicas: …} turns it into demand";

/// Whether the metric at `index` is measured at pods by an HPA, or by what goes by an HPA's arithmetic: that takes no
/// number in place of them.
pub(super) fn is_of_pods(plan: &Plan, index: usize) -> bool {
    ["hpa", "activation"].contains(&plan.policy.name()) && PODS.contains(&plan.metrics[index].query.source())
}

impl Binder<'_> {
    /// Refuses what is not measured at pods for a metric that is.
    pub(super) fn refuse_number(&mut self, index: usize, signal: SignalSpec) -> Option<()> {
        if signal == SignalSpec::Utilization {
            return Some(());
        }
        let name = &self.plan.metrics[index].name;
        let message = format!("{signal}: metric {name} {OF_PODS}");
        let fault = Fault::new(FaultKind::Unsupported, message);
        self.problems.push(Problem::new(format!("metrics.{name}.signal"), fault));
        None
    }

    /// Refuses a target in cores or bytes for a metric whose value is in per cent.
    pub(super) fn refuse_usage(&mut self, index: usize) -> Option<()> {
        let metric = &self.plan.metrics[index];
        let config = self.object.pointer(&format!("/spec/metrics/{index}/config/measure"));
        if !PODS.contains(&metric.query.source()) || config.is_none_or(|measure| measure != "usage") {
            return Some(());
        }
        let name = &metric.name;
        let message = format!(
            "utilization: metric {name} has measure: usage, and what a replica uses in cores or bytes is not known in a replay; \
             replay it with measure: utilization and a targetValue in per cent, or, where what all pods used was recorded, \
             with signal: load"
        );
        let fault = Fault::new(FaultKind::Unsupported, message);
        self.problems.push(Problem::new(format!("metrics.{name}.signal"), fault));
        None
    }

    /// Asks to say so, where a metric is measured at pods and nobody has.
    pub(super) fn require_utilization(&mut self, index: usize) {
        let name = &self.plan.metrics[index].name;
        let (path, message) = (format!("metrics.{name}.signal"), format!("metric {name} {OF_PODS}"));
        self.require(path, message);
    }
}
