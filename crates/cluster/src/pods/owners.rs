//! Whose a pod is: from the pod's controller up to the target.
//!
//! Pods of others may have the target's labels, such as a Job's; they do no work of the target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Absence;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, ResourceExt as _};

use super::object::{Controller, controller};
use super::{absence, unanswered};
use crate::refusal::{Asked, Refusals};

/// No chain that is known here is longer: a target, its ReplicaSet, its pods.
const LONGEST: usize = 2;

/// So many controllers are remembered; then they are asked for again.
const MOST_KNOWN: usize = 20_000;

/// What a target claims.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    /// The selector of its pods.
    pub(super) selector: String,
    pub(super) uid: String,
    /// Whether it is of a kind of Kubernetes' own, whose pods always name the chain of their owners.
    pub(super) is_built_in: bool,
}

/// See the module.
pub(super) struct Owners {
    client: Client,
    timeout: Duration,
    refusals: Refusals,
    /// What controls the controllers that are known, by their uid. That never changes in practice.
    parents: Mutex<HashMap<String, Arc<Controller>>>,
}

/// What is known of the controller of an object in the chain.
enum Parent {
    Found(Arc<Controller>),
    /// Nothing controls it, or it is gone.
    None,
    /// It is of a kind that is not asked for.
    Unknown,
}

impl Owners {
    pub(super) fn new(client: Client, timeout: Duration, refusals: Refusals) -> Self {
        Self { client, timeout, refusals, parents: Mutex::default() }
    }

    /// Whether the target owns a pod that `controller` controls. Where the chain of owners leaves what is known
    /// here, as with custom kinds, the labels decide, as they do for the HPA.
    ///
    /// # Errors
    /// An absence that says why it cannot be found out.
    pub(super) async fn owns(
        &self,
        claimed: &Claimed,
        namespace: &str,
        controller: Option<&Controller>,
    ) -> Result<bool, Absence> {
        let Some(first) = controller else { return Ok(!claimed.is_built_in) };
        let mut at = Arc::new(first.clone());
        for _ in 0..LONGEST {
            if at.uid == claimed.uid {
                return Ok(true);
            }
            at = match self.parent(namespace, &at).await? {
                Parent::Found(parent) => parent,
                Parent::None => return Ok(false),
                Parent::Unknown => return Ok(!claimed.is_built_in),
            };
        }
        Ok(false)
    }

    async fn parent(&self, namespace: &str, of: &Controller) -> Result<Parent, Absence> {
        let version = match of.api_version.split_once('/') {
            Some(("apps", version)) if of.kind == "ReplicaSet" => version,
            // Whatever wants a job done, the job's pods bear no load of a target's.
            Some(("batch", _)) => return Ok(Parent::None),
            _ => return Ok(Parent::Unknown),
        };
        if let Some(parent) = self.lock().get(&of.uid) {
            return Ok(Parent::Found(Arc::clone(parent)));
        }
        let kind = GroupVersionKind::gvk("apps", version, &of.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, "replicasets");
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        let what = format!("{} {namespace}/{}", of.kind, of.name);
        let found = match tokio::time::timeout(self.timeout, api.get_metadata_opt(&of.name)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                let asked = Asked::of(&resource, namespace, &of.name).to("get", "");
                return Err(absence(&what, &self.refusals.explain(&asked, &error).await));
            }
            Err(_) => return Err(unanswered(&what, self.timeout)),
        };
        // One of another uid has only taken the name.
        let found = found.filter(|found| found.uid().as_deref() == Some(&of.uid));
        let Some(parent) = found.and_then(|found| controller(found.owner_references())) else {
            return Ok(Parent::None);
        };
        let parent = Arc::new(parent);
        let mut parents = self.lock();
        if parents.len() >= MOST_KNOWN {
            parents.clear();
        }
        parents.insert(of.uid.clone(), Arc::clone(&parent));
        Ok(Parent::Found(parent))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Controller>>> {
        self.parents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
