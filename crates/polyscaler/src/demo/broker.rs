//! A real NATS server with both ends of every queue: producers that publish at the pace of the
//! hour, and the work of the pods. The demo's nodes run no containers, so what ready pods would
//! take from the queue is taken here.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{self, stream};
use futures::StreamExt as _;
use testbed::{NatsOptions, NatsServer};

use super::scenario::{Queue, Scenario};

/// How long a message may stay with a pod that died. Long, as a message that comes back would
/// be counted twice in a demo of minutes.
const ACK_WAIT: Duration = Duration::from_secs(300);

/// The server, and every queue of a scenario.
pub(super) struct Broker {
    server: NatsServer,
    client: async_nats::Client,
    lines: Vec<Line>,
}

/// One queue with both of its ends.
struct Line {
    application: &'static str,
    queue: &'static Queue,
    consumer: PullConsumer,
    arriving: Pace,
    working: Pace,
    flow: Flow,
}

/// Messages a second that come and go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    pub(super) arrived: f64,
    pub(super) done: f64,
}

/// Turns a rate into whole messages and carries the rest over.
#[derive(Debug, Default)]
struct Pace {
    rest: f64,
}

impl Pace {
    /// The whole messages of `elapsed` at `rate` a second.
    fn messages(&mut self, rate: f64, elapsed: Duration) -> usize {
        let owed = self.rest + rate.max(0.0) * elapsed.as_secs_f64();
        self.rest = owed.fract();
        owed as usize
    }
}

impl Broker {
    /// Starts a server with a stream for each queue. Says what is missing where there is none
    /// to start.
    pub(super) async fn start(scenario: &Scenario) -> anyhow::Result<Self> {
        let server = NatsServer::start(NatsOptions::default()).await?;
        let client = async_nats::connect(server.url()).await.context("the NATS server takes no clients")?;
        let jetstream = jetstream::new(client.clone());
        let mut lines = Vec::new();
        for (application, queue) in scenario.queues() {
            let consumer = consumer(&jetstream, application, queue).await?;
            let (arriving, working, flow) = (Pace::default(), Pace::default(), Flow::default());
            lines.push(Line { application, queue, consumer, arriving, working, flow });
        }
        Ok(Self { server, client, lines })
    }

    /// Where the server tells what waits.
    pub(super) fn monitoring_url(&self) -> String {
        self.server.monitoring_url()
    }

    /// What came and went lately in the queue of an application.
    pub(super) fn flow(&self, application: &str) -> Option<Flow> {
        self.lines.iter().find(|line| line.application == application).map(|line| line.flow)
    }

    /// Lets `elapsed` go by at `hour`: messages arrive, and the pods that `ready` knows of an
    /// application work them off.
    pub(super) async fn advance(
        &mut self,
        hour: f64,
        elapsed: Duration,
        ready: impl Fn(&str) -> u32,
    ) -> anyhow::Result<()> {
        for line in &mut self.lines {
            let arrived = line.arriving.messages((line.queue.arriving)(hour), elapsed);
            for _ in 0..arrived {
                self.client.publish(line.queue.subject, "".into()).await?;
            }
            self.client.flush().await?;
            let rate = f64::from(ready(line.application)) * line.queue.per_pod;
            let most = line.working.messages(rate, elapsed);
            let done = work_off(&line.consumer, most).await?;
            let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
            line.flow = Flow { arrived: arrived as f64 / seconds, done: done as f64 / seconds };
        }
        Ok(())
    }
}

/// The stream of a queue, and the consumer that all pods of its application share.
async fn consumer(
    jetstream: &jetstream::Context,
    application: &str,
    queue: &Queue,
) -> anyhow::Result<PullConsumer> {
    let stream = stream::Config {
        name: application.to_owned(),
        subjects: vec![queue.subject.to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        storage: stream::StorageType::Memory,
        ..stream::Config::default()
    };
    let workers = pull::Config {
        durable_name: Some("workers".to_owned()),
        filter_subject: queue.subject.to_owned(),
        ack_wait: ACK_WAIT,
        ..pull::Config::default()
    };
    let stream = jetstream.create_stream(stream).await;
    let stream = stream.with_context(|| format!("the stream of {application} cannot be made"))?;
    let consumer = stream.create_consumer(workers).await;
    consumer.with_context(|| format!("the consumer of {application} cannot be made"))
}

/// Takes and acknowledges up to `most` messages; how many there were.
async fn work_off(consumer: &PullConsumer, most: usize) -> anyhow::Result<usize> {
    if most == 0 {
        return Ok(0);
    }
    let fetched = consumer.fetch().max_messages(most).messages().await;
    let mut messages = fetched.context("the NATS server gives no messages")?;
    let mut done = 0;
    while let Some(message) = messages.next().await {
        let message = message.map_err(|error| anyhow::anyhow!("a message was lost on its way: {error}"))?;
        message.ack().await.map_err(|error| anyhow::anyhow!("a message cannot be acknowledged: {error}"))?;
        done += 1;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_loses_no_message() {
        let mut pace = Pace::default();
        let step = Duration::from_millis(100);
        let messages: Vec<usize> = (0..8).map(|_| pace.messages(12.5, step)).collect();
        assert_eq!(messages, [1, 1, 1, 2, 1, 1, 1, 2]);
        assert_eq!(pace.messages(0.0, step), 0);
    }
}
