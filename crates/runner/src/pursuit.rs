//! What the last decision of a group still asks for: failed writes to try again, and members to
//! wait for until they are ready. Each entry of the loop has one; it stays empty for a single target.

use std::sync::Arc;
use std::time::Duration;

use engine::Time;
use resources::{Outcome, Poll, Reason};

use crate::await_ready::Following;

/// After a failed write its target is written again this soon, and then twice as late each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, and the only one after a failure that does not pass by itself in a moment.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// See the module.
#[derive(Default)]
pub(crate) struct Pursuit {
    /// What was last reported of the last poll, to be reported again with what has come of it since.
    last: Option<Arc<Outcome>>,
    tries: Vec<Try>,
    /// When the next of `tries` is due.
    due: Option<Time>,
    pub(crate) following: Option<Following>,
}

/// A member whose write failed.
struct Try {
    member: usize,
    pause: Duration,
    due: Time,
}

impl Pursuit {
    /// The decision does not stand any more, and nothing is reported of it.
    pub(crate) fn forget_decision(&mut self) {
        self.last = None;
        self.give_up();
    }

    /// No write is tried again.
    pub(crate) fn give_up(&mut self) {
        self.tries.clear();
        self.due = None;
    }

    /// What was last reported, and the poll in it.
    pub(crate) fn last(&self) -> Option<(&Outcome, &Poll)> {
        let outcome = self.last.as_deref()?;
        Some((outcome, outcome.poll()?))
    }

    /// A poll was reported: its decision stands from now on.
    pub(crate) fn begin(&mut self, outcome: Arc<Outcome>, now: Time) {
        let members = outcome.poll().map_or(0, |poll| poll.members.len());
        self.tries = (0..members).filter_map(|member| next_try(&outcome, member, FIRST_PAUSE, now)).collect();
        self.last = Some(outcome);
    }

    /// A round of retries came to this.
    pub(crate) fn go_on(&mut self, outcome: Arc<Outcome>, now: Time) {
        let next = |tried: &Try| {
            if tried.due > now {
                return Some(Try { ..*tried });
            }
            next_try(&outcome, tried.member, tried.pause.saturating_mul(2), now)
        };
        self.tries = self.tries.iter().filter_map(next).collect();
        self.last = Some(outcome);
    }

    /// Something else came to be known of the last poll.
    pub(crate) fn restate(&mut self, outcome: Arc<Outcome>) {
        self.last = Some(outcome);
    }

    /// Drops what is due only when the next poll decides again; returns when the next retry is due.
    pub(crate) fn plan(&mut self, now: Time, next_poll: Option<Time>) -> Option<Time> {
        self.tries.retain(|tried| next_poll.is_some_and(|next| tried.due < next));
        self.due = self.tries.iter().map(|tried| tried.due).min().map(|due| due.max(now));
        self.due
    }

    /// When the next retry is due.
    pub(crate) fn due(&self) -> Option<Time> {
        self.due
    }

    /// Places of the members that are due at `now`.
    pub(crate) fn due_members(&mut self, now: Time) -> Vec<usize> {
        self.due = None;
        self.tries.iter().filter(|tried| tried.due <= now).map(|tried| tried.member).collect()
    }
}

/// When a member is tried again, where its write failed.
fn next_try(outcome: &Outcome, member: usize, pause: Duration, now: Time) -> Option<Try> {
    let polled = outcome.poll()?.members.get(member)?;
    let failed = polled.write.as_ref()?.as_ref().err()?.reason;
    let reason = polled.seen.as_ref().err().map_or(failed, |failure| failure.reason);
    let pause = if passes_by_itself(reason) { pause.min(LONGEST_PAUSE) } else { LONGEST_PAUSE };
    Some(Try { member, pause, due: now.plus(pause) })
}

/// Whether a failure may be over in a moment. The others wait for people.
fn passes_by_itself(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::TargetForbidden
            | Reason::AdmissionDenied
            | Reason::TargetNotFound
            | Reason::TargetNotScalable
    )
}
