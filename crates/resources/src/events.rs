//! The Events that a change of an object is worth, for `kubectl describe`.

use crate::common::annotations::OVERRIDE_ANNOTATION;
use crate::common::condition::Condition;
use crate::common::conditions::{PAUSED, READY};
use crate::kept_status::KeptStatus;
use crate::{Outcome, Verdict};

/// Reason of the Event that bounds are overridden.
const OVERRIDDEN: &str = "Overridden";
/// Reason of the Event that they no longer are.
const OVERRIDE_ENDED: &str = "OverrideEnded";

/// What happened to an object between two states of its status.
pub struct Change<'a> {
    /// What came of looking at it.
    pub outcome: &'a Outcome,
    /// Places of the members whose replicas were changed.
    pub scaled: &'a [usize],
    /// The status before.
    pub before: &'a KeptStatus,
    /// The status afterwards.
    pub next: &'a KeptStatus,
}

/// That an object was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Whether it was polled until then.
    pub was_polled: bool,
}

/// What one Event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Whether something went wrong: the Event is then a warning.
    pub is_warning: bool,
    /// What was done, in one word.
    pub action: &'static str,
    /// Why, in one word.
    pub reason: String,
    /// The same in a sentence.
    pub note: String,
}

/// The Events of kinds of ours: each scaling, each change of `Ready`, and the beginning and end of observing, of
/// pauses and of overrides.
pub(crate) fn usual(change: &Change<'_>) -> Vec<Announcement> {
    let mut announced = rescales(change);
    announced.extend(mode(change));
    announced.extend(pause(change));
    announced.extend(bounds_override(change));
    // An object that recovers into a mode or a pause has that as its reason, too.
    let is_new = |ready: &Announcement| announced.iter().all(|other| other.reason != ready.reason);
    let readiness = readiness(change).filter(is_new);
    announced.extend(readiness);
    announced
}

/// One for each member that was scaled.
pub(crate) fn rescales(change: &Change<'_>) -> Vec<Announcement> {
    let Verdict::Polled(poll) = &change.outcome.verdict else { return Vec::new() };
    let decided = change.scaled.iter().filter_map(|&member| poll.decided(member));
    let announce = |decided: &engine::MemberDecision| {
        let target = &poll.plan.members[decided.member].target;
        let (from, to, why) = (decided.from, decided.to, decided.explanation());
        Announcement {
            is_warning: false,
            action: "Scale",
            reason: "SuccessfulRescale".to_owned(),
            note: format!("scaled {target} from {from} to {to}: {why}"),
        }
    };
    decided.map(announce).collect()
}

/// That `Ready` changed; nothing where an object is ready from the start.
fn readiness(change: &Change<'_>) -> Option<Announcement> {
    let [was, is] = [change.before, change.next].map(|status| status.observed()?.condition(READY));
    let is = is?;
    if was.is_some_and(|was| was.status == is.status && was.reason == is.reason) {
        return None;
    }
    let holds = |condition: &Condition| condition.status == "True";
    let is_worth_it = !holds(is) || was.is_some_and(|was| !holds(was));
    is_worth_it.then(|| Announcement {
        is_warning: !holds(is),
        action: "Poll",
        reason: is.reason.clone(),
        note: is.message.clone(),
    })
}

/// That decisions are applied or only recorded from now on; nothing where they are applied from the start.
fn mode(change: &Change<'_>) -> Option<Announcement> {
    let [was, is] = [change.before, change.next].map(|status| status.observed()?.mode.as_deref());
    let note = match (was, is?) {
        (was, is) if was == Some(is) => return None,
        (_, "Observing") => {
            "decisions are recorded but not applied from now on: the annotation polyscaler.dev/mode is \
             observe"
        }
        (Some("Observing"), "Active") => "decisions are applied from now on",
        _ => return None,
    };
    Some(Announcement { is_warning: false, action: "Poll", reason: is?.to_owned(), note: note.to_owned() })
}

/// That scaling is paused, in another way or no longer; nothing where nothing is paused from the start.
fn pause(change: &Change<'_>) -> Option<Announcement> {
    let [was, is] = [change.before, change.next].map(|status| status.observed()?.condition(PAUSED));
    let (is, holds) = (is?, |condition: &Condition| condition.status == "True");
    let is_same = was.is_some_and(|was| was.reason == is.reason && was.message == is.message);
    let is_worth_it = !is_same && (holds(is) || was.is_some_and(holds));
    is_worth_it.then(|| Announcement {
        is_warning: false,
        action: "Poll",
        reason: is.reason.clone(),
        note: if holds(is) { is.message.clone() } else { "scaling is no longer paused".to_owned() },
    })
}

/// That the bounds are overridden, by other ones or no longer; nothing where they never were.
fn bounds_override(change: &Change<'_>) -> Option<Announcement> {
    let poll = change.outcome.poll()?;
    let [was, is] = [change.before, change.next].map(|status| status.observed()?.bounds_override.as_deref());
    let (reason, note) = match (was, is) {
        (was, is) if was == is => return None,
        (_, Some(over)) => (
            OVERRIDDEN,
            format!(
                "minReplicas and maxReplicas are overridden by the annotation {OVERRIDE_ANNOTATION}: {over}"
            ),
        ),
        (Some(over), None) => {
            let how = if poll.plan.brakes.bounds.is_some() { "has ended" } else { "was removed" };
            let note = format!(
                "minReplicas and maxReplicas are those of the spec again: the override {how} ({over})"
            );
            (OVERRIDE_ENDED, note)
        }
        (None, None) => return None,
    };
    Some(Announcement { is_warning: false, action: "Poll", reason: reason.to_owned(), note })
}

#[cfg(test)]
mod tests;
