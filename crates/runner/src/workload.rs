//! What the workload of an object lacks that its triggers need: looked at before an object is stored, and for objects that
//! stand already by the loop, so that nothing rests on the webhook.
//!
//! It is looked at when an object is new or has changed, and again while something is missing or its HPA fails: as long as
//! all is well, it costs the API server nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::{Pause, Plan, Problem, Time, Warning, WarningKind};
use resources::{HpaScaling, Kind, WorkloadNeeds};
use serde_json::Value;

use crate::{Services, Workloads};

/// While something is missing, it is looked for again after this.
const WHILE_MISSING: Duration = Duration::from_secs(30);
/// While the HPA fails and nothing is missing, which may have other reasons.
const WHILE_FAILING: Duration = Duration::from_secs(300);

/// What the workload of `needs` lacks; `None` where there is no such workload.
///
/// # Errors
/// A sentence that says why it cannot be looked at.
pub async fn lacking(
    workloads: &dyn Workloads,
    needs: &WorkloadNeeds,
) -> Result<Option<Vec<Problem>>, String> {
    let Some(workload) = workloads.workload(&needs.target).await? else { return Ok(None) };
    if needs.problems(&workload, &[]).is_empty() {
        return Ok(Some(Vec::new()));
    }
    // Only now a default can make a difference.
    let ranges = workloads.limit_ranges(&needs.target.namespace).await?;
    Ok(Some(needs.problems(&workload, &ranges)))
}

/// What one object needs of its workload, and what was last seen of that.
#[derive(Debug)]
pub(crate) struct WorkloadCheck {
    needs: WorkloadNeeds,
    last: Mutex<Option<Looked>>,
}

/// What a look came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looked {
    at: Time,
    /// What is missing.
    pub(crate) lacks: Vec<Problem>,
    /// That it could not be looked at.
    failure: Option<Warning>,
}

impl Looked {
    /// All of it, as warnings.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let warning = |problem: &Problem| {
            let warning = Warning::new(problem.path.clone(), problem.fault.detail.clone());
            warning.about(WarningKind::Lacking)
        };
        self.lacks.iter().map(warning).chain(self.failure.clone())
    }
}

impl WorkloadCheck {
    /// Of `object`; `None` where it needs nothing of its workload.
    pub(crate) fn of(kind: &Kind, object: &Value) -> Option<Self> {
        let needs = (kind.needs.workload)(object)?;
        Some(Self { needs, last: Mutex::default() })
    }

    /// Has the next poll look again: another replica may have led meanwhile.
    pub(crate) fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is known, looked at again where that is due. `hpa` is what the controller of the object's HPA says.
    pub(crate) async fn look(&self, services: &Services, plan: &Plan, hpa: Option<&HpaScaling>) -> Looked {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(workloads) = &services.workloads else { return Looked::default() };
        if matches!(plan.brakes.pause, Pause::Everything | Pause::At(_)) {
            // Nothing is measured meanwhile.
            return Looked::default();
        }
        let now = services.clock.now();
        if let Some(known) = last.as_ref().filter(|last| !last.is_old(hpa, now)) {
            return known.clone();
        }
        let looked = match lacking(&**workloads, &self.needs).await {
            // That the target is not there is said as that.
            Ok(lacks) => Looked { at: now, lacks: lacks.unwrap_or_default(), failure: None },
            Err(why) => {
                let why = format!(
                    "whether the containers of {} have the requests that triggers need is not known: {why}",
                    self.needs.target
                );
                let failure = Some(Warning::new("spec.triggers", why));
                // What was missing counts as missing until it is seen, so that nobody is told of it again.
                Looked { at: now, lacks: last.map(|last| last.lacks).unwrap_or_default(), failure }
            }
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(looked.clone());
        looked
    }
}

impl Looked {
    fn is_old(&self, hpa: Option<&HpaScaling>, now: Time) -> bool {
        let is_fine = self.lacks.is_empty() && self.failure.is_none();
        let age = now.since(self.at);
        match (is_fine, hpa.is_some_and(HpaScaling::is_failing)) {
            (false, _) => age >= WHILE_MISSING,
            (true, true) => age >= WHILE_FAILING,
            (true, false) => false,
        }
    }
}

#[cfg(test)]
mod tests;
