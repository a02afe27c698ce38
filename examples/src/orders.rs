//! A stream of orders in NATS, and the consumer that all who take them share. Both are made by whoever comes first.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{self, stream};

use crate::settings;

/// How long an order may take before it is given to somebody else.
const ACK_WAIT: Duration = Duration::from_secs(60);

/// How long the server may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// The stream, and the way there.
#[derive(Debug)]
pub struct Orders {
    jetstream: jetstream::Context,
    stream: stream::Stream,
    subject: String,
}

impl Orders {
    /// As `NATS_URL` (nats://127.0.0.1:4222), `NATS_STREAM` (ORDERS) and `NATS_SUBJECT` (orders.processing) say.
    pub async fn from_env() -> anyhow::Result<Self> {
        let (url, subject) = (
            settings::text("NATS_URL", "nats://127.0.0.1:4222"),
            settings::text("NATS_SUBJECT", "orders.processing"),
        );
        let options = ConnectOptions::new().connection_timeout(ANSWER);
        // The URL may have a password, so it is not reported.
        let client = options.connect(url).await.context("no connection to NATS_URL")?;
        let mut jetstream = jetstream::new(client);
        jetstream.set_timeout(ANSWER);
        let config = stream::Config {
            name: settings::text("NATS_STREAM", "ORDERS"),
            subjects: vec![subject.clone()],
            retention: stream::RetentionPolicy::WorkQueue,
            ..stream::Config::default()
        };
        let stream = jetstream.get_or_create_stream(config).await.context("no stream")?;
        Ok(Self { jetstream, stream, subject })
    }

    /// What the next orders are taken from.
    pub async fn consumer(&self) -> anyhow::Result<PullConsumer> {
        let config = pull::Config {
            durable_name: Some("workers".to_owned()),
            filter_subject: self.subject.clone(),
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        self.stream.get_or_create_consumer("workers", config).await.context("no consumer")
    }

    /// Publishes one order, which is stored when this returns.
    pub async fn publish(&self, text: String) -> anyhow::Result<()> {
        let stored = self.jetstream.publish(self.subject.clone(), text.into()).await?;
        stored.await.context("the order is not stored")?;
        Ok(())
    }
}
