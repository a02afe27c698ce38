//! Keeping the HPA that a plan wants: beside the replicas, and whether or not those change.

use std::time::Duration;

use engine::{Actuation, ControllerSeen, KeptHpa, Memory, Mode, Plan};
use resources::{HpaChange, HpaScaling, Kind, Reason, TargetFailure, WriteFailure};
use tokio::sync::watch;

use crate::poll::observe;
use crate::{KeepHpa, ObjectKey, Services};

/// Whose HPA is kept.
#[derive(Clone, Copy)]
pub(crate) struct Keeps<'a> {
    pub(crate) key: &'a ObjectKey,
    pub(crate) kind: &'static Kind,
    pub(crate) uid: &'a str,
    pub(crate) plan: &'a Plan,
    /// Turns true when the right to write is gone.
    pub(crate) revoked: &'a watch::Receiver<bool>,
}

/// The HPA that is to be there.
pub(crate) enum Wanted {
    /// Whatever is there stays as it is.
    Any,
    /// None.
    None,
    /// This one.
    One(KeptHpa),
}

/// The HPA that the plan wants, with what `memory` has for it. In observe mode everything stays as it is.
pub(crate) fn wanted(services: &Services, plan: &Plan, memory: &Memory) -> Wanted {
    if plan.mode == Mode::Observe {
        return Wanted::Any;
    }
    // While the bounds are overridden, the HPA has those.
    let over = plan.brakes.bounds.as_ref().map(|_| plan.at(services.clock.now()));
    let plan = over.as_deref().unwrap_or(plan);
    let Some((hpa, member)) = plan.actuation.hpa().zip(plan.members.first()) else { return Wanted::None };
    let hpa = hpa.unpacked();
    // Without it, not all is known yet that belongs into it.
    plan.policy
        .complete(&hpa, &member.target, memory)
        .map_or(Wanted::Any, |hpa| Wanted::One(hpa.into_owned()))
}

/// Brings the HPA to what is wanted, and says what changed.
pub(crate) async fn keep(
    services: &Services,
    keeps: Keeps<'_>,
    wanted: &Wanted,
) -> Result<Vec<HpaChange>, WriteFailure> {
    let (hpa, member) = match (wanted, keeps.plan.members.first()) {
        (Wanted::None, _) => return ask(services, keeps, None).await,
        (Wanted::One(hpa), Some(member)) => (hpa, member),
        (Wanted::Any, _) | (_, None) => return Ok(Vec::new()),
    };
    // None is made for a target that there is not. One that there is stays: the target may come back.
    if !services.reconciler.has(&member.target.namespace, &hpa.name)
        && let Err(TargetFailure { reason: Reason::TargetNotFound | Reason::TargetNotScalable, .. }) =
            observe(services, &member.target).await
    {
        return Ok(Vec::new());
    }
    ask(services, keeps, Some(hpa)).await
}

/// Deletes the HPA of an object that has lost its target: two that scale one target undo each other's work.
pub(crate) async fn withdraw(services: &Services, keeps: Keeps<'_>) -> Result<Vec<HpaChange>, WriteFailure> {
    ask(services, keeps, None).await
}

/// What the controller says of the HPA that `plan` wants kept.
pub(crate) fn said_of_hpa(services: &Services, plan: &Plan) -> Option<HpaScaling> {
    let (hpa, member) = (plan.actuation.hpa()?, plan.members.first()?);
    services.reconciler.scaling(&member.target.namespace, hpa.name())
}

/// What the HPA controller last did, where `plan` stands beside it.
pub(crate) fn done_by_controller(services: &Services, plan: &Plan) -> Option<ControllerSeen> {
    let Actuation::Controller { hpa } = &plan.actuation else { return None };
    services.reconciler.controller(&plan.members.first()?.target.namespace, hpa)
}

async fn ask(
    services: &Services,
    keeps: Keeps<'_>,
    hpa: Option<&KeptHpa>,
) -> Result<Vec<HpaChange>, WriteFailure> {
    let Keeps { key, kind, uid, plan, revoked } = keeps;
    let Some(member) = plan.members.first() else { return Ok(Vec::new()) };
    let namespace = &member.target.namespace;
    let time_left =
        || -> Option<Duration> { if *revoked.borrow() { None } else { services.guard.time_left() } };
    let wanted = KeepHpa { owner: key, kind, uid, namespace, hpa };
    let kept = services.reconciler.keep(wanted, &time_left).await;
    for change in kept.iter().flatten() {
        tracing::info!(object = %key, hpa = %format_args!("{namespace}/{}", change.name), change = %change.action, "HPA changed");
    }
    kept
}
