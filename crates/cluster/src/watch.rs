//! Watches our kinds and the HPAs, and tells the loop what happens.

use std::fmt::Debug;
use std::sync::Arc;

use engine::Target;
use futures::StreamExt as _;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Resource, ResourceExt as _};
use resources::{Kind, Scope};
use runner::{Event, ObjectKey, Readiness};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::follow::{Change, Name, follow};
use crate::journal::Objects;

/// What to watch, and whom to tell.
pub struct Watches {
    /// The client for reads.
    pub client: Client,
    /// The kinds to watch; the others need neither CRD nor rights.
    pub kinds: Vec<&'static Kind>,
    /// The namespaces to act in; empty for all.
    pub namespaces: Vec<String>,
    /// Whom to tell.
    pub events: mpsc::Sender<Event>,
    /// Where to note what is waited for.
    pub readiness: Arc<Readiness>,
    /// Where to note what the status of each object is.
    pub objects: Arc<Objects>,
}

/// Watches for ever, and tells [`Event::Synced`] once every list has been told.
///
/// A kind whose CRD is missing holds the start up: without it ownership of targets is not
/// known. The watch waits for the CRD and readiness says so.
pub async fn watch(watches: Watches) {
    let watches = Arc::new(watches);
    let (synced, mut all_synced) = mpsc::channel::<()>(1);
    let mut tasks = JoinSet::new();
    for kind in watches.kinds.iter().copied() {
        for namespace in scopes(&watches, kind.scope) {
            tasks.spawn(watch_kind(Arc::clone(&watches), kind, namespace, synced.clone()));
        }
    }
    for namespace in scopes(&watches, Scope::Namespaced) {
        tasks.spawn(watch_hpas(Arc::clone(&watches), namespace, synced.clone()));
    }
    drop(synced);
    // Each watch holds a sender until its first list is told.
    while all_synced.recv().await.is_some() {}
    if watches.events.send(Event::Synced).await.is_err() {
        return;
    }
    while tasks.join_next().await.is_some() {}
}

/// One watch for the whole cluster, or one for each namespace.
fn scopes(watches: &Watches, scope: Scope) -> Vec<Option<String>> {
    if scope == Scope::Cluster || watches.namespaces.is_empty() {
        return vec![None];
    }
    watches.namespaces.iter().cloned().map(Some).collect()
}

fn labelled(what: &str, namespace: Option<&String>) -> String {
    namespace.map_or_else(|| what.to_owned(), |namespace| format!("{what} in namespace {namespace}"))
}

async fn watch_kind(
    watches: Arc<Watches>,
    kind: &'static Kind,
    namespace: Option<String>,
    synced: mpsc::Sender<()>,
) {
    let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
    let api: Api<DynamicObject> = match &namespace {
        Some(namespace) => Api::namespaced_with(watches.client.clone(), namespace, &resource),
        None => Api::all_with(watches.client.clone(), &resource),
    };
    let what = labelled(&kind.crd_name(), namespace.as_ref());
    relay(&watches, what, api, synced, |change| match change {
        Changed::Applied(object) => applied(&watches, kind, object),
        Changed::Deleted(name) => deleted(&watches, kind, name),
    })
    .await;
}

/// What happened to one object.
enum Changed<K> {
    Applied(K),
    Deleted(Name),
}

/// Tells the loop every change of the objects in `api`, as `event` puts it; lets go of `synced`
/// when the first list has been told.
async fn relay<K>(
    watches: &Watches,
    what: String,
    api: Api<K>,
    synced: mpsc::Sender<()>,
    event: impl Fn(Changed<K>) -> Event,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut changes = std::pin::pin!(follow(what, api, Arc::clone(&watches.readiness)));
    let mut synced = Some(synced);
    while let Some(change) = changes.next().await {
        let event = match change {
            Change::Synced => {
                drop(synced.take());
                continue;
            }
            Change::Applied(object) => event(Changed::Applied(object)),
            Change::Deleted(name) => event(Changed::Deleted(name)),
        };
        if watches.events.send(event).await.is_err() {
            return;
        }
    }
}

fn key(kind: &'static Kind, (namespace, name): Name) -> ObjectKey {
    ObjectKey { kind: kind.kind, namespace, name }
}

fn deleted(watches: &Watches, kind: &'static Kind, name: Name) -> Event {
    let key = key(kind, name);
    watches.objects.remove(&key);
    Event::Deleted(key)
}

fn applied(watches: &Watches, kind: &'static Kind, mut object: DynamicObject) -> Event {
    object.managed_fields_mut().clear();
    let name = (object.namespace().unwrap_or_default(), object.name_any());
    let value = serde_json::to_value(&object).unwrap_or_default();
    let outside = !watches.namespaces.is_empty() && !watches.namespaces.contains(&kind.acts_in(&value));
    if outside || object.metadata.deletion_timestamp.is_some() {
        return deleted(watches, kind, name);
    }
    let key = key(kind, name);
    watches.objects.seen(&key, &value);
    Event::Applied { key, kind, object: Box::new(value) }
}

async fn watch_hpas(watches: Arc<Watches>, namespace: Option<String>, synced: mpsc::Sender<()>) {
    let api: Api<HorizontalPodAutoscaler> = match &namespace {
        Some(namespace) => Api::namespaced(watches.client.clone(), namespace),
        None => Api::all(watches.client.clone()),
    };
    let what = labelled("horizontalpodautoscalers.autoscaling", namespace.as_ref());
    relay(&watches, what, api, synced, |change| match change {
        Changed::Deleted(hpa) => Event::Hpa { hpa, target: None },
        Changed::Applied(hpa) => {
            let name = (hpa.namespace().unwrap_or_default(), hpa.name_any());
            Event::Hpa { target: Some(hpa_target(hpa, &name.0)), hpa: name }
        }
    })
    .await;
}

fn hpa_target(hpa: HorizontalPodAutoscaler, namespace: &str) -> Target {
    let reference = hpa.spec.scale_target_ref;
    Target {
        api_version: reference.api_version.unwrap_or_default(),
        kind: reference.kind,
        namespace: namespace.to_owned(),
        name: reference.name,
    }
}
