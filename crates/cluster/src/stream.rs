//! Every change of the objects of one kind as a stream, through restarts of the API server and of the watch.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::core::Status;
use kube::runtime::utils::Backoff;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use runner::Readiness;
use serde::de::DeserializeOwned;

use crate::refusal::{self, chain};

const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// An API server that was away makes a watch fail twice: it does not answer, and then it has
/// forgotten where the watch was. Until both pauses are over, decisions rest on old replicas.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Objects that one request lists at most. A page is in memory as a whole, `managedFields` included, which take ten
/// times what is kept of an object.
const PAGE: u32 = 100;

/// What readiness says of a watch whose first list has had no answer at all.
pub(crate) const NOT_LISTED: &str = "not listed yet";

/// Namespace (empty for none) and name.
pub(crate) type Name = (String, String);

/// Namespace and name in one text: tables of all objects that are watched have one for each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place(Box<str>);

impl Place {
    pub(crate) fn of(namespace: &str, name: &str) -> Self {
        Self([namespace, "/", name].concat().into())
    }

    fn of_object<K: Resource>(object: &K) -> Self {
        let metadata = object.meta();
        let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
        Self::of(namespace.unwrap_or_default(), name.unwrap_or_default())
    }

    fn name(&self) -> Name {
        // Neither has a slash.
        let (namespace, name) = self.0.split_once('/').unwrap_or_default();
        (namespace.to_owned(), name.to_owned())
    }
}

/// What happened to one object, or to the list as a whole.
pub(crate) enum Change<K> {
    /// It exists in this state.
    Applied(K),
    /// It is gone.
    Deleted(Name),
    /// All that exist have been reported. Comes again after each restart of the watch.
    Synced,
    /// The API server does not serve the kind, so there is none of it for now. Said at each attempt.
    NotServed,
    /// We may not list it. Said at each attempt.
    Forbidden,
}

/// The changes of all objects in `api`, for ever. `what` names them in logs and in readiness.
///
/// The list is repeated after a restart of the watch; what vanished meanwhile is reported as
/// deleted. A failing watch is retried with growing pauses (0.5 s to 5 s) and never ends.
pub(crate) fn changes_of<K>(
    what: String,
    api: Api<K>,
    readiness: Arc<Readiness>,
) -> impl Stream<Item = Change<K>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    selected_changes_of(what, api, watcher::Config::default(), readiness)
}

/// The same of the objects that `config` selects.
pub(crate) fn selected_changes_of<K>(
    what: String,
    api: Api<K>,
    config: watcher::Config,
    readiness: Arc<Readiness>,
) -> impl Stream<Item = Change<K>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    readiness.wait_for(&what, NOT_LISTED);
    let works = Arc::<AtomicBool>::default();
    let pauses = Pauses { next: SHORTEST_PAUSE, works: Arc::clone(&works) };
    let mut state =
        State { what, readiness, known: HashSet::new(), fresh: HashSet::new(), last_error: None, works };
    watcher::watcher(api, config.page_size(PAGE))
        .backoff(pauses)
        .map(move |event| futures::stream::iter(state.changes(event)))
        .flatten()
}

/// The pauses of a watch that fails again and again, each twice as long as the last.
struct Pauses {
    next: Duration,
    /// Whether anything was reported since the last pause.
    works: Arc<AtomicBool>,
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = if self.works.swap(false, Ordering::Relaxed) { SHORTEST_PAUSE } else { self.next };
        self.next = (pause * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

impl Backoff for Pauses {
    /// The watcher asks for it whenever it begins a list, before it knows whether it may.
    fn reset(&mut self) {}
}

struct State {
    what: String,
    readiness: Arc<Readiness>,
    known: HashSet<Place>,
    /// Those reported since the list began again.
    fresh: HashSet<Place>,
    last_error: Option<String>,
    works: Arc<AtomicBool>,
}

impl State {
    fn changes<K>(&mut self, event: watcher::Result<watcher::Event<K>>) -> Vec<Change<K>>
    where
        K: Resource + Clone,
    {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.failed(&error);
                return match answer(&error) {
                    Some(status) if refusal::is_not_served(status) => vec![Change::NotServed],
                    Some(status) if status.is_forbidden() => vec![Change::Forbidden],
                    _ => Vec::new(),
                };
            }
        };
        match event {
            watcher::Event::Init => {
                self.fresh.clear();
                Vec::new()
            }
            watcher::Event::InitApply(object) => {
                self.fresh.insert(Place::of_object(&object));
                vec![Change::Applied(object)]
            }
            watcher::Event::InitDone => {
                self.recovered();
                let fresh = std::mem::take(&mut self.fresh);
                let vanished = self.known.difference(&fresh).map(|gone| Change::Deleted(gone.name()));
                let changes = vanished.chain([Change::Synced]).collect();
                self.known = fresh;
                changes
            }
            watcher::Event::Apply(object) => {
                self.recovered();
                self.known.insert(Place::of_object(&object));
                vec![Change::Applied(object)]
            }
            watcher::Event::Delete(object) => {
                self.recovered();
                let place = Place::of_object(&object);
                self.known.remove(&place);
                vec![Change::Deleted(place.name())]
            }
        }
    }

    fn failed(&mut self, error: &watcher::Error) {
        let advice = advice(&self.what, error);
        if self.last_error.as_ref() != Some(&advice) {
            tracing::warn!(watch = self.what, problem = advice, "watch failed, retrying");
            self.readiness.wait_for(&self.what, advice.clone());
            self.last_error = Some(advice);
        }
    }

    fn recovered(&mut self) {
        self.works.store(true, Ordering::Relaxed);
        self.readiness.arrived(&self.what);
        if self.last_error.take().is_some() {
            tracing::info!(watch = self.what, "watch recovered");
        }
    }
}

/// What went wrong and what a person can do about it.
fn advice(what: &str, error: &watcher::Error) -> String {
    answer(error).map_or_else(|| chain(error), |status| refusal::of_watch(what, status))
}

/// What the API server answered, where it did.
fn answer(error: &watcher::Error) -> Option<&Status> {
    use watcher::Error::{InitialListFailed, WatchError, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status)) | WatchStartFailed(kube::Error::Api(status)) => {
            Some(status)
        }
        WatchError(status) => Some(status),
        InitialListFailed(_) | WatchStartFailed(_) | WatchFailed(_) | watcher::Error::NoResourceVersion => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_something_is_reported() {
        let works = Arc::<AtomicBool>::default();
        let mut pauses = Pauses { next: SHORTEST_PAUSE, works: Arc::clone(&works) };
        let mut next = || {
            // As the watcher does at the beginning of each list.
            pauses.reset();
            pauses.next().map(|pause| pause.as_millis()).unwrap_or_default()
        };
        assert_eq!([next(), next(), next(), next(), next(), next()], [500, 1000, 2000, 4000, 5000, 5000]);
        works.store(true, Ordering::Relaxed);
        assert_eq!([next(), next()], [500, 1000]);
    }
}
