//! A fallback: the replicas that a metric asks for once it has failed for long enough.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;

/// What one metric falls back to, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// After so many polls in a row without a usable reading; at least 1.
    pub after_failures: Option<u32>,
    /// After so much time without a usable reading, counted from the first poll that had none.
    pub after: Option<Duration>,
    /// To which replicas.
    pub replicas: FallbackReplicas,
    /// Whether it may lead below the replicas that the target has.
    pub may_scale_in: bool,
}

/// The replicas of a [`Fallback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackReplicas {
    /// So many.
    Static(u32),
    /// Those that the target has.
    Current,
    /// So many, or those that the target has, whichever is more.
    CurrentIfHigher(u32),
}

/// For how long a metric has had no usable reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The first poll that had none.
    pub since: Time,
    /// Polls in a row, counted no further than the fallback asks for: else an outage would write every status at every
    /// poll.
    pub polls: u32,
}

impl Fallback {
    /// For how long its metric has failed after one more poll at `now`.
    pub(super) fn failing(self, before: Option<Failing>, now: Time) -> Failing {
        let Failing { since, polls } = before.unwrap_or(Failing { since: now, polls: 0 });
        let most = self.after_failures.unwrap_or(1);
        Failing { since: since.min(now), polls: polls.saturating_add(1).min(most) }
    }

    /// Whether it counts for a metric that has failed for so long; the first of its two limits that is reached decides.
    pub(super) fn is_due(self, failing: Failing, now: Time) -> bool {
        self.after_failures.is_some_and(|most| failing.polls >= most)
            || self.after.is_some_and(|longest| now.since(failing.since) >= longest)
    }

    /// The replicas that it asks for of a target with `current`.
    pub(crate) fn replicas(self, current: u32) -> u32 {
        match self.replicas {
            FallbackReplicas::Static(replicas) => replicas,
            FallbackReplicas::Current => current,
            FallbackReplicas::CurrentIfHigher(replicas) => replicas.max(current),
        }
    }
}
