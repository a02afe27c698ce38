//! Pods and what they use, as far as sources look at them, out of the API server's JSON.

use std::collections::BTreeMap;

use engine::{Absence, AbsenceReason, Target};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::source::PodReader;

/// Stands where no cluster is joined: whoever asks hears so.
pub(crate) struct NoCluster;

fn no_cluster<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, Absence>> {
    let message = "this metric is about a cluster's pods, and no cluster is known here".to_owned();
    std::future::ready(Err(Absence { reason: AbsenceReason::ConnectionFailed, message })).boxed()
}

impl PodReader for NoCluster {
    fn count<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<u64, Absence>> {
        no_cluster()
    }

    fn list<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<String, Absence>> {
        no_cluster()
    }

    fn metrics<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<String, Absence>> {
        no_cluster()
    }

    fn selector_of<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<String, Absence>> {
        no_cluster()
    }
}

/// The items of a list that the API server answered; `what` names it in the absence.
pub(crate) fn items<T: DeserializeOwned>(what: &str, json: &str) -> Result<Vec<T>, Absence> {
    let list: List<T> = serde_json::from_str(json).map_err(|error| Absence {
        reason: AbsenceReason::Malformed,
        message: format!("{what}: the API server's answer cannot be read: {error}"),
    })?;
    Ok(list.items.unwrap_or_default())
}

#[derive(Deserialize)]
struct List<T> {
    items: Option<Vec<T>>,
}

/// Amounts of resources by name, for example `cpu: 250m`.
pub(crate) type Amounts = BTreeMap<String, String>;

/// A pod.
#[derive(Debug, Deserialize)]
pub(crate) struct Pod {
    pub(crate) metadata: Metadata,
    pub(crate) spec: PodSpec,
    #[serde(default)]
    pub(crate) status: PodStatus,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) deletion_timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) owner_references: Vec<OwnerReference>,
}

/// Who keeps an object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerReference {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Whether it is the one that manages the object; there is at most one.
    #[serde(default)]
    pub(crate) controller: bool,
}

/// What is null is as if it were left out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec {
    pub(crate) node_name: Option<String>,
    pub(crate) containers: Vec<Container>,
    #[serde(default)]
    pub(crate) init_containers: Vec<Container>,
    /// What the pod asks for as a whole, where it does.
    #[serde(default)]
    pub(crate) resources: Resources,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) restart_policy: Option<String>,
    #[serde(default)]
    pub(crate) resources: Resources,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Resources {
    #[serde(default)]
    pub(crate) requests: Amounts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub(crate) phase: String,
    pub(crate) start_time: Option<Timestamp>,
    pub(crate) conditions: Vec<PodCondition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodCondition {
    #[serde(rename = "type")]
    pub(crate) type_: String,
    pub(crate) status: String,
    pub(crate) last_transition_time: Option<Timestamp>,
}

impl Pod {
    /// Whether it is ready, and since when; `None` where nobody has said yet.
    pub(crate) fn readiness(&self) -> Option<(bool, Timestamp)> {
        let condition = self.status.conditions.iter().find(|condition| condition.type_ == "Ready")?;
        Some((condition.status == "True", condition.last_transition_time?))
    }

    /// Containers that run as long as the pod does: its own, and those beside them that started first.
    pub(crate) fn running_containers(&self) -> impl Iterator<Item = &Container> {
        let lasting = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
        self.spec.containers.iter().chain(self.spec.init_containers.iter().filter(lasting))
    }
}

/// What one pod uses.
#[derive(Debug, Deserialize)]
pub(crate) struct PodMetrics {
    pub(crate) metadata: Metadata,
    /// The end of the time it was measured over.
    pub(crate) timestamp: Timestamp,
    /// That time, as `1m0.5s`.
    pub(crate) window: String,
    #[serde(default)]
    pub(crate) containers: Vec<ContainerMetrics>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ContainerMetrics {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) usage: Amounts,
}
