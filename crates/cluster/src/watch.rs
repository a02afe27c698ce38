//! Watches our kinds and the HPAs, and reports to the loop what happens.

mod watched;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use resources::{KINDS, Kind, Scope, horizontal_pod_autoscaler};
use runner::{Event, Metrics, Namespaces, ObjectKey, Readiness, Selection, SharedDefaults};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::finalizers::Finalizers;
use crate::hpas::{self, Hpas};
use crate::journal::Objects;
use crate::lease::{KEDA_GROUP, leave_to_keda};
use crate::namespace_labels::note_labels;
use crate::refusal;
use crate::selector::{NamespaceSelector, select};
use crate::stream::{Change, Name, changes_of};
use crate::supporting::SupportingObjects;
use watched::Watched;

/// Objects that one request lists at most.
const PAGE: u32 = 500;
/// Pause before a list that failed is asked for again.
const LIST_AGAIN: Duration = Duration::from_secs(1);

/// What to watch, and where to report it.
pub struct Watches {
    /// The client for reads.
    pub client: Client,
    /// The kinds to watch; the others need neither CRD nor rights.
    pub kinds: Vec<&'static Kind>,
    /// The namespaces to act in.
    pub namespaces: Namespaces,
    /// What selects them by their labels, where something does.
    pub selector: Option<NamespaceSelector>,
    /// Where to report.
    pub events: mpsc::Sender<Event>,
    /// Where to note what is waited for.
    pub readiness: Arc<Readiness>,
    /// Where to note what the status of each object is.
    pub objects: Arc<Objects>,
    /// Where to note what is to be done about finalizers.
    pub finalizers: Arc<Finalizers>,
    /// Where to note supporting objects, and who refers to them.
    pub supporting: Arc<SupportingObjects>,
    /// Where to note the HPAs that there are.
    pub hpas: Arc<Hpas>,
    /// Whether HPAs that are not ours are reported as objects, too, to be decided beside their controller.
    pub observe_hpas: bool,
    /// Where to count that objects are left to KEDA; `None` where they are not, whether or not KEDA is there.
    pub leave_to_keda: Option<Arc<Metrics>>,
    /// Where to note the labels of namespaces, where they count.
    pub labels: Option<Arc<SharedDefaults>>,
}

/// Watches for ever, and reports [`Event::Synced`] once every list has been reported.
///
/// A kind whose CRD is missing holds the start up: without it ownership of targets is not
/// known. The watch waits for the CRD and readiness says so.
pub async fn watch(mut watches: Watches) {
    let mut tasks = JoinSet::new();
    if let Some(selector) = watches.selector.take() {
        let (listed, all_listed) = oneshot::channel();
        tasks.spawn(select(watches.client.clone(), selector, Arc::clone(&watches.readiness), listed));
        // Which objects are acted on is not known before.
        let _ = all_listed.await;
    }
    if let Some(labels) = watches.labels.take() {
        let (listed, all_listed) = oneshot::channel();
        let events = watches.events.clone();
        tasks.spawn(note_labels(
            watches.client.clone(),
            labels,
            events,
            Arc::clone(&watches.readiness),
            listed,
        ));
        // What holds for an object is not known before.
        let _ = all_listed.await;
    }
    let is_kedas = |kind: &&Kind| kind.group == KEDA_GROUP;
    if let Some(metrics) = watches.leave_to_keda.take()
        && watches.kinds.iter().copied().any(|kind| is_kedas(&kind))
    {
        let (looked, has_looked) = oneshot::channel();
        let (finalizers, supporting) = (Arc::clone(&watches.finalizers), Arc::clone(&watches.supporting));
        let (client, events) = (watches.client.clone(), watches.events.clone());
        tasks.spawn(leave_to_keda(client, metrics, (finalizers, supporting), events, looked));
        // Whose the objects are is not known before.
        let _ = has_looked.await;
    }
    let watches = Arc::new(watches);
    let (synced, mut all_synced) = mpsc::channel::<()>(1);
    for watched in Watched::all(&watches.kinds) {
        for namespace in scopes(&watches, watched.scope()) {
            tasks.spawn(watch_objects(Arc::clone(&watches), watched, namespace, synced.clone()));
        }
    }
    for namespace in scopes(&watches, Scope::Namespaced) {
        tasks.spawn(watch_hpas(Arc::clone(&watches), namespace, synced.clone()));
    }
    drop(synced);
    // Each watch holds a sender until its first list is reported.
    while all_synced.recv().await.is_some() {}
    watches.supporting.listed();
    if watches.events.send(Event::Synced).await.is_err() {
        return;
    }
    while tasks.join_next().await.is_some() {}
}

