//! Pods and what they use, for metrics about the cluster itself.
//!
//! ```text
//!  watch of a namespace and selector ─▶ index (stripped pods) ─┐
//!  GET replicasets                   ─▶ owners                 ├─▶ PodSample: what a decision looks at
//!  GET metrics.k8s.io                ─▶ usage                  ┤
//!  GET custom.metrics.k8s.io         ─▶ adapters               ┘   and figures of objects and from outside
//! ```
//!
//! Only the namespaces and selectors that someone asks for are watched, and a watch ends when nobody has asked
//! for a while. The first list comes in pages, and of each pod only what counts is kept, so that thousands of pods
//! take a few megabytes. metrics.k8s.io cannot be watched: each reading asks it once.

mod adapters;
mod index;
mod object;
mod owners;
mod usage;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use engine::pod_metric::{PodMeasure, PodResource};
use engine::{Absence, AbsenceReason, PodSample, PodUsage, Target, Time};
use kube::api::DynamicObject;
use kube::{Api, Client};

use crate::Clients;
use crate::connect::no_answer;
use crate::refusal::{Asked, Cause, Refusal, Refusals};
use crate::targets::Scalables;
use adapters::Adapters;
pub use adapters::{AboutObject, MetricName};
use index::{Over, PodIndex};
use object::Kept;
use owners::{Claimed, Owners};
use usage::Usage;

/// Counts the pods of targets that are ready.
pub(crate) struct ReadyPods(PodIndex);

impl ReadyPods {
    /// Pods behind the API server of `clients`.
    pub(crate) fn new(clients: &Clients) -> Self {
        Self(PodIndex::new(clients.read.clone(), clients.timeout))
    }

    /// How many pods in `namespace` match `selector`, run and are ready.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub(crate) async fn count(&self, namespace: &str, selector: &str) -> Result<u32, Absence> {
        let pods = self.0.pods(namespace, selector, Over::LeftOut).await?;
        Ok(pods.iter().filter(|pod| pod.is_ready).map(|_| 1).sum())
    }
}

/// How many pods there are, and on how many nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodCount {
    /// Pods that are neither Succeeded nor Failed.
    pub pods: u64,
    /// Nodes that such pods are bound to.
    pub nodes: u64,
}

/// Knows the pods of those that ask.
pub struct PodStore {
    client: Client,
    timeout: Duration,
    scalables: Scalables,
    refusals: Refusals,
    index: PodIndex,
    owners: Owners,
    usage: Usage,
    adapters: Adapters,
}

impl PodStore {
    /// Pods behind the API server of `clients`.
    pub fn new(clients: &Clients) -> Self {
        // Not the one that tries again: an API server without metrics says so at once, and is asked
        // again at the next poll anyway.
        let (client, timeout) = (clients.write.clone(), clients.timeout);
        let refusals = Refusals::new(clients);
        Self {
            scalables: Scalables::new(client.clone(), timeout),
            index: PodIndex::new(clients.read.clone(), timeout),
            owners: Owners::new(client.clone(), timeout, refusals.clone()),
            usage: Usage::new(client.clone(), timeout, refusals.clone()),
            adapters: Adapters::new(client.clone(), timeout, refusals.clone()),
            refusals,
            client,
            timeout,
        }
    }

