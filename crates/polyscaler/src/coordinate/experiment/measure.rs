//! Scales a group and measures how long it takes, from the request to the last member ready.

use std::sync::Arc;
use std::time::Duration;

use engine::{Target, Time};
use futures::future::join_all;
use runner::{Actuator, Clock, Guard};

use super::list::Series;

/// How often a target is looked at. Deployments are watched, so looking asks nobody.
const LOOK: Duration = Duration::from_millis(20);

/// So late the watch may still show the replicas from before our own write; after that they are someone else's.
const WATCH_LAG: Duration = Duration::from_secs(30);

/// What is scaled: a name and the targets of its members.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Its name, as in the list.
    pub(super) name: String,
    /// Its members.
    pub(super) targets: Vec<Target>,
}

/// One measured scaling.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scaling {
    /// What it was part of.
    pub(super) series: Series,
    /// Which of its repetitions, from 1.
    pub(super) repetition: u32,
    /// When it was requested.
    pub(super) requested: Time,
    /// Every member, in the group's order.
    pub(super) members: Vec<MemberTime>,
}

/// How long one member took.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MemberTime {
    /// Name of the target.
    pub(super) name: String,
    /// From the request until the API server had taken the write; `None` where it did not.
    pub(super) written: Option<Duration>,
    /// From the request until all replicas were ready; `None` where that was not seen.
    pub(super) ready: Option<Duration>,
    /// Why a time is missing.
    pub(super) failure: Option<String>,
}

impl Scaling {
    /// From the request until the last member was ready; `None` where one was not.
    pub(super) fn total(&self) -> Option<Duration> {
        let times: Option<Vec<Duration>> = self.members.iter().map(|member| member.ready).collect();
        times?.into_iter().max()
    }

    /// What went wrong, by member.
    pub(super) fn failures(&self) -> impl Iterator<Item = String> {
        let failure = |member: &MemberTime| Some(format!("{}: {}", member.name, member.failure.as_ref()?));
        self.members.iter().filter_map(failure)
    }
}

/// Scales and measures.
pub(super) struct Measurer {
    pub(super) actuator: Arc<dyn Actuator>,
    pub(super) guard: Arc<dyn Guard>,
    pub(super) clock: Arc<dyn Clock>,
    /// How long one scaling may take.
    pub(super) patience: Duration,
}

impl Measurer {
    /// Brings the group to where the series begins, and then measures one scaling. Members that
    /// fail are reported in the result; the others go on.
    pub(super) async fn measure(&self, group: &Group, series: &Series, repetition: u32) -> Scaling {
        let prepared = join_all(group.targets.iter().map(|target| self.bring(target, series.from))).await;
        let requested = self.clock.now();
        let members = group.targets.iter().zip(prepared).map(|(target, prepared)| async move {
            let mut time =
                MemberTime { name: target.name.clone(), written: None, ready: None, failure: None };
            if let Err(failure) = prepared {
                time.failure = Some(format!("it did not reach {} replicas: {failure}", series.from));
                return time;
            }
            match self.write(target, series.from, series.to).await {
                Ok(()) => time.written = Some(self.clock.now().since(requested)),
                Err(failure) => time.failure = Some(failure),
            }
            if time.written.is_some() {
                match self.until_ready(target, series.to).await {
                    Ok(()) => time.ready = Some(self.clock.now().since(requested)),
                    Err(failure) => time.failure = Some(failure),
                }
            }
            time
        });
        let members = join_all(members).await;
        Scaling { series: series.clone(), repetition, requested, members }
    }

    /// Brings a target to so many ready replicas, wherever it is.
    async fn bring(&self, target: &Target, replicas: u32) -> Result<(), String> {
        let scale = self.actuator.observe(target).await.map_err(|failure| failure.message)?;
        if scale.replicas != replicas {
            self.write(target, scale.replicas, replicas).await?;
        }
        self.until_ready(target, replicas).await
    }

    /// Asks for `to` replicas where there are `from`.
    pub(super) async fn write(&self, target: &Target, from: u32, to: u32) -> Result<(), String> {
        let lost = || "this process no longer holds the Lease".to_owned();
        let time_left = self.guard.time_left().ok_or_else(lost)?;
        self.actuator.scale(target, from, to, time_left).await.map_err(|failure| failure.message)
    }

    /// Waits until the target has exactly so many replicas, all ready.
    async fn until_ready(&self, target: &Target, replicas: u32) -> Result<(), String> {
        let begun = self.clock.now();
        loop {
            let last = match self.actuator.observe(target).await {
                Ok(scale) => {
                    let ready = scale.ready.unwrap_or(scale.status_replicas);
                    if (scale.replicas, scale.status_replicas, ready) == (replicas, replicas, replicas) {
                        return Ok(());
                    }
                    if scale.replicas != replicas && self.clock.now().since(begun) > WATCH_LAG {
                        return Err(format!(
                            "another client set {} replicas in the meantime",
                            scale.replicas
                        ));
                    }
                    short_of(replicas, ready, scale.status_replicas)
                }
                Err(failure) => failure.message,
            };
            if self.clock.now().since(begun) >= self.patience {
                return Err(format!("after {} s {last}", self.patience.as_secs()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What keeps a target with so many pods, of which so many are ready, from having exactly `replicas` ready ones.
fn short_of(replicas: u32, ready: u32, pods: u32) -> String {
    match pods.saturating_sub(replicas) {
        0 => format!("{ready} of {replicas} replicas are ready"),
        // Those of a rollout that does not end, or that nobody has removed yet.
        beyond => format!("{ready} of {replicas} replicas are ready; pods beyond them: {beyond}"),
    }
}

#[cfg(test)]
mod tests {
    use super::short_of;

    #[test]
    fn what_is_missing_is_reported_and_what_is_too_much() {
        assert_eq!(short_of(3, 1, 2), "1 of 3 replicas are ready");
        assert_eq!(short_of(2, 2, 3), "2 of 2 replicas are ready; pods beyond them: 1");
    }
}