/// One watch for the whole cluster, or one for each namespace.
fn scopes(watches: &Watches, scope: Scope) -> Vec<Option<String>> {
    if scope == Scope::Cluster || watches.namespaces.names().is_empty() {
        return vec![None];
    }
    watches.namespaces.names().iter().cloned().map(Some).collect()
}

fn labelled(what: &str, namespace: Option<&String>) -> String {
    namespace.map_or_else(|| what.to_owned(), |namespace| format!("{what} in namespace {namespace}"))
}

/// Objects of one kind.
async fn watch_objects(
    watches: Arc<Watches>,
    watched: Watched,
    namespace: Option<String>,
    synced: mpsc::Sender<()>,
) {
    let api: Api<DynamicObject> = match &namespace {
        Some(namespace) => Api::namespaced_with(watches.client.clone(), namespace, &watched.resource()),
        None => Api::all_with(watches.client.clone(), &watched.resource()),
    };
    let what = labelled(&watched.crd_name(), namespace.as_ref());
    relay(&watches, what, (api, watched.scope()), synced, watched.holds_up(), |change| {
        vec![watched.event(&watches, change)]
    })
    .await;
}

/// How long a watch keeps all polls waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HoldsUp {
    /// Until it has listed what there is: nothing can be decided without it.
    UntilListed,
    /// The same, or until the API server says that it does not serve the kind, or does not let us list it.
    UntilKnown,
}

/// What happened to one object.
enum Changed<K> {
    Applied(K),
    /// It is as it was, and its namespace is acted in from now on, or no longer.
    Moved(K),
    Deleted(Name),
}