    /// How many pods in `namespace` match `selector` and are neither Succeeded nor Failed.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn count(&self, namespace: &str, selector: &str) -> Result<PodCount, Absence> {
        let pods = self.index.pods(namespace, selector, Over::LeftOut).await?;
        let nodes: BTreeSet<&String> = pods.iter().filter_map(|pod| pod.node.as_deref()).collect();
        Ok(PodCount { pods: pods.len() as u64, nodes: nodes.len() as u64 })
    }

    /// The pods that the selector of `target` finds, in the order of their names, with what `measure` asks of them.
    /// Those that the target does not own are marked.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn samples(&self, target: &Target, measure: &PodMeasure) -> Result<Vec<PodSample>, Absence> {
        let claimed = self.claimed(target).await?;
        let pods = self.pods(target, &claimed).await?;
        let measured = self.usage.of(&target.namespace, &claimed.selector, measure).await?;
        Ok(sampled(pods, measure.resource, measured))
    }

    /// The same with what an adapter says of each pod under a metric's name.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn custom(&self, target: &Target, metric: MetricName<'_>) -> Result<Vec<PodSample>, Absence> {
        let claimed = self.claimed(target).await?;
        let pods = self.pods(target, &claimed).await?;
        let measured = self.adapters.of_pods(&claimed.selector, metric).await?;
        Ok(sampled(pods, PodResource::Custom, measured))
    }

    /// The value of a metric of one object, by custom.metrics.k8s.io, in thousandths.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn of_object(&self, object: AboutObject<'_>, metric: MetricName<'_>) -> Result<i64, Absence> {
        self.adapters.of_object(object, metric).await
    }

    /// The sum of the values of a metric of external.metrics.k8s.io, in thousandths.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn external(&self, metric: MetricName<'_>) -> Result<i64, Absence> {
        self.adapters.external(metric).await
    }

    /// The pods that the selector of `target` finds, with whether it owns them.
    async fn pods(&self, target: &Target, claimed: &Claimed) -> Result<Vec<(Arc<Kept>, bool)>, Absence> {
        let pods = self.index.pods(&target.namespace, &claimed.selector, Over::Kept).await?;
        let mut owned = Vec::with_capacity(pods.len());
        for pod in pods {
            let is_owned = self.owners.owns(claimed, &target.namespace, pod.controller.as_deref()).await?;
            owned.push((pod, is_owned));
        }
        Ok(owned)
    }

    /// What the scale of `target` says of its pods.
    async fn claimed(&self, target: &Target) -> Result<Claimed, Absence> {
        let missing = |message| Absence { reason: AbsenceReason::ValueMissing, message };
        let resource = self.scalables.resource(target).await.map_err(|failure| missing(failure.message))?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &target.namespace, &resource);
        let what = format!("scale of {target}");
        let scale = match tokio::time::timeout(self.timeout, api.get_scale(&target.name)).await {
            Ok(Ok(scale)) => scale,
            Ok(Err(error)) => {
                let asked = Asked::of(&resource, &target.namespace, &target.name).to("get", "scale");
                return Err(absence(&what, &self.refusals.explain(&asked, &error).await));
            }
            Err(_) => return Err(unanswered(&what, self.timeout)),
        };
        let selector = scale.status.and_then(|status| status.selector).filter(|text| !text.is_empty());
        let selector = selector.ok_or_else(|| {
            missing(format!(
                "{target}: its scale subresource does not report a pod selector (status.selector)"
            ))
        })?;
        let is_built_in = matches!(resource.group.as_str(), "apps" | "");
        Ok(Claimed { selector, uid: scale.metadata.uid.unwrap_or_default(), is_built_in })
    }
}

/// The pods with what was `measured` of them, by their names.
fn sampled(
    pods: Vec<(Arc<Kept>, bool)>,
    resource: PodResource,
    mut measured: HashMap<String, PodUsage>,
) -> Vec<PodSample> {
    let sample = |(pod, owned): (Arc<Kept>, bool)| {
        let usage = measured.remove(pod.name.as_str());
        pod.sample(resource, owned, usage)
    };
    let mut samples: Vec<PodSample> = pods.into_iter().map(sample).collect();
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    samples
}

/// The absence of `what`, which was refused.
pub(crate) fn absence(what: &str, refusal: &Refusal) -> Absence {
    let reason = match refusal.cause {
        None => AbsenceReason::ConnectionFailed,
        Some(Cause::TimedOut) => AbsenceReason::Timeout,
        Some(_) => AbsenceReason::BadStatus,
    };
    Absence { reason, message: format!("{what}: {}", refusal.message) }
}

/// The absence of `what`, for which no answer came.
pub(crate) fn unanswered(what: &str, limit: Duration) -> Absence {
    Absence { reason: AbsenceReason::Timeout, message: format!("{what}: {}", no_answer(limit)) }
}

/// The instant, as the engine counts time.
fn time(time: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Time) -> Time {
    Time::from_millis(time.0.as_millisecond())
}

/// One copy of each of many equal values.
#[derive(Debug)]
struct Shared<T>(HashSet<Arc<T>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + std::hash::Hash> Shared<T> {
    fn of(&mut self, value: T) -> Arc<T> {
        if let Some(known) = self.0.get(&value) {
            return Arc::clone(known);
        }
        let value = Arc::new(value);
        self.0.insert(Arc::clone(&value));
        value
    }

    /// Forgets what nobody has any more.
    fn sweep(&mut self) {
        self.0.retain(|value| Arc::strong_count(value) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_kept_once_and_as_long_as_somebody_has_them() {
        let mut shared = Shared::default();
        let (one, same) = (shared.of("a".to_owned()), shared.of("a".to_owned()));
        assert!(Arc::ptr_eq(&one, &same));
        shared.sweep();
        assert_eq!(shared.0.len(), 1);
        drop((one, same));
        shared.sweep();
        assert!(shared.0.is_empty());
    }
}
