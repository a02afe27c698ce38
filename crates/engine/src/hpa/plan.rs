//! The plan that an HPA comes to.

use std::sync::Arc;
use std::time::Duration;

use super::{Hpa, HpaMetric, HpaPolicy, MetricAim};
use crate::pod_metric::Startup;
use crate::{
    Actuation, Brakes, Member, Metric, MetricTarget, Mode, Plan, Query, Safeguards, Target, TargetType,
};

impl Hpa {
    /// The plan by which `target` is scaled as an HPA controller would scale it that syncs every `interval`.
    /// `queries` are those of its metrics, in the same order.
    pub fn plan(
        &self,
        target: Target,
        queries: impl IntoIterator<Item = Query>,
        startup: Startup,
        interval: Duration,
    ) -> Plan {
        let metrics = self.metrics.iter().zip(queries).map(|(metric, query)| metric.of_plan(query)).collect();
        Plan {
            members: vec![Member::single(target, self.bounds)],
            metrics,
            policy: Arc::new(HpaPolicy::new(self, startup)),
            limits: self.limits.clone(),
            actuation: Actuation::Scale,
            brakes: Brakes::default(),
            safeguards: Safeguards::default(),
            origins: Vec::new(),
            foresight: None,
            mode: Mode::Act,
            interval,
            group: None,
        }
    }
}

impl HpaMetric {
    fn of_plan(&self, query: Query) -> Metric {
        let (type_, value) = match &self.aim {
            MetricAim::AverageValue(milli) => (TargetType::AverageValue, *milli as f64 / 1e3),
            MetricAim::Value(milli) => (TargetType::Value, *milli as f64 / 1e3),
            MetricAim::Pods(_, aim) => (TargetType::AverageValue, aim.in_unit()),
        };
        let target = MetricTarget::new(type_, value);
        Metric { name: self.name.to_string(), query, minimum: None, target, member: None }
    }
}
