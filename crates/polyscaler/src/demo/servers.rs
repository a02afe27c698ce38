//! The servers where the load of a scenario is read: a plain endpoint, a Prometheus, and the
//! servers of its queues. Only what a scenario needs is started.

mod broker;
mod calls;
mod nats;
mod queues;
mod redis;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use testbed::MetricServer;

use super::scenario::{Application, Group, Load, Scenario};
use traffic::Traffic;

#[cfg(test)]
pub(super) use broker::Broker;
pub(super) use calls::{Busiest, Calls};
pub(super) use queues::{Flow, Queues};

/// The load of every application of a scenario.
pub(super) struct Servers {
    figures: MetricServer,
    traffic: Option<Traffic>,
    queues: Queues,
    /// In a group, as they are now.
    calls: Option<Calls>,
}

impl Servers {
    /// Starts what the scenario needs. Says what is missing where there is none to start.
    pub(super) async fn start(scenario: &Scenario) -> anyhow::Result<Self> {
        Ok(Self {
            figures: MetricServer::start().await?,
            traffic: Traffic::start(scenario).await?,
            queues: Queues::start(scenario).await?,
            calls: None,
        })
    }

    /// Where the load of an application is read.
    pub(super) fn url(&self, application: &Application) -> String {
        let url = match &application.load {
            Load::Figure { .. } | Load::Calls => None,
            Load::Requests { .. } => self.traffic.as_ref().map(Traffic::url),
            Load::Queue(queue) => self.queues.url(queue.server),
        };
        url.unwrap_or_else(|| self.figures.url(&application.path()))
    }

    /// Where the load of a group is read.
    pub(super) fn group_url(&self, group: &Group) -> String {
        self.figures.url(&group.path())
    }

    /// The load of every application at `hour`, `elapsed` after the last time, with the pods that
    /// are `ready` at work.
    pub(super) async fn advance(
        &mut self,
        scenario: &Scenario,
        hour: f64,
        elapsed: Duration,
        ready: &BTreeMap<String, u32>,
    ) -> anyhow::Result<()> {
        for application in scenario.applications {
            match application.load {
                Load::Figure { at, .. } => {
                    self.figures.set_json(&application.path(), &json!({ "active_users": at(hour) }));
                }
                Load::Requests { a_second, .. } => {
                    if let Some(traffic) = &self.traffic {
                        traffic.set_pace(application.name, a_second(hour));
                    }
                }
                Load::Queue(_) | Load::Calls => {}
            }
        }
        if let Some(group) = &scenario.group {
            let calls = Calls::new((group.a_second)(hour), ready);
            self.figures.set_json(&group.path(), &calls.report());
            self.calls = Some(calls);
        }
        self.queues.advance(hour, elapsed, ready).await
    }

    /// What came and went lately in the queue of an application, where it has one.
    pub(super) fn flow(&self, application: &str) -> Option<Flow> {
        self.queues.flow(application)
    }

    /// The calls among the services of a group.
    pub(super) fn calls(&self) -> Option<&Calls> {
        self.calls.as_ref()
    }
}
