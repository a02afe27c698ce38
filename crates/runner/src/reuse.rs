//! How old the readings may be by which an object is polled.

use std::time::Duration;

use engine::Plan;

/// Which reading from before a poll was due will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// None: it is a regular poll.
    #[default]
    Nothing,
    /// It is the first one, of a new object, a new spec or a new leader: one that equal queries have shared, but where the
    /// interval counts from this poll, none but of this moment.
    AtFirst,
    /// It looks again at what has been read: any of the last interval.
    Again,
}

impl Reuse {
    /// How old the reading may be.
    pub(crate) fn oldest(self, plan: &Plan) -> Duration {
        match self {
            Self::Nothing => Duration::ZERO,
            Self::AtFirst if plan.policy.counts_from_poll(plan.interval) => MOMENT.min(plan.interval),
            Self::AtFirst | Self::Again => plan.interval,
        }
    }
}

/// In which equal queries that begin together are asked once.
const MOMENT: Duration = Duration::from_secs(1);
