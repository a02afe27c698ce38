//! The replicas of all objects of a watched kind, kept up to date by one watch.

use futures::StreamExt as _;
use kube::core::Object;
use kube::core::gvk::GroupVersionKind;
use runner::Shared;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::*;
use crate::FIELD_MANAGER;
use crate::stream::{Change, NOT_LISTED, Place, changes_of};

/// A watch that has not listed by then lets the poll fail; the next one waits again.
const SYNC_TIMEOUT: Duration = Duration::from_secs(10);

/// The kinds that are watched, with their resource names.
const WATCHED: [(&str, &str); 3] =
    [("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("ReplicaSet", "replicasets")];

/// The resource name of `target`'s kind, where it is one of the watched.
pub(super) fn watched_plural(target: &Target) -> Option<&'static str> {
    if target.api_version != "apps/v1" {
        return None;
    }
    WATCHED.iter().find(|(kind, _)| *kind == target.kind).map(|(_, plural)| *plural)
}

/// The resource called `plural` of `target`'s kind.
pub(super) fn resource(target: &Target, plural: &str) -> ApiResource {
    let (group, version) = target.api_version.rsplit_once('/').unwrap_or(("", &target.api_version));
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, &target.kind), plural)
}

/// The part of a watched object that matters here; the rest is dropped while it is read.
type Scaled = Object<Spec, Status>;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Spec {
    replicas: Option<i32>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    replicas: i32,
    ready_replicas: i32,
}

/// What is known of one target.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) scale: Scale,
    pub(super) last_scaled: LastScaled,
    /// Who last set the replicas, where that is someone else.
    pub(super) changed_by: Option<Arc<str>>,
}

/// One cache for each watched kind and namespace that a plan targets, begun when the plan is made.
pub(super) struct Caches {
    client: Client,
    namespaces: Vec<String>,
    readiness: Arc<Readiness>,
    caches: Mutex<HashMap<(&'static str, String), Arc<Cache>>>,
}

impl Caches {
    pub(super) fn new(client: Client, namespaces: Vec<String>, readiness: Arc<Readiness>) -> Self {
        Self { client, namespaces, readiness, caches: Mutex::default() }
    }

    /// The cache in which `target` stands, where its kind is watched.
    pub(super) fn of(&self, target: &Target) -> Option<Arc<Cache>> {
        let plural = watched_plural(target)?;
        let namespace = if self.namespaces.is_empty() { String::new() } else { target.namespace.clone() };
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.entry((plural, namespace.clone())).or_insert_with(|| {
            Cache::begin(&self.client, &resource(target, plural), &namespace, Arc::clone(&self.readiness))
        });
        Some(Arc::clone(cache))
    }
}

/// The targets of one kind, by namespace and name.
pub(super) struct Cache {
    known: Mutex<HashMap<Place, Known>>,
    synced: watch::Receiver<bool>,
    /// Why it knows nothing yet stands there, under the name of its watch.
    readiness: Arc<Readiness>,
    what: String,
}

impl Cache {
    /// Begins a watch of `resource` in `namespace`, or everywhere where that is empty.
    fn begin(
        client: &Client,
        resource: &ApiResource,
        namespace: &str,
        readiness: Arc<Readiness>,
    ) -> Arc<Self> {
        let name = format!("{}.{}", resource.plural, resource.group);
        let (what, api): (String, Api<Scaled>) = match namespace {
            "" => (name, Api::all_with(client.clone(), resource)),
            namespace => (
                format!("{name} in namespace {namespace}"),
                Api::namespaced_with(client.clone(), namespace, resource),
            ),
        };
        let (listed, synced) = watch::channel(false);
        let cache = Arc::new(Self { known: Mutex::default(), synced, readiness, what });
        tokio::spawn(Arc::clone(&cache).keep(api, listed));
        cache
    }

