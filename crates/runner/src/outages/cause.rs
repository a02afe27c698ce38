//! What objects that fail together have in common.

use resources::{Health, Outcome, Poll, Reason};

/// Why objects are not ready: a reason, and the place where the fault is. Objects with equal causes are one outage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// The reason of `Ready`.
    pub reason: Reason,
    /// Where the fault is: the server of a metric, such as `prometheus at http://prometheus.monitoring:9090`, else the
    /// namespace, such as `namespace shop`.
    pub place: String,
}

impl Cause {
    /// Why an object that acts in `namespace` is not ready after `outcome`, which left it in this `health`; `None`
    /// where it is ready.
    pub fn of(namespace: &str, outcome: &Outcome, health: &Health) -> Option<Self> {
        if health.ready {
            return None;
        }
        let place = match (health.reason, outcome.poll()) {
            (Reason::Metric(_), Some(poll)) => place_of_metric(poll, namespace),
            _ => format!("namespace {namespace}"),
        };
        Some(Self { reason: health.reason, place })
    }
}

/// Where the first answer that is missing should have come from.
fn place_of_metric(poll: &Poll, namespace: &str) -> String {
    let absent = poll.decision.absences.first();
    let metric =
        absent.and_then(|absent| poll.plan.metrics.iter().find(|metric| metric.name == absent.metric));
    match (metric, poll.plan.policy.adviser()) {
        (Some(metric), _) => match metric.query.server() {
            Some(server) => format!("{} at {server}", metric.query.source()),
            None => format!("{} in namespace {namespace}", metric.query.source()),
        },
        (None, Some(adviser)) => format!("adviser at {}", adviser.address),
        (None, None) => format!("namespace {namespace}"),
    }
}
