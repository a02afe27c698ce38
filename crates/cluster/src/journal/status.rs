//! Writes one object's status, and the Events that its change is worth.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Difference;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DynamicObject, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::{Change, KeptStatus, Kind, Scope};
use runner::{Board, Gone, Guard, Metrics, ObjectKey, PastEvent, Record};

use super::denials::Denials;
use super::objects::{Known, Objects, kind_of};
use super::patch::{Failed, Patched, known_of, send};
use super::{events, on_hpas};
use crate::refusal::{Asked, Cause, Refusal, Refusals};
use crate::{Clients, FIELD_MANAGER};

/// Where only the metric moved, a status is written at most this often.
const MINOR_PAUSE: Duration = Duration::from_secs(10);
/// How often a conflict with another write is resolved before the next poll does it.
const ATTEMPTS: usize = 3;

/// Why a record was not written; the cause has been logged.
pub(super) struct NotWritten;

pub(super) struct Writer {
    client: Client,
    timeout: Duration,
    objects: Arc<Objects>,
    guard: Arc<dyn Guard>,
    metrics: Arc<Metrics>,
    board: Arc<Board>,
    identity: String,
    /// When a status was last written, in milliseconds of the outcome's own time.
    last_written: Mutex<HashMap<ObjectKey, engine::Time>>,
    /// What an object was before a write of its status that had no answer. It may have been carried out
    /// all the same; then the status says nothing new any more, and the Events are yet to be published.
    unanswered: Mutex<HashMap<ObjectKey, Known>>,
    /// Whose status cannot be written, which an Event has said.
    unwritten: Mutex<HashSet<ObjectKey>>,
    refusals: Refusals,
    denials: Denials,
}

impl Writer {
    pub(super) fn new(
        clients: &Clients,
        objects: Arc<Objects>,
        guard: Arc<dyn Guard>,
        metrics: Arc<Metrics>,
        board: Arc<Board>,
        identity: String,
    ) -> Self {
        let (client, timeout) = (clients.write.clone(), clients.timeout);
        let (last_written, unanswered, unwritten, denials) = Default::default();
        let refusals = Refusals::new(clients);
        Self {
            client,
            timeout,
            objects,
            guard,
            metrics,
            board,
            identity,
            last_written,
            unanswered,
            unwritten,
            refusals,
            denials,
        }
    }

    /// Writes `record` where it says something new.
    pub(super) async fn write(&self, record: &Record) -> Result<(), NotWritten> {
        let Some(kind) = kind_of(&record.key) else { return Ok(()) };
        let Some(mut known) = self.objects.get(&record.key) else {
            self.forget(&record.key);
            return Ok(());
        };
        let unreported = self.lock_unanswered().remove(&record.key).filter(|before| before.uid == known.uid);
        for _ in 0..ATTEMPTS {
            if known.uid != record.outcome.uid {
                // The record waited while its object was recreated under the same name.
                return Ok(());
            }
            let before = unreported.as_ref().unwrap_or(&known);
            let next = known.status.after(&record.outcome);
            if !self.worth_writing(record, &known.status, &next) {
                if unreported.is_some() || changed_hpas(record) {
                    self.publish(kind, record, before, &next).await;
                }
                return Ok(());
            }
            let Some(time_left) = self.guard.time_left() else { return Ok(()) };
            match self.patch(kind, &record.key, &known, &next, time_left.min(self.timeout)).await {
                Ok(Patched::Done(after)) => {
                    self.granted(patching(kind, &record.key));
                    self.lock_unwritten().remove(&record.key);
                    self.note(&record.key, record.outcome.at);
                    self.objects.written(&record.key, &after);
                    self.publish(kind, record, before, &next).await;
                    return Ok(());
                }
                Ok(Patched::Gone) => return Ok(()),
                Ok(Patched::Outdated(latest)) => known = latest,
                Err((_, refusal)) if refusal.cause == Some(Cause::Invalid) => {
                    tracing::warn!(object = %record.key, problem = refusal.message,
                        "status cannot be written: the stored object does not match the CRD's schema");
                    self.regret(kind, record, &refusal).await;
                    self.publish(kind, record, before, &next).await;
                    return Ok(());
                }
                Err((asked, refusal)) => {
                    self.report(&asked, &record.key, &refusal);
                    self.regret(kind, record, &refusal).await;
                    // The first change that can be written then has the Events that this one would have had.
                    self.lock_unanswered().insert(record.key.clone(), before.clone());
                    return Err(NotWritten);
                }
            }
        }
        self.lock_unanswered().extend(unreported.map(|before| (record.key.clone(), before)));
        Err(NotWritten)
    }