    async fn keep(self: Arc<Self>, api: Api<Scaled>, listed: watch::Sender<bool>) {
        // A handful of names, which all targets have.
        let mut managers = Shared::default();
        let mut changes = std::pin::pin!(changes_of(self.what.clone(), api, Arc::clone(&self.readiness)));
        while let Some(change) = changes.next().await {
            match change {
                Change::Applied(object) => {
                    let place = Place::of(&object.namespace().unwrap_or_default(), &object.name_any());
                    let known = known(&object, &mut managers);
                    self.lock().insert(place, known);
                }
                Change::Deleted((namespace, name)) => {
                    self.lock().remove(&Place::of(&namespace, &name));
                }
                Change::Synced => {
                    listed.send_replace(true);
                }
                Change::NotServed | Change::Forbidden => {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of `target`, once the first list is there.
    pub(super) async fn lookup(&self, target: &Target) -> Result<Known, TargetFailure> {
        let mut synced = self.synced.clone();
        let waited = tokio::time::timeout(SYNC_TIMEOUT, synced.wait_for(|synced| *synced)).await;
        if !matches!(waited, Ok(Ok(_))) {
            // A right that is missing is no API server that keeps silent.
            let why = self.readiness.why(&self.what).filter(|why| why != NOT_LISTED);
            let Some(why) = why else { return Err(unanswered(target, SYNC_TIMEOUT)) };
            return Err(TargetFailure {
                reason: Reason::FailedGetScale,
                message: format!("{target}: {why}"),
            });
        }
        let place = Place::of(&target.namespace, &target.name);
        self.lock().get(&place).cloned().ok_or_else(|| TargetFailure {
            reason: Reason::TargetNotFound,
            message: format!("{target} does not exist"),
        })
    }

    /// Notes that `target` is asked for `replicas`, before the watch reports it.
    pub(super) fn asked_for(&self, target: &Target, replicas: u32) {
        if let Some(known) = self.lock().get_mut(&Place::of(&target.namespace, &target.name)) {
            known.scale.replicas = replicas;
        }
    }
}

fn known(object: &Scaled, managers: &mut Shared<str>) -> Known {
    let status = object.status.clone().unwrap_or_default();
    let scale = Scale {
        replicas: count(object.spec.replicas.unwrap_or(1)),
        status_replicas: count(status.replicas),
        ready: Some(count(status.ready_replicas)),
    };
    let managed = object.managed_fields();
    Known {
        scale,
        last_scaled: scaled_by_us(managed),
        changed_by: changed_by(managed).map(|name| managers.one(name)),
    }
}

/// Whether our field manager was the last to change the replicas. The API server notes it in the
/// same write as the replicas, so it cannot be lost on the way to the status; whoever changes
/// them after us takes the note over.
pub(super) fn scaled_by_us(managed: &[ManagedFieldsEntry]) -> LastScaled {
    let ours = managed.iter().find(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.subresource.as_deref() == Some("scale")
    });
    match ours.map(|entry| entry.time.as_ref()) {
        None => LastScaled::NotByUs,
        Some(None) => LastScaled::AtUnknownTime,
        Some(Some(time)) => LastScaled::At(Time::from_millis(time.0.as_millisecond())),
    }
}

/// The field manager that last set the replicas, by the API server's own account; `None` where that is ours, or
/// where nobody is noted.
pub(super) fn changed_by(managed: &[ManagedFieldsEntry]) -> Option<&str> {
    let sets_replicas = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        fields.and_then(|fields| fields.get("f:spec")?.get("f:replicas")).is_some()
    };
    let setting = managed.iter().filter(sets_replicas);
    let manager = setting.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?.manager.as_deref()?;
    (manager != FIELD_MANAGER).then_some(manager)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_manager_of_the_replicas_is_found() {
        let entry = |manager: &str, fields: serde_json::Value, time: &str| {
            json!({ "manager": manager, "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                "fieldsV1": fields, "time": time })
        };
        let replicas = || json!({ "f:spec": { "f:replicas": {} } });
        let other = || json!({ "f:metadata": { "f:labels": {} } });
        for (entries, manager) in [
            (vec![], None),
            (vec![entry("kubectl", other(), "2026-01-01T00:00:09Z")], None),
            (vec![entry("argocd-controller", replicas(), "2026-01-01T00:00:01Z")], Some("argocd-controller")),
            (
                vec![
                    entry("argocd-controller", replicas(), "2026-01-01T00:00:01Z"),
                    entry("kubectl", replicas(), "2026-01-01T00:00:02Z"),
                    entry("kube-controller-manager", other(), "2026-01-01T00:00:03Z"),
                ],
                Some("kubectl"),
            ),
            (vec![entry(FIELD_MANAGER, replicas(), "2026-01-01T00:00:02Z")], None),
        ] {
            let entries: Vec<ManagedFieldsEntry> = serde_json::from_value(json!(entries)).unwrap();
            assert_eq!(changed_by(&entries), manager);
        }
    }
}
