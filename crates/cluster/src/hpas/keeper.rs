//! Brings HPAs to what plans want, and writes only where they differ.

use std::sync::Arc;
use std::time::Duration;

use engine::{ControllerSeen, KeptHpa};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::api::{DeleteParams, DynamicObject, PostParams, Preconditions};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use resources::{HpaAction, HpaChange, HpaScaling, Reason, WriteFailure};
use runner::{KeepHpa, Metrics, Reconciler};

use super::turns::Turns;
use super::wanted::{self, Needed};
use super::{Hpas, fingerprint};
use crate::refusal::{Asked, Cause, Refusal, Refusals};
use crate::{Clients, FIELD_MANAGER};

/// The controller writes the status of an HPA again and again: a conflict is no reason to give up.
const ATTEMPTS: usize = 5;

/// By this name the writes are counted.
const COUNTED_AS: &str = "horizontalpodautoscaler";

/// How much longer a write may last; `None` where nothing may be written.
type TimeLeft<'a> = &'a (dyn Fn() -> Option<Duration> + Send + Sync);

/// Keeps HPAs in the cluster.
pub struct HpaKeeper {
    client: Client,
    timeout: Duration,
    hpas: Arc<Hpas>,
    turns: Turns,
    refusals: Refusals,
    metrics: Arc<Metrics>,
}

/// A request that did not come to what it was for.
enum Failed {
    /// Nothing may be written any more.
    NotAllowed,
    /// Someone else wrote in between; it is looked at again.
    Outdated,
    /// The name is someone else's: in a few words whose.
    Foreign(String),
    Refused(Refusal),
}

impl HpaKeeper {
    /// A keeper of what `hpas` sees, through `clients`.
    pub fn new(clients: &Clients, hpas: Arc<Hpas>, metrics: Arc<Metrics>) -> Self {
        let (client, timeout) = (clients.write.clone(), clients.timeout);
        let (turns, refusals) = (Turns::new(timeout), Refusals::new(clients));
        Self { client, timeout, hpas, turns, refusals, metrics }
    }

    /// See [`Reconciler::keep`].
    async fn bring(
        &self,
        keep: &KeepHpa<'_>,
        time_left: TimeLeft<'_>,
    ) -> Result<Vec<HpaChange>, WriteFailure> {
        let mut changes = Vec::new();
        let mut done = |name: &str, action: Option<HpaAction>| {
            changes.extend(action.map(|action| HpaChange { name: name.to_owned(), action }));
        };
        // One that is wanted no more goes first: two HPAs of one target would both stop scaling.
        for (namespace, name) in self.hpas.controlled_by(keep.uid) {
            if keep.hpa.is_some_and(|hpa| hpa.name == name) && namespace == keep.namespace {
                continue;
            }
            match self.tried(|| self.delete(keep, &namespace, &name, time_left)).await {
                Ok(action) => done(&name, action),
                Err(Failed::NotAllowed) => return Ok(changes),
                Err(failed) => return Err(failure(&namespace, &name, failed)),
            }
        }
        let Some(hpa) = keep.hpa else { return Ok(changes) };
        let name = (keep.namespace.to_owned(), hpa.name.clone());
        if self.hpas.is_in_order(&name, keep.uid, wanted::digest(hpa)) {
            return Ok(changes);
        }
        match self.tried(|| self.ensure(keep, hpa, time_left)).await {
            Ok(action) => done(&hpa.name, action),
            Err(Failed::NotAllowed) => {}
            Err(failed) => return Err(failure(keep.namespace, &hpa.name, failed)),
        }
        Ok(changes)
    }

    /// Does it when it has its turn, and again where someone else wrote in between.
    async fn tried<F>(&self, attempt: impl Fn() -> F) -> Result<Option<HpaAction>, Failed>
    where
        F: Future<Output = Result<Option<HpaAction>, Failed>>,
    {
        // One that is in order, as nearly all are, asks for nothing and does not come here.
        let _turn = self.turns.take().await;
        for _ in 1..ATTEMPTS {
            match attempt().await {
                Err(Failed::Outdated) => {}
                ended => return ended,
            }
        }
        attempt().await
    }

    /// Creates the HPA, or brings the one that there is to what is wanted. Returns what was done, if anything.
    async fn ensure(
        &self,
        keep: &KeepHpa<'_>,
        hpa: &KeptHpa,
        time_left: TimeLeft<'_>,
    ) -> Result<Option<HpaAction>, Failed> {
        let api = self.api(keep.namespace);
        let asked = asked(keep.namespace, &hpa.name);
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let Some(live) = self.read(&api, &asked).await? else {
            let object = wanted::created(keep, hpa, &resource());
            let rights = [asked.to("create", ""), owning(keep)];
            let created = self.write(&rights, time_left, api.create(&params, &object)).await?;
            self.note(keep, hpa, &created);
            return Ok(Some(HpaAction::Created));
        };
        if live.metadata.deletion_timestamp.is_some() {
            // When it is gone, that is reported, and another one is made.
            return Ok(None);
        }
        match wanted::needed(keep, hpa, &live) {
            Needed::Nothing => {
                self.note(keep, hpa, &live);
                Ok(None)
            }
            Needed::Foreign(whose) => Err(Failed::Foreign(whose)),
            Needed::Replace(action, next) => {
                let replaced = api.replace(&hpa.name, &params, &next);
                let rights = [asked.to("update", ""), owning(keep)];
                let replaced = self.write(&rights, time_left, replaced).await?;
                self.note(keep, hpa, &replaced);
                // The API server fills in what was left out, and may find that nothing changes.
                let is_changed = replaced.metadata.resource_version != live.metadata.resource_version;
                Ok(is_changed.then_some(action))
            }
        }
    }

