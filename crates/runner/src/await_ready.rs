//! Waiting for the members of a group's last action to become ready.
//!
//! One task for each group that is on its way; it only looks, so it can be ended at any time.
//! Deployments, StatefulSets and ReplicaSets are watched anyway, so looking costs nothing.

use std::time::Duration;

use engine::action::{Awaited, is_too_old};
use engine::{Scale, Time};
use futures::future::join_all;
use tokio::task::AbortHandle;

use crate::{ObjectKey, Services};

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// A task that waits for these members; ended with this value.
pub(crate) struct Following {
    pub(crate) task: AbortHandle,
    /// The time of the action.
    pub(crate) at: Time,
    pub(crate) members: Vec<Awaited>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What was seen.
pub(crate) struct Followed {
    pub(crate) key: ObjectKey,
    /// The time of the action.
    pub(crate) at: Time,
    /// Names of the members that became ready, when, and as what. Empty where there is nothing to wait for.
    pub(crate) ready: Vec<(String, Time, Scale)>,
}

/// Looks at `members` until at least one is ready, none of their kinds reports readiness, or they took too long.
pub(crate) async fn follow(
    services: Services,
    key: ObjectKey,
    at: Time,
    mut members: Vec<Awaited>,
) -> Followed {
    loop {
        let looks = join_all(members.iter().map(|member| services.actuator.observe(&member.target))).await;
        let now = services.clock.now();
        let mut ready = Vec::new();
        let mut looks = looks.into_iter();
        members.retain(|member| match looks.next() {
            Some(Ok(scale)) => match member.is_ready(&scale) {
                Some(true) => {
                    ready.push((member.name.clone(), now, scale));
                    false
                }
                Some(false) => true,
                None => false,
            },
            // A target that is away may come back.
            _ => true,
        });
        if !ready.is_empty() || members.is_empty() || is_too_old(at, now) {
            return Followed { key, at, ready };
        }
        tokio::time::sleep(PAUSE).await;
    }
}
