//! The pods of the namespaces and selectors that someone asks for, each kept by a watch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use futures::StreamExt as _;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt as _};
use runner::Readiness;
use tokio::sync::watch;
use tokio::time::Instant;

use super::object::{Common, Kept, Pod};
use super::unanswered;
use crate::stream::{Change, NOT_LISTED, selected_changes_of};

/// Pods that still work or will.
const NOT_OVER: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// A watch that nobody asked for in this time ends.
const KEPT_UNASKED: Duration = Duration::from_secs(600);

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Selected {
    namespace: String,
    selector: String,
    over: Over,
}

/// What becomes of pods that are Succeeded or Failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Over {
    /// They are not even listed.
    LeftOut,
    /// They are kept: to the HPA controller one that has Succeeded is one that is not measured.
    Kept,
}

/// See the module.
pub(super) struct PodIndex {
    client: Client,
    timeout: Duration,
    /// Of the watches here, not of the process: a metric that cannot be read is no reason not to be ready.
    readiness: Arc<Readiness>,
    watches: Arc<Mutex<HashMap<Selected, Arc<Watched>>>>,
}

/// The pods that one selector finds.
struct Watched {
    what: String,
    pods: Mutex<HashMap<String, Arc<Kept>>>,
    listed: watch::Receiver<bool>,
    asked: Mutex<Instant>,
}

impl PodIndex {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout, readiness: Arc::default(), watches: Arc::default() }
    }

    /// The pods in `namespace` that match `selector`; `over` says whether those that are Succeeded or Failed are among
    /// them.
    ///
    /// # Errors
    /// Why they are not known at this moment: pods as they once were are no answer.
    pub(super) async fn pods(
        &self,
        namespace: &str,
        selector: &str,
        over: Over,
    ) -> Result<Vec<Arc<Kept>>, Absence> {
        let watched = self.watched(namespace, selector, over);
        let mut listed = watched.listed.clone();
        let waited = tokio::time::timeout(self.timeout, listed.wait_for(|listed| *listed)).await;
        let is_listed = matches!(waited, Ok(Ok(_)));
        match self.readiness.why(&watched.what) {
            Some(why) if why != NOT_LISTED => {
                let message = format!("pods in {namespace}: {why}");
                Err(Absence { reason: AbsenceReason::BadStatus, message })
            }
            _ if is_listed => Ok(lock(&watched.pods).values().cloned().collect()),
            _ => Err(unanswered(&format!("pods in {namespace}"), self.timeout)),
        }
    }

    /// The watch of these pods, begun where there is none.
    fn watched(&self, namespace: &str, selector: &str, over: Over) -> Arc<Watched> {
        let selected = Selected { namespace: namespace.to_owned(), selector: selector.to_owned(), over };
        let mut watches = lock(&self.watches);
        if let Some(watched) = watches.get(&selected) {
            *lock(&watched.asked) = Instant::now();
            return Arc::clone(watched);
        }
        let (sender, listed) = watch::channel(false);
        let watched = Arc::new(Watched {
            what: match over {
                Over::LeftOut => format!("pods in namespace {namespace} with {selector}"),
                Over::Kept => format!("all pods in namespace {namespace} with {selector}"),
            },
            pods: Mutex::default(),
            listed,
            asked: Mutex::new(Instant::now()),
        });
        watches.insert(selected.clone(), Arc::clone(&watched));
        tokio::spawn(self.keep(selected, Arc::clone(&watched), sender));
        watched
    }

    /// Keeps the pods up to date until nobody asks for them any more.
    fn keep(
        &self,
        selected: Selected,
        watched: Arc<Watched>,
        listed: watch::Sender<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let kind = GroupVersionKind::gvk("", "v1", "Pod");
        let resource = ApiResource::from_gvk_with_plural(&kind, "pods");
        let api: Api<Pod> = Api::namespaced_with(self.client.clone(), &selected.namespace, &resource);
        // The first list comes in pages of 500.
        let config = watcher::Config::default().labels(&selected.selector);
        let config = match selected.over {
            Over::LeftOut => config.fields(NOT_OVER),
            Over::Kept => config,
        };
        let readiness = Arc::clone(&self.readiness);
        let changes = selected_changes_of(watched.what.clone(), api, config, Arc::clone(&readiness));
        let watches = Arc::clone(&self.watches);
        async move {
            let mut changes = std::pin::pin!(changes);
            let mut common = Common::default();
            loop {
                let unasked = *lock(&watched.asked) + KEPT_UNASKED;
                tokio::select! {
                    Some(change) = changes.next() => watched.take(change, &mut common, &listed),
                    () = tokio::time::sleep_until(unasked) => {
                        let mut watches = lock(&watches);
                        // Whoever asks from now on begins a new one.
                        if Instant::now() >= *lock(&watched.asked) + KEPT_UNASKED {
                            watches.remove(&selected);
                            readiness.arrived(&watched.what);
                            return;
                        }
                    }
                }
            }
        }
    }
}

impl Watched {
    fn take(&self, change: Change<Pod>, common: &mut Common, listed: &watch::Sender<bool>) {
        match change {
            Change::Applied(pod) => {
                let kept = Arc::new(common.keep(&pod));
                lock(&self.pods).insert(pod.name_any(), kept);
            }
            Change::Deleted((_, name)) => {
                lock(&self.pods).remove(&name);
            }
            Change::Synced => {
                common.sweep();
                listed.send_replace(true);
            }
            Change::NotServed | Change::Forbidden => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
