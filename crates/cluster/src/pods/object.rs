//! A pod as it is read, and what is kept of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::hpa::Quantity;
use engine::pod_metric::PodResource;
use engine::{ContainerRequest, PodPhase, PodRequests, PodSample, PodUsage, Readiness, Time};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time as Timestamp;
use kube::ResourceExt as _;
use kube::core::Object;
use serde::{Deserialize, Serialize};

use super::{Shared, time};

/// The part of a pod that matters here; the rest is dropped while it is read.
pub(super) type Pod = Object<Spec, Status>;

/// Amounts of resources by name, for example `cpu: 250m`.
type Amounts = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    node_name: Option<String>,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    /// What the pod requests as a whole, where it does.
    resources: Resources,
    /// What running it takes beside its containers.
    overhead: Amounts,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    restart_policy: Option<String>,
    resources: Resources,
}

impl Container {
    /// Whether an init container goes on beside the others.
    fn is_lasting(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Resources {
    requests: Amounts,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    phase: String,
    start_time: Option<Timestamp>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    last_transition_time: Option<Timestamp>,
}

/// What controls an object, by its ownerReferences.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Controller {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
}

/// What a pod's containers request. Pods of one template request the same.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Requests {
    cpu: Requested,
    memory: Requested,
}

/// What is requested of one resource, in milli-units.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Requested {
    pod: Option<i64>,
    containers: Vec<(String, Option<i64>)>,
}

/// Since when a condition holds that does not say: to the HPA controller, since the year 1.
const ALWAYS: Time = Time::from_seconds(-62_135_596_800);

/// What is kept of a pod.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) name: String,
    phase: PodPhase,
    /// Whether it runs and says that it is ready.
    pub(super) is_ready: bool,
    readiness: Option<Readiness>,
    started: Option<Time>,
    deletion: Option<Time>,
    pub(super) node: Option<Arc<String>>,
    pub(super) controller: Option<Arc<Controller>>,
    requests: Arc<Requests>,
}

/// What many pods have in common, once.
#[derive(Debug, Default)]
pub(super) struct Common {
    nodes: Shared<String>,
    controllers: Shared<Controller>,
    requests: Shared<Requests>,
}

impl Common {
    /// Forgets what no pod has any more.
    pub(super) fn sweep(&mut self) {
        self.nodes.sweep();
        self.controllers.sweep();
        self.requests.sweep();
    }

    /// What is kept of `pod`.
    pub(super) fn keep(&mut self, pod: &Pod) -> Kept {
        let status = pod.status.clone().unwrap_or_default();
        let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
        let readiness = ready.map(|ready| Readiness {
            ready: ready.status != "False",
            since: ready.last_transition_time.as_ref().map_or(ALWAYS, time),
        });
        let controller = controller(pod.owner_references());
        Kept {
            name: pod.name_any(),
            phase: PodPhase::of(&status.phase),
            is_ready: status.phase == "Running" && ready.is_some_and(|ready| ready.status == "True"),
            readiness,
            started: status.start_time.as_ref().map(time),
            deletion: pod.metadata.deletion_timestamp.as_ref().map(time),
            node: pod.spec.node_name.clone().map(|node| self.nodes.of(node)),
            controller: controller.map(|controller| self.controllers.of(controller)),
            requests: self.requests.of(requests(&pod.spec)),
        }
    }
}

