//! What pods use, by metrics.k8s.io: asked for at each reading, and stripped while it is read.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use engine::pod_metric::PodMeasure;
use engine::{Absence, AbsenceReason, ContainerUsage, PodUsage};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time as Timestamp;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind, Request};
use kube::{Client, Resource as _};
use serde::Deserialize;

use super::object::milli;
use super::{absence, time, unanswered};
use crate::refusal::{Asked, Cause, Refusals};

/// See the module.
pub(super) struct Usage {
    client: Client,
    timeout: Duration,
    refusals: Refusals,
}

#[derive(Deserialize)]
struct List {
    items: Option<Vec<PodMetrics>>,
}

#[derive(Deserialize)]
struct PodMetrics {
    metadata: Metadata,
    timestamp: Timestamp,
    /// The time that it was measured over, as `1m0.5s`.
    window: String,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    #[serde(default)]
    usage: BTreeMap<String, String>,
}

impl Usage {
    pub(super) fn new(client: Client, timeout: Duration, refusals: Refusals) -> Self {
        Self { client, timeout, refusals }
    }

    /// What the pods in `namespace` that match `selector` use, by their names; without those that were not measured.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub(super) async fn of(
        &self,
        namespace: &str,
        selector: &str,
        measure: &PodMeasure,
    ) -> Result<HashMap<String, PodUsage>, Absence> {
        let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
        let kind = ApiResource::from_gvk_with_plural(&kind, "pods");
        let what = format!("pods.metrics.k8s.io in {namespace}");
        let malformed = |error: &dyn std::fmt::Display| Absence {
            reason: AbsenceReason::Malformed,
            message: format!("{what}: the API server's response cannot be read: {error}"),
        };
        let request = Request::new(DynamicObject::url_path(&kind, Some(namespace)))
            .list(&ListParams::default().labels(selector))
            .map_err(|error| malformed(&error))?;
        let text = match tokio::time::timeout(self.timeout, self.client.request_text(request)).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => {
                let asked = Asked::of(&kind, namespace, "").to("list", "");
                return Err(self.refused(&what, &asked, &error).await);
            }
            Err(_) => return Err(unanswered(&what, self.timeout)),
        };
        let list: List = serde_json::from_str(&text).map_err(|error| malformed(&error))?;
        let items = list.items.unwrap_or_default().into_iter();
        Ok(items.filter_map(|pod| used(pod, measure)).collect())
    }

    async fn refused(&self, what: &str, asked: &Asked, error: &kube::Error) -> Absence {
        let refusal = self.refusals.explain(asked, error).await;
        let message = match refusal.cause {
            Some(Cause::NotServed | Cause::NotFound) => format!(
                "{what}: the API server does not know metrics.k8s.io: install metrics-server, which \
                 measures pods"
            ),
            Some(Cause::Unavailable) => format!(
                "{what}: the API service of metrics.k8s.io, usually metrics-server, is unavailable ({})",
                refusal.message
            ),
            _ => return absence(what, &refusal),
        };
        Absence { reason: AbsenceReason::BadStatus, message }
    }
}

/// What was measured of a pod; `None` where the resource was not, or not of all containers that are asked for.
fn used(pod: PodMetrics, measure: &PodMeasure) -> Option<(String, PodUsage)> {
    let mut containers = Vec::with_capacity(pod.containers.len());
    for container in pod.containers {
        match milli(&container.usage, measure.resource).filter(|milli| *milli >= 0) {
            Some(milli) => containers.push(ContainerUsage { container: container.name, milli }),
            None if measure.container.is_none() => return None,
            None => {}
        }
    }
    let window: SignedDuration = pod.window.parse().unwrap_or(SignedDuration::ZERO);
    let usage = PodUsage {
        at: time(&pod.timestamp),
        window: Duration::try_from(window).unwrap_or_default(),
        containers,
    };
    (!usage.containers.is_empty()).then_some((pod.metadata.name, usage))
}

#[cfg(test)]
mod tests {
    use engine::Time;
    use engine::pod_metric::{PodAmount, PodResource};
    use serde_json::json;

    use super::*;

    fn measure(resource: PodResource, container: Option<&str>) -> PodMeasure {
        PodMeasure { resource, amount: PodAmount::Usage, container: container.map(str::to_owned) }
    }

    #[test]
    fn a_measurement_is_read_by_resource() {
        let pod = |second: serde_json::Value| -> PodMetrics {
            let first = json!({ "name": "app", "usage": { "cpu": "12345678n", "memory": "3Ki" } });
            serde_json::from_value(
                json!({ "metadata": { "name": "web-1" }, "timestamp": "2026-01-01T00:00:00Z",
                "window": "1m0.5s", "containers": [first, second] }),
            )
            .unwrap()
        };
        let side = json!({ "name": "side", "usage": { "cpu": "1", "memory": "1" } });
        let (name, cpu) = used(pod(side.clone()), &measure(PodResource::Cpu, None)).unwrap();
        assert_eq!((name.as_str(), cpu.at), ("web-1", Time::from_seconds(1_767_225_600)));
        assert_eq!(cpu.window, Duration::from_millis(60_500));
        // A part of a thousandth counts as a whole one, as in the HPA.
        assert_eq!(cpu.containers[0], ContainerUsage { container: "app".to_owned(), milli: 13 });
        let memory = used(pod(side), &measure(PodResource::Memory, None)).unwrap().1;
        assert_eq!(memory.containers[0].milli, 3 * 1024 * 1000);
        // A container that was not measured makes the whole pod one that was not, unless another one is asked for.
        let idle = json!({ "name": "idle" });
        assert!(used(pod(idle.clone()), &measure(PodResource::Cpu, None)).is_none());
        assert!(used(pod(idle), &measure(PodResource::Cpu, Some("app"))).is_some());
    }
}
