//! Which Deployments exist in a namespace and what marks them, for whoever has to distinguish those of an
//! application from the others. Apart from `targets`, as it is about names and not about replicas.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::ready;
use futures::{Stream, StreamExt as _};
use kube::core::{ApiResource, GroupVersionKind, Object};
use kube::{Api, ResourceExt as _};
use runner::Readiness;
use serde::{Deserialize, Serialize};

use crate::Clients;
use crate::stream::{Change, changes_of};

/// One Deployment, without what it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Its name.
    pub name: String,
    /// Its uid, by which it differs from others that had its name.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What happened to Deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentChange {
    /// It exists, in this state.
    Applied(Deployment),
    /// The one of that name is gone, or on its way out.
    Deleted(String),
    /// All that exist have been reported. Comes again after each restart of the watch.
    Synced,
}

/// Nothing of a spec or status matters here; it is dropped while it is read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Nothing {}

/// Every change of the Deployments in `namespace`, for ever; a failing watch is tried again.
pub fn deployments(
    clients: &Clients,
    namespace: &str,
    readiness: Arc<Readiness>,
) -> impl Stream<Item = DeploymentChange> + Send + use<> {
    let gvk = GroupVersionKind::gvk("apps", "v1", "Deployment");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "deployments");
    let api: Api<Object<Nothing, Nothing>> = Api::namespaced_with(clients.read.clone(), namespace, &resource);
    // Replicas are watched apart from this, so the name says what is missing without it.
    let what = format!("deployments.apps of the application in namespace {namespace}");
    changes_of(what, api, readiness).filter_map(|change| ready(deployment_change(change)))
}

fn deployment_change(change: Change<Object<Nothing, Nothing>>) -> Option<DeploymentChange> {
    Some(match change {
        // Whoever deletes it in the foreground has it stay until its pods are gone.
        Change::Applied(object) if object.metadata.deletion_timestamp.is_some() => {
            DeploymentChange::Deleted(object.name_any())
        }
        Change::Applied(object) => DeploymentChange::Applied(Deployment {
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            labels: object.labels().clone(),
            annotations: object.annotations().clone(),
        }),
        Change::Deleted((_, name)) => DeploymentChange::Deleted(name),
        Change::Synced => DeploymentChange::Synced,
        Change::NotServed | Change::Forbidden => return None,
    })
}