/// What controls an object with these owners.
pub(super) fn controller(
    owners: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference],
) -> Option<Controller> {
    let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
    Some(Controller {
        api_version: owner.api_version.clone(),
        kind: owner.kind.clone(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
    })
}

fn requests(spec: &Spec) -> Requests {
    let of = |resource: PodResource| Requested {
        pod: of_whole(spec, resource),
        containers: lasting(spec)
            .map(|container| (container.name.clone(), milli(&container.resources.requests, resource)))
            .collect(),
    };
    Requests { cpu: of(PodResource::Cpu), memory: of(PodResource::Memory) }
}

/// Resources that a pod may request as a whole, beside those whose names begin with `hugepages-`.
const OF_WHOLE: [&str; 2] = ["cpu", "memory"];

/// What the pod as a whole requests of a resource, where it requests anything as a whole: of another resource than it
/// names then, what its containers come to, of which some may request nothing. The HPA controller's rule (`PodRequests`).
fn of_whole(spec: &Spec, resource: PodResource) -> Option<i64> {
    let own = &spec.resources.requests;
    if !own.keys().any(|name| OF_WHOLE.contains(&name.as_str()) || name.starts_with("hugepages-")) {
        return None;
    }
    let requested = milli(own, resource).or_else(|| of_containers(spec, resource));
    sum(requested, milli(&spec.overhead, resource))
}

/// What the containers request of a resource together: those that last, or one that prepares the pod where it takes more
/// with those that were started before it.
fn of_containers(spec: &Spec, resource: PodResource) -> Option<i64> {
    let of = |container: &Container| milli(&container.resources.requests, resource);
    let lasting = lasting(spec).map(of).fold(None, sum);
    let (mut beside, mut most) = (None, lasting);
    for container in &spec.init_containers {
        let at_once = sum(beside, of(container));
        most = most.max(at_once);
        if container.is_lasting() {
            beside = at_once;
        }
    }
    most
}

/// `None` where neither is there.
fn sum(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

/// Containers that run as long as the pod does: its own, and those beside them that started first.
fn lasting(spec: &Spec) -> impl Iterator<Item = &Container> {
    spec.containers.iter().chain(spec.init_containers.iter().filter(|container| container.is_lasting()))
}

/// How much of the resource `amounts` name, in milli-units.
pub(super) fn milli(amounts: &Amounts, resource: PodResource) -> Option<i64> {
    Some(amounts.get(resource.name())?.parse::<Quantity>().ok()?.milli())
}

impl Kept {
    /// The pod as a decision about `resource` looks at it.
    pub(super) fn sample(&self, resource: PodResource, owned: bool, usage: Option<PodUsage>) -> PodSample {
        let requested = match resource {
            PodResource::Cpu => Some(&self.requests.cpu),
            PodResource::Memory => Some(&self.requests.memory),
            // What only an application knows of nobody requests.
            PodResource::Custom => None,
        };
        let container = |(name, milli): &(String, Option<i64>)| ContainerRequest {
            container: name.clone(),
            milli: *milli,
        };
        let requests = requested.map(|requested| PodRequests {
            pod: requested.pod,
            containers: requested.containers.iter().map(container).collect(),
        });
        PodSample {
            name: self.name.clone(),
            phase: self.phase,
            readiness: self.readiness,
            started: self.started,
            deletion: self.deletion,
            owned,
            requests: requests.unwrap_or_default(),
            usage,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_counts_of_a_pod_is_kept() {
        let pod: Pod = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "web-1", "namespace": "shop", "labels": { "app": "web" },
                "deletionTimestamp": "2026-01-01T00:01:00Z",
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "7", "controller": true }],
            },
            "spec": {
                "nodeName": "a",
                "containers": [
                    { "name": "app", "image": "x", "resources": { "requests": { "cpu": "250m", "memory": "64Mi" } } },
                    { "name": "bare" },
                ],
                "initContainers": [
                    { "name": "setup", "resources": { "requests": { "cpu": "2" } } },
                    { "name": "mesh", "restartPolicy": "Always", "resources": { "requests": { "cpu": "0.1" } } },
                ],
            },
            "status": {
                "phase": "Running", "startTime": "2026-01-01T00:00:00Z",
                "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z" }],
            },
        }))
        .unwrap();
        let mut common = Common::default();
        let (kept, again) = (common.keep(&pod), common.keep(&pod));
        assert!(Arc::ptr_eq(&kept.requests, &again.requests));
        let start = Time::from_seconds(1_767_225_600);
        let sample = kept.sample(PodResource::Cpu, true, None);
        assert_eq!((sample.name.as_str(), sample.phase, sample.owned), ("web-1", PodPhase::Running, true));
        assert_eq!(sample.started, Some(start));
        let since = start.plus(std::time::Duration::from_secs(5));
        assert_eq!(sample.readiness, Some(Readiness { ready: true, since }));
        assert_eq!(sample.deletion, Some(start.plus(std::time::Duration::from_secs(60))));
        let requested: Vec<(&str, Option<i64>)> =
            sample.requests.containers.iter().map(|found| (found.container.as_str(), found.milli)).collect();
        assert_eq!(requested, [("app", Some(250)), ("bare", None), ("mesh", Some(100))]);
        let memory = kept.sample(PodResource::Memory, true, None).requests.containers[0].milli;
        assert_eq!(memory, Some(64 * 1024 * 1024 * 1000));
        let controller = kept.controller.unwrap();
        assert_eq!((controller.kind.as_str(), controller.uid.as_str()), ("ReplicaSet", "7"));
        assert_eq!(kept.node.unwrap().as_str(), "a");
    }

    fn kept(spec: serde_json::Value, status: serde_json::Value) -> Kept {
        let pod = json!({ "metadata": { "name": "web-1" }, "spec": spec, "status": status });
        Common::default().keep(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn a_condition_without_a_time_has_always_held() {
        let conditions = json!([{ "type": "Ready", "status": "True" }]);
        let kept = kept(json!({}), json!({ "phase": "Running", "conditions": conditions }));
        assert_eq!(kept.readiness, Some(Readiness { ready: true, since: ALWAYS }));
        assert_eq!(ALWAYS.to_string(), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn a_pod_that_requests_as_a_whole_requests_of_other_resources_what_its_containers_come_to() {
        let requested = |own: serde_json::Value, containers: serde_json::Value, inits: serde_json::Value| {
            let spec = json!({ "resources": { "requests": own }, "overhead": { "memory": "0.5" },
                               "containers": containers, "initContainers": inits });
            let kept = kept(spec, json!({}));
            [PodResource::Cpu, PodResource::Memory].map(|of| kept.sample(of, true, None).requests.pod)
        };
        let container = |memory: Option<&str>, restart_policy: Option<&str>| {
            let requests = memory.map(|memory| json!({ "memory": memory })).unwrap_or(json!({}));
            json!({ "name": "x", "restartPolicy": restart_policy, "resources": { "requests": requests } })
        };
        let (bare, two) = (container(None, None), container(Some("2"), None));
        let (seven, sidecar) = (container(Some("7"), None), container(Some("3"), Some("Always")));
        for (own, containers, inits, wanted) in [
            // Nothing of the pod as a whole.
            (json!({}), json!([two]), json!([seven]), [None, None]),
            (json!({ "ephemeral-storage": "1" }), json!([two]), json!([]), [None, None]),
            (json!({ "cpu": "1", "memory": "4" }), json!([two]), json!([seven]), [Some(1000), Some(4500)]),
            (json!({ "cpu": "1" }), json!([two, bare, two]), json!([]), [Some(1000), Some(4500)]),
            (json!({ "hugepages-2Mi": "2Mi" }), json!([two]), json!([]), [None, Some(2500)]),
            // 2 and the sidecar's 3 are less than the 7 that prepare, with that sidecar where it started before.
            (json!({ "cpu": "1" }), json!([two]), json!([seven, sidecar]), [Some(1000), Some(7500)]),
            (json!({ "cpu": "1" }), json!([two]), json!([sidecar, seven]), [Some(1000), Some(10_500)]),
            (json!({ "cpu": "1" }), json!([two, seven]), json!([sidecar]), [Some(1000), Some(12_500)]),
        ] {
            assert_eq!(requested(own.clone(), containers, inits), wanted, "{own}");
        }
    }
}