    /// Says why a status was not written; a denial once for all objects.
    fn report(&self, asked: &Asked, key: &ObjectKey, refusal: &Refusal) {
        match refusal.cause {
            Some(cause) if cause.is_denial() => {
                self.denials.report(asked, cause, &refusal.message);
            }
            // An API server that is away is the same for every object.
            cause if is_outage(cause) => {
                self.denials.failed(asked, &refusal.message);
            }
            _ => tracing::warn!(object = %key, error = refusal.message,
                "status could not be written, retrying"),
        }
    }

    /// A status was written by this request, and so all that goes with it.
    fn granted(&self, asked: Asked) {
        self.denials.granted(&asked);
        for verb in ["patch", "get"] {
            self.denials.granted(&asked.clone().to(verb, ""));
        }
    }

    /// Says by an Event, where the kind has one for that, that the status is not written: once, until it is.
    async fn regret(&self, kind: &Kind, record: &Record, refusal: &Refusal) {
        // An API server that does not answer does not take the Event either.
        let event = kind.unwritten(&refusal.message).filter(|_| !is_outage(refusal.cause));
        let Some(event) = event else { return };
        if self.lock_unwritten().insert(record.key.clone()) {
            let event = events::of_status(kind, record, event, &self.identity);
            self.create(&record.key, record.outcome.at, vec![event]).await;
        }
    }

    fn lock_unwritten(&self) -> MutexGuard<'_, HashSet<ObjectKey>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_unanswered(&self) -> MutexGuard<'_, HashMap<ObjectKey, Known>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares the statuses as they are in memory: nothing is serialised for a poll that changed nothing.
    fn worth_writing(&self, record: &Record, before: &KeptStatus, next: &KeptStatus) -> bool {
        match next.difference(before) {
            Difference::None => false,
            Difference::Major => true,
            Difference::Minor => {
                let written = self.last_written.lock().unwrap_or_else(PoisonError::into_inner);
                written.get(&record.key).is_none_or(|at| record.outcome.at.since(*at) >= MINOR_PAUSE)
            }
        }
    }

    fn note(&self, key: &ObjectKey, at: engine::Time) {
        self.last_written.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), at);
    }

    fn forget(&self, key: &ObjectKey) {
        self.last_written.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.lock_unanswered().remove(key);
        self.lock_unwritten().remove(key);
    }

    async fn patch(
        &self,
        kind: &Kind,
        key: &ObjectKey,
        known: &Known,
        next: &KeptStatus,
        limit: Duration,
    ) -> Result<Patched, (Asked, Refusal)> {
        let (api, asked) = (self.api(kind, key), patching(kind, key));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let write = async {
            match send(&api, &key.name, &params, known, next, &asked).await {
                Ok(object) => Ok(Patched::Done(known.written(next, object))),
                Err(Failed { error: kube::Error::Api(status), .. }) if status.is_not_found() => {
                    Ok(Patched::Gone)
                }
                Err(Failed { error: kube::Error::Api(status), .. }) if status.is_conflict() => {
                    self.metrics.write_result("status", "refused");
                    let latest = api.get_opt(&key.name).await;
                    let latest =
                        latest.map_err(|error| Failed { asked: asked.clone().to("get", ""), error })?;
                    Ok(latest.map_or(Patched::Gone, |object| Patched::Outdated(known_of(kind, object))))
                }
                Err(failed) => Err(failed),
            }
        };
        match tokio::time::timeout(limit, write).await {
            Ok(Ok(patched)) => {
                if matches!(patched, Patched::Done(_)) {
                    self.metrics.write_result("status", "done");
                }
                Ok(patched)
            }
            Ok(Err(Failed { asked, error })) => {
                let refusal = self.refusals.explain(&asked, &error).await;
                self.metrics.write_result("status", refusal.counted());
                Err((asked, refusal))
            }
            Err(_) => {
                self.metrics.write_result("status", "timed_out");
                Err((asked, Refusal::unanswered(limit)))
            }
        }
    }

    fn api(&self, kind: &Kind, key: &ObjectKey) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
        match kind.scope {
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), &key.namespace, &resource),
        }
    }

    /// Publishes the Events of a change; one that cannot be published is counted and let go.
    async fn publish(&self, kind: &Kind, record: &Record, before: &Known, next: &KeptStatus) {
        let scaled: Vec<usize> = record.scaled().collect();
        let change = Change { outcome: &record.outcome, scaled: &scaled, before: &before.status, next };
        let mut all = events::of(kind, record, &before.uid, &change, &self.identity);
        all.extend(on_hpas::of(&self.client, self.timeout, record, &all, &self.identity).await);
        self.create(&record.key, record.outcome.at, all).await;
    }

    /// Publishes what is to be said of an object that is gone.
    pub(super) async fn part(&self, gone: &Gone) {
        let Some(kind) = kind_of(&gone.key) else { return };
        self.forget(&gone.key);
        self.create(&gone.key, gone.at, events::of_gone(kind, gone, &self.identity)).await;
    }

    async fn create(&self, key: &ObjectKey, at: engine::Time, all: Vec<Event>) {
        for event in all {
            let Some(time_left) = self.guard.time_left() else { return };
            let namespace = event.metadata.namespace.clone().unwrap_or_default();
            let api = Api::namespaced(self.client.clone(), &namespace);
            let params =
                kube::api::PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
            let result = tokio::time::timeout(time_left.min(self.timeout), api.create(&params, &event)).await;
            let asked = creating_events(&namespace);
            let result = match result {
                Ok(Ok(_)) => {
                    self.denials.granted(&asked);
                    self.board.published(key, shown(&event, at));
                    "done"
                }
                Ok(Err(error)) => {
                    let refusal = self.refusals.explain(&asked, &error).await;
                    match refusal.cause.filter(|cause| cause.is_denial()) {
                        Some(cause) => self.denials.report(&asked, cause, &refusal.message),
                        None => tracing::debug!(object = %key, error = refusal.message,
                            "event could not be published"),
                    }
                    refusal.counted()
                }
                Err(_) => "timed_out",
            };
            self.metrics.write_result("event", result);
        }
    }
}

