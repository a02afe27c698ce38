//! What the loop gets back of a poll.

use std::time::Duration;

use engine::Memory;
use engine::invariants::Violation;
use resources::{Outcome, Poll, Reason, Verdict, WriteFailure};

/// What the loop gets back.
pub(crate) struct Finished {
    pub(crate) memory: Memory,
    /// Whether the targets may, still or again, have been scaled without the memory knowing.
    pub(crate) ask_last_scaled: bool,
    /// What the poll came to; `None` where it was revoked before it had seen everything.
    pub(crate) outcome: Option<Outcome>,
    /// Places of the members that were written, or tried to.
    pub(crate) tried: Vec<usize>,
    /// Targets whose replicas someone has changed since they were written.
    pub(crate) changed: Vec<Changed>,
    /// Whether it was the first to write by its decision.
    pub(crate) round: Round,
    /// Invariants that the decision would have violated, so that it was held.
    pub(crate) violations: Vec<Violation>,
    /// How long the reading of each metric took.
    pub(crate) latencies: Vec<Duration>,
}

/// A target whose replicas someone has changed since they were written.
pub(crate) struct Changed {
    /// Place of the member.
    pub(crate) member: usize,
    /// The replicas that there are now.
    pub(crate) replicas: u32,
    /// The field manager that set them, where that is known and is not us.
    pub(crate) manager: Option<String>,
}

/// Which writes by one decision these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// The decision was made by the same poll.
    First,
    /// Those that failed were tried again.
    Again {
        /// Whether any of them fares otherwise than before.
        news: bool,
    },
}

impl Finished {
    /// A poll that was revoked before it had seen everything.
    pub(crate) fn without_outcome(memory: Memory) -> Self {
        let (tried, changed, violations, latencies) = Default::default();
        let (ask_last_scaled, outcome, round) = (false, None, Round::First);
        Self { memory, ask_last_scaled, outcome, tried, changed, round, violations, latencies }
    }

    /// The poll with what came of it, where it came that far.
    pub(crate) fn poll(&mut self) -> Option<&mut Poll> {
        match &mut self.outcome {
            Some(Outcome { verdict: Verdict::Polled(poll), .. }) => Some(poll),
            _ => None,
        }
    }

    /// Whether someone else changed a target between read and write, so that it is looked at again
    /// at once. A group writes such a member again by the same decision.
    pub(crate) fn met_conflict(&self) -> bool {
        let Some(Outcome { verdict: Verdict::Polled(poll), .. }) = &self.outcome else { return false };
        if poll.plan.group.is_some() {
            return false;
        }
        let mut writes = poll.members.iter().filter_map(|member| member.write.as_ref());
        writes.any(|write| matches!(write, Err(WriteFailure { reason: Reason::ScaleConflict, .. })))
    }
}
