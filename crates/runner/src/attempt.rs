//! What is done about the decision for one member, and what came of it.

use engine::Time;
use engine::action::WriteResult;
use resources::WriteFailure;

/// A write that was tried, or found to be done already.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tried {
    /// When it ended.
    pub(crate) at: Time,
    /// Whether anything was sent; not where the target asked for these replicas already.
    pub(crate) sent: bool,
    /// What came of it.
    pub(crate) result: Result<(), WriteFailure>,
}

/// What is done about the decision for one member.
pub(crate) enum Act {
    /// Nothing, the replicas stay.
    Unchanged,
    /// Nothing, the object is in observe mode.
    Observed,
    /// Nothing, the poll has lost its right.
    Revoked,
    /// Nothing, this replica does not lead.
    NotLeading,
    /// Nothing, as the time for it is over.
    TooLate,
    /// A write was tried.
    Wrote(Result<(), WriteFailure>),
}

impl Tried {
    /// It as the engine remembers it.
    pub(crate) fn written(&self) -> WriteResult {
        let failure = self.result.as_ref().err().map(|failure| failure.message.clone());
        WriteResult { at: self.at, sent: self.sent, failure }
    }
}
