//! Both ends of every queue of a scenario: producers that add at the pace of the hour, and the
//! work of the pods. The demo's nodes run no containers, so what ready pods would take from a
//! queue is taken here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use super::broker::Broker;
use super::nats::Nats;
use super::redis::Redis;
use crate::demo::scenario::{Queue, QueueServer, Scenario};

/// The servers of a scenario's queues, and every queue.
pub(in crate::demo) struct Queues {
    brokers: BTreeMap<QueueServer, Box<dyn Broker>>,
    lines: Vec<Line>,
}

/// One queue with the pace of both of its ends.
struct Line {
    application: &'static str,
    queue: &'static Queue,
    arriving: Pace,
    working: Pace,
    flow: Flow,
}

/// Entries a second that come and go.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::demo) struct Flow {
    pub(in crate::demo) arrived: f64,
    pub(in crate::demo) done: f64,
}

/// Turns a rate into whole entries and carries the rest over.
#[derive(Debug, Default)]
struct Pace {
    rest: f64,
}

impl Pace {
    /// The whole entries of `elapsed` at `rate` a second.
    fn entries(&mut self, rate: f64, elapsed: Duration) -> usize {
        let owed = self.rest + rate.max(0.0) * elapsed.as_secs_f64();
        self.rest = owed.fract();
        owed as usize
    }
}

impl Queues {
    /// Starts every server that a queue of the scenario is on.
    pub(super) async fn start(scenario: &Scenario) -> anyhow::Result<Self> {
        let mut brokers = BTreeMap::new();
        for (_, queue) in scenario.queues() {
            if let Entry::Vacant(missing) = brokers.entry(queue.server) {
                missing.insert(start(queue.server, scenario).await?);
            }
        }
        Ok(Self::on(brokers, scenario))
    }

    /// The scenario's queues on servers that run.
    pub(in crate::demo) fn on(brokers: BTreeMap<QueueServer, Box<dyn Broker>>, scenario: &Scenario) -> Self {
        let line = |(application, queue)| {
            let (arriving, working, flow) = (Pace::default(), Pace::default(), Flow::default());
            Line { application, queue, arriving, working, flow }
        };
        Self { brokers, lines: scenario.queues().map(line).collect() }
    }

    /// Where a server reports what waits, if it was started.
    pub(super) fn url(&self, server: QueueServer) -> Option<String> {
        self.brokers.get(&server).map(|broker| broker.url())
    }

    /// What came and went lately in the queue of an application.
    pub(in crate::demo) fn flow(&self, application: &str) -> Option<Flow> {
        self.lines.iter().find(|line| line.application == application).map(|line| line.flow)
    }

    /// Lets `elapsed` go by at `hour`: entries arrive, and the `ready` pods of every application
    /// work them off.
    pub(in crate::demo) async fn advance(
        &mut self,
        hour: f64,
        elapsed: Duration,
        ready: &BTreeMap<String, u32>,
    ) -> anyhow::Result<()> {
        for line in &mut self.lines {
            let Some(broker) = self.brokers.get(&line.queue.server) else { continue };
            let arrived = line.arriving.entries((line.queue.arriving)(hour), elapsed);
            broker.put(line.queue, arrived).await?;
            let pods = ready.get(line.application).copied().unwrap_or(0);
            let most = line.working.entries(f64::from(pods) * line.queue.per_pod, elapsed);
            let done = if most == 0 { 0 } else { broker.take(line.queue, most).await? };
            let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            line.flow = Flow { arrived: arrived as f64 / seconds, done: done as f64 / seconds };
        }
        Ok(())
    }
}

async fn start(server: QueueServer, scenario: &Scenario) -> anyhow::Result<Box<dyn Broker>> {
    match server {
        QueueServer::Nats => {
            println!("starting a NATS server");
            Ok(Box::new(Nats::start(scenario).await?))
        }
        QueueServer::Redis => {
            println!("starting a Redis server");
            Ok(Box::new(Redis::start().await?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_loses_no_entry() {
        let mut pace = Pace::default();
        let step = Duration::from_millis(100);
        let entries: Vec<usize> = (0..8).map(|_| pace.entries(12.5, step)).collect();
        assert_eq!(entries, [1, 1, 1, 2, 1, 1, 1, 2]);
        assert_eq!(pace.entries(0.0, step), 0);
    }
}