/// Reports every change of the objects in `api` to the loop, as `events` put it, which may be no news; lets go of `synced`
/// when the first list has been reported.
async fn relay<K>(
    watches: &Watches,
    what: String,
    (api, scope): (Api<K>, Scope),
    synced: mpsc::Sender<()>,
    holds_up: HoldsUp,
    events: impl Fn(Changed<K>) -> Vec<Event>,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut changes = std::pin::pin!(changes_of(what.clone(), api.clone(), Arc::clone(&watches.readiness)));
    let mut synced = Some(synced);
    let mut selection = watches.namespaces.selection();
    loop {
        let change = tokio::select! {
            change = changes.next() => change,
            moved = moved(&mut selection) => {
                // In the same task, so that none of these is older than what was reported before.
                for object in listed_in(&what, (&api, scope), &moved).await {
                    for event in events(Changed::Moved(object)) {
                        if watches.events.send(event).await.is_err() {
                            return;
                        }
                    }
                }
                continue;
            }
        };
        let Some(change) = change else { return };
        let news = match change {
            Change::Synced => {
                drop(synced.take());
                continue;
            }
            Change::NotServed => {
                if holds_up == HoldsUp::UntilListed {
                    continue;
                }
                drop(synced.take());
                continue;
            }
            Change::Forbidden => {
                // Whoever refers to such an object says that it is not found; the log says why.
                if holds_up == HoldsUp::UntilKnown {
                    watches.readiness.arrived(&what);
                    drop(synced.take());
                }
                continue;
            }
            Change::Applied(object) => events(Changed::Applied(object)),
            Change::Deleted(name) => events(Changed::Deleted(name)),
        };
        for event in news {
            if watches.events.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// The namespaces that labels select or do so no longer; never where none are selected by labels.
async fn moved(selection: &mut Option<Selection>) -> Vec<String> {
    match selection {
        Some(selection) => selection.changed().await,
        None => std::future::pending().await,
    }
}

/// The objects in `namespaces`, or all of a kind without namespaces. Asked again until there is an answer.
async fn listed_in<K>(what: &str, (api, scope): (&Api<K>, Scope), namespaces: &[String]) -> Vec<K>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let fields = match scope {
        Scope::Namespaced => namespaces.iter().map(|name| format!("metadata.namespace={name}")).collect(),
        Scope::Cluster => vec![String::new()],
    };
    let mut found = Vec::new();
    for fields in fields {
        let mut params = ListParams::default().fields(&fields).limit(PAGE);
        loop {
            match api.list(&params).await {
                Ok(page) => {
                    found.extend(page.items);
                    params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
                    if params.continue_token.is_none() {
                        break;
                    }
                }
                Err(error) => {
                    let problem = refusal::of_list(what, &error);
                    tracing::warn!(
                        list = what,
                        fields,
                        problem,
                        "the list that follows a change of the selected namespaces failed, it is tried again"
                    );
                    params.continue_token = None;
                    tokio::time::sleep(LIST_AGAIN).await;
                }
            }
        }
    }
    found
}

async fn watch_hpas(watches: Arc<Watches>, namespace: Option<String>, synced: mpsc::Sender<()>) {
    let api: Api<HorizontalPodAutoscaler> = match &namespace {
        Some(namespace) => Api::namespaced(watches.client.clone(), namespace),
        None => Api::all(watches.client.clone()),
    };
    let what = labelled("horizontalpodautoscalers.autoscaling", namespace.as_ref());
    relay(&watches, what, (api, Scope::Namespaced), synced, HoldsUp::UntilListed, |change| {
        let (event, observed) = match change {
            Changed::Deleted(name) => {
                watches.hpas.gone(&name);
                let observed = watches.observed(name.clone(), None);
                (Some(Event::Hpa { hpa: name, target: None, controller: None }), observed)
            }
            // Its controller writes its status every few seconds, which is no news to anyone here.
            Changed::Applied(hpa) if !watches.hpas.seen(&hpa) => (None, None),
            Changed::Applied(hpa) => {
                let event = Event::Hpa {
                    target: Some(hpas::target(&hpa)).filter(|_| !hpas::is_nobodys(&hpa)),
                    controller: hpas::controller(hpa.owner_references()).map(str::to_owned),
                    hpa: named(&hpa),
                };
                (Some(event), watches.observed(named(&hpa), Some(&hpa)))
            }
            // Whose its target is does not depend on its namespace.
            Changed::Moved(hpa) => (None, watches.observed(named(&hpa), Some(&hpa))),
        };
        event.into_iter().chain(observed).collect()
    })
    .await;
}

fn named(hpa: &HorizontalPodAutoscaler) -> Name {
    (hpa.namespace().unwrap_or_default(), hpa.name_any())
}

impl Watches {
    /// What an HPA, which is `None` where it is gone, is to the loop as an object that is observed; `None` where none are.
    fn observed(&self, (namespace, name): Name, hpa: Option<&HorizontalPodAutoscaler>) -> Option<Event> {
        if !self.observe_hpas {
            return None;
        }
        let kind = &horizontal_pod_autoscaler::KIND;
        let is_acted_on = |hpa: &&HorizontalPodAutoscaler| {
            hpa.metadata.deletion_timestamp.is_none() && !is_ours(hpa) && self.namespaces.contains(&namespace)
        };
        let object = hpa.filter(is_acted_on).map(|hpa| {
            let mut hpa = hpa.clone();
            (hpa.metadata.managed_fields, hpa.status) = (None, None);
            Box::new(serde_json::to_value(&hpa).unwrap_or_default())
        });
        let key = ObjectKey::new(kind.kind, namespace, name);
        Some(match object {
            Some(object) => Event::Applied { key, kind, object },
            None => Event::Deleted(key),
        })
    }
}

/// Whether an object of a kind of ours controls the HPA.
fn is_ours(hpa: &HorizontalPodAutoscaler) -> bool {
    let mut controllers = hpa.owner_references().iter().filter(|owner| owner.controller == Some(true));
    controllers.any(|owner| {
        KINDS.iter().any(|kind| kind.kind == owner.kind && kind.api_version() == owner.api_version)
    })
}
