//! Gives targets back the replicas that they had before an experiment.

use std::time::Duration;

use engine::Target;
use futures::future::join_all;

use super::measure::{Group, Measurer};

/// So often a target is tried, with such pauses.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// A target and its replicas from before; `None` where they could not be read.
pub(super) type Before = Vec<(Target, Option<u32>)>;

/// The replicas of all targets of `groups`.
pub(super) async fn replicas<'a>(measurer: &Measurer, groups: impl Iterator<Item = &'a Group>) -> Before {
    let targets = groups.flat_map(|group| &group.targets).map(|target| async move {
        let seen = measurer.actuator.observe(target).await;
        (target.clone(), seen.ok().map(|scale| scale.replicas))
    });
    join_all(targets).await
}

/// Restores what was `before`, all targets at the same time, and logs each.
pub(super) async fn restore(measurer: &Measurer, before: Before) {
    join_all(before.into_iter().map(|(target, replicas)| async move {
        match back(measurer, &target, replicas).await {
            Ok(Some(from)) => {
                tracing::info!(%target, from, to = replicas, "replicas from before the experiment restored");
            }
            Ok(None) => {}
            Err(why) => tracing::warn!(%target, before = replicas, why, "replicas are not restored"),
        }
    }))
    .await;
}

/// Returns the replicas that were changed; `None` where nothing had to be. A write that was interrupted may
/// have been carried out unseen, so a failure is tried again.
async fn back(measurer: &Measurer, target: &Target, before: Option<u32>) -> Result<Option<u32>, String> {
    let to = before.ok_or("the replicas from before are unknown")?;
    let mut last = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let from = measurer.actuator.observe(target).await.map_err(|failure| failure.message)?.replicas;
        if from == to {
            return Ok(None);
        }
        match measurer.write(target, from, to).await {
            Ok(()) => return Ok(Some(from)),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}
