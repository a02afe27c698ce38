//! A real NATS server with a stream for each queue.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{self, stream};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use testbed::{NatsOptions, NatsServer};

use super::broker::{Broker, PATIENCE};
use crate::demo::scenario::{Queue, QueueServer, Scenario};

/// How long a message may stay with a pod that died. Long, as a message that comes back would
/// be counted twice in a demo of minutes.
const ACK_WAIT: Duration = Duration::from_secs(300);

pub(super) struct Nats {
    server: NatsServer,
    client: async_nats::Client,
    /// By the subject of the queue.
    consumers: BTreeMap<&'static str, PullConsumer>,
}

impl Nats {
    /// Starts a server with a stream for each of its queues.
    pub(super) async fn start(scenario: &Scenario) -> anyhow::Result<Self> {
        let server = NatsServer::start(NatsOptions::default()).await?;
        let options = ConnectOptions::new().connection_timeout(PATIENCE);
        let client = options.connect(server.url()).await.context("the NATS server takes no clients")?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(PATIENCE);
        let mut consumers = BTreeMap::new();
        for (application, queue) in scenario.queues().filter(|(_, queue)| queue.server == QueueServer::Nats) {
            consumers.insert(queue.name, consumer(&jetstream, application, queue).await?);
        }
        Ok(Self { server, client, consumers })
    }

    async fn publish(&self, queue: &Queue, messages: usize) -> anyhow::Result<()> {
        for _ in 0..messages {
            self.client.publish(queue.name, "".into()).await?;
        }
        Ok(self.client.flush().await?)
    }

    /// Takes and acknowledges up to `most` messages; how many there were.
    async fn work_off(&self, queue: &Queue, most: usize) -> anyhow::Result<usize> {
        let consumer = self.consumers.get(queue.name).context("the queue has no stream")?;
        let fetched = consumer.fetch().max_messages(most).messages().await;
        let mut messages = fetched.context("the NATS server gives no messages")?;
        let mut done = 0;
        while let Some(message) = messages.next().await {
            let message =
                message.map_err(|error| anyhow::anyhow!("a message was lost on its way: {error}"))?;
            let acknowledged = message.ack().await;
            acknowledged.map_err(|error| anyhow::anyhow!("a message cannot be acknowledged: {error}"))?;
            done += 1;
        }
        Ok(done)
    }
}

impl Broker for Nats {
    fn url(&self) -> String {
        self.server.monitoring_url()
    }

    fn put<'a>(&'a self, queue: &'a Queue, entries: usize) -> BoxFuture<'a, anyhow::Result<()>> {
        self.publish(queue, entries).boxed()
    }

    fn take<'a>(&'a self, queue: &'a Queue, most: usize) -> BoxFuture<'a, anyhow::Result<usize>> {
        self.work_off(queue, most).boxed()
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
        subjects: vec![queue.name.to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        storage: stream::StorageType::Memory,
        ..stream::Config::default()
    };
    let workers = pull::Config {
        durable_name: Some("workers".to_owned()),
        filter_subject: queue.name.to_owned(),
        ack_wait: ACK_WAIT,
        ..pull::Config::default()
    };
    let stream = jetstream.create_stream(stream).await;
    let stream = stream.with_context(|| format!("the stream of {application} cannot be created"))?;
    let consumer = stream.create_consumer(workers).await;
    consumer.with_context(|| format!("the consumer of {application} cannot be created"))
}