    /// Deletes an HPA that the object controls.
    async fn delete(
        &self,
        keep: &KeepHpa<'_>,
        namespace: &str,
        name: &str,
        time_left: TimeLeft<'_>,
    ) -> Result<Option<HpaAction>, Failed> {
        let api = self.api(namespace);
        let asked = asked(namespace, name);
        let live = self.read(&api, &asked).await?.filter(|live| wanted::is_controlled(keep, live));
        let Some(live) = live.filter(|live| live.metadata.deletion_timestamp.is_none()) else {
            return Ok(None);
        };
        let preconditions =
            Preconditions { uid: live.metadata.uid, resource_version: live.metadata.resource_version };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        self.write(&[asked.to("delete", "")], time_left, api.delete(name, &params)).await?;
        Ok(Some(HpaAction::Deleted))
    }

    async fn read(&self, api: &Api<DynamicObject>, asked: &Asked) -> Result<Option<DynamicObject>, Failed> {
        match tokio::time::timeout(self.timeout, api.get_opt(&asked.name)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                let asked = asked.clone().to("get", "");
                Err(Failed::Refused(self.refusals.explain(&asked, &error).await))
            }
            Err(_) => Err(Failed::Refused(Refusal::unanswered(self.timeout))),
        }
    }

    /// Writes while that is allowed, which takes these rights, and counts it.
    async fn write<T>(
        &self,
        rights: &[Asked],
        time_left: TimeLeft<'_>,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failed> {
        let Some(time_left) = time_left() else { return Err(Failed::NotAllowed) };
        let limit = time_left.min(self.timeout);
        let (result, ended) = match tokio::time::timeout(limit, request).await {
            Ok(Ok(answer)) => ("done", Ok(answer)),
            Ok(Err(error)) => {
                let refusal = self.refusals.explain_all(rights, &error).await;
                let is_outdated =
                    matches!(refusal.cause, Some(Cause::Conflict | Cause::AlreadyExists | Cause::NotFound));
                let failed = if is_outdated { Failed::Outdated } else { Failed::Refused(refusal.clone()) };
                (refusal.counted(), Err(failed))
            }
            Err(_) => ("timed_out", Err(Failed::Refused(Refusal::unanswered(limit)))),
        };
        self.metrics.write_result(COUNTED_AS, result);
        ended
    }

    fn note(&self, keep: &KeepHpa<'_>, hpa: &KeptHpa, live: &DynamicObject) {
        let spec = live.data.get("spec").cloned().unwrap_or_default();
        let name = (keep.namespace.to_owned(), hpa.name.clone());
        self.hpas.is_as_wanted(&name, wanted::digest(hpa), fingerprint(&live.metadata, &typed(spec)));
    }

    fn api(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &resource())
    }
}

impl Reconciler for HpaKeeper {
    fn keep<'a>(
        &'a self,
        wanted: KeepHpa<'a>,
        time_left: &'a (dyn Fn() -> Option<Duration> + Send + Sync),
    ) -> BoxFuture<'a, Result<Vec<HpaChange>, WriteFailure>> {
        async move { self.bring(&wanted, time_left).await }.boxed()
    }

    fn has(&self, namespace: &str, name: &str) -> bool {
        self.hpas.has(&(namespace.to_owned(), name.to_owned()))
    }

    fn controller(&self, namespace: &str, name: &str) -> Option<ControllerSeen> {
        self.hpas.controlled(&(namespace.to_owned(), name.to_owned()))
    }

    fn scaling(&self, namespace: &str, name: &str) -> Option<HpaScaling> {
        self.hpas.scaling(&(namespace.to_owned(), name.to_owned()))
    }
}

/// The spec as the watch sees it, so that one state has one fingerprint.
fn typed(spec: serde_json::Value) -> serde_json::Value {
    let typed: Option<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec> =
        serde_json::from_value(spec).ok();
    typed.and_then(|spec| serde_json::to_value(spec).ok()).unwrap_or_default()
}

fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("autoscaling", "v2", "HorizontalPodAutoscaler");
    ApiResource::from_gvk_with_plural(&kind, "horizontalpodautoscalers")
}

fn asked(namespace: &str, name: &str) -> Asked {
    Asked::of(&resource(), namespace, name)
}

/// The right to own an HPA so that it goes before its owner does. API servers with the admission plugin
/// OwnerReferencesPermissionEnforcement ask for it.
fn owning(keep: &KeepHpa<'_>) -> Asked {
    Asked {
        verb: "update",
        group: keep.kind.group.to_owned(),
        resource: keep.kind.plural.to_owned(),
        subresource: "finalizers",
        namespace: keep.owner.namespace.clone(),
        name: keep.owner.name.clone(),
    }
}

fn failure(namespace: &str, name: &str, failed: Failed) -> WriteFailure {
    let hpa = format!("HorizontalPodAutoscaler {namespace}/{name}");
    match failed {
        Failed::Foreign(whose) => WriteFailure {
            reason: Reason::HpaConflict,
            message: format!(
                "{hpa} already exists, and {whose}: choose another name for the HPA of this object, or delete that one"
            ),
        },
        Failed::Refused(refusal) => {
            let message = format!("{hpa}: {}", refusal.message);
            WriteFailure { reason: Reason::FailedUpdateHpa, message }
        }
        Failed::Outdated | Failed::NotAllowed => {
            let message = format!("{hpa} keeps being changed by another client; it is checked again later");
            WriteFailure { reason: Reason::FailedUpdateHpa, message }
        }
    }
}