/// Whether the API server did not come to judge the request.
fn is_outage(cause: Option<Cause>) -> bool {
    matches!(cause, None | Some(Cause::Unavailable | Cause::TimedOut | Cause::Busy | Cause::Internal))
}

/// Whether HPAs were changed, of which Events may tell although the status is as before.
pub(super) fn changed_hpas(record: &Record) -> bool {
    let changes = record.outcome.poll().and_then(|poll| poll.hpa.as_ref().ok());
    changes.is_some_and(|changes| !changes.is_empty())
}

/// An Event as the activity page shows it.
fn shown(event: &Event, at: engine::Time) -> PastEvent {
    PastEvent {
        at,
        is_warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.as_deref().unwrap_or_default().into(),
        note: event.note.as_deref().unwrap_or_default().into(),
    }
}

fn patching(kind: &Kind, key: &ObjectKey) -> Asked {
    Asked {
        verb: "patch",
        group: kind.group.to_owned(),
        resource: kind.plural.to_owned(),
        subresource: "status",
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    }
}

/// A request to publish an Event.
pub(super) fn creating_events(namespace: &str) -> Asked {
    Asked {
        verb: "create",
        group: "events.k8s.io".to_owned(),
        resource: "events".to_owned(),
        namespace: namespace.to_owned(),
        ..Asked::default()
    }
}

#[cfg(test)]
mod tests {
    use resources::{Outcome, Verdict};
    use serde_json::json;

    use super::*;

    struct Always;

    impl Guard for Always {
        fn time_left(&self) -> Option<Duration> {
            Some(Duration::from_secs(60))
        }
    }

    #[tokio::test]
    async fn a_record_of_the_object_that_had_the_name_before_is_not_written() {
        // Nobody listens there, so that every write fails.
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        let key = ObjectKey::new("BusinessScaling", "", "payment-service");
        let objects = Arc::new(Objects::default());
        objects.seen(&key, &json!({ "metadata": { "uid": "latter", "resourceVersion": "7" } }));
        let client = Client::try_from(config).unwrap();
        let timeout = Duration::from_secs(60);
        let clients = Clients {
            read: client.clone(),
            write: client,
            namespace: String::new(),
            timeout,
            server: String::new(),
            asker: crate::Asker::Operator,
        };
        let writer =
            Writer::new(&clients, objects, Arc::new(Always), Arc::default(), Arc::default(), "me".to_owned());
        for (uid, is_written) in [("former", false), ("latter", true)] {
            let verdict = Verdict::Conflict("taken".to_owned().into());
            let (at, warnings) = (engine::Time::default(), Arc::default());
            let outcome = Outcome { uid: uid.to_owned(), generation: 1, at, verdict, warnings };
            let record = Record { key: key.clone(), outcome: Arc::new(outcome), tried: Vec::new() };
            assert_eq!(writer.write(&record).await.is_err(), is_written, "{uid}");
        }
    }
}
