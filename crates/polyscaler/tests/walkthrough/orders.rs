//! The queue of the walk: orders that come in, and workers that take them.

use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{self, stream};
use futures::StreamExt as _;
use testbed::{NatsOptions, NatsServer};

use crate::harness;

const SUBJECT: &str = "orders.processing";

pub(crate) struct Orders {
    server: NatsServer,
    jetstream: jetstream::Context,
    workers: PullConsumer,
}

impl Orders {
    /// A real server with an empty stream and a durable consumer.
    pub(crate) async fn start() -> Self {
        let server = NatsServer::start(NatsOptions::default()).await.unwrap();
        let jetstream = harness::jetstream(&server).await;
        let stream = stream::Config {
            name: "ORDERS".to_owned(),
            subjects: vec![SUBJECT.to_owned()],
            ..stream::Config::default()
        };
        let workers = pull::Config {
            durable_name: Some("workers".to_owned()),
            filter_subject: SUBJECT.to_owned(),
            ack_wait: Duration::from_secs(300),
            ..pull::Config::default()
        };
        let workers = jetstream.create_stream(stream).await.unwrap().create_consumer(workers).await.unwrap();
        Self { server, jetstream, workers }
    }

    pub(crate) fn monitoring_url(&self) -> String {
        self.server.monitoring_url()
    }

    /// So many orders come in.
    pub(crate) async fn publish(&self, count: usize) {
        println!("\n({count} orders come in)");
        for _ in 0..count {
            self.jetstream.publish(SUBJECT, "order".into()).await.unwrap().await.unwrap();
        }
    }

    /// So many orders are done.
    pub(crate) async fn work_off(&self, count: usize) {
        println!("\n({count} orders are done)");
        let mut messages = self.workers.fetch().max_messages(count).messages().await.unwrap();
        for _ in 0..count {
            messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
        }
    }
}
