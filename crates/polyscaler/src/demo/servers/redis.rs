//! A real Redis server with a list for each queue.

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use testbed::{RedisOptions, RedisServer};

use super::broker::{Broker, PATIENCE};
use crate::demo::scenario::Queue;

pub(super) struct Redis {
    server: RedisServer,
    connection: MultiplexedConnection,
}

impl Redis {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let server = RedisServer::start(RedisOptions::default()).await?;
        let patient = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = redis::Client::open(server.url())?;
        let connected = client.get_multiplexed_async_connection_with_config(&patient).await;
        let connection = connected.context("the Redis server takes no clients")?;
        Ok(Self { server, connection })
    }

    async fn push(&self, queue: &Queue, jobs: usize) -> anyhow::Result<()> {
        if jobs == 0 {
            return Ok(());
        }
        let mut push = redis::cmd("RPUSH");
        push.arg(queue.name).arg(vec!["job"; jobs]);
        let pushed = push.query_async(&mut self.connection.clone()).await;
        pushed.context("the Redis server takes no jobs")
    }

    async fn pop(&self, queue: &Queue, most: usize) -> anyhow::Result<usize> {
        let mut pop = redis::cmd("LPOP");
        pop.arg(queue.name).arg(most);
        let popped: Option<Vec<String>> =
            pop.query_async(&mut self.connection.clone()).await.context("the Redis server gives no jobs")?;
        Ok(popped.map_or(0, |jobs| jobs.len()))
    }
}

impl Broker for Redis {
    fn url(&self) -> String {
        self.server.url()
    }

    fn put<'a>(&'a self, queue: &'a Queue, entries: usize) -> BoxFuture<'a, anyhow::Result<()>> {
        self.push(queue, entries).boxed()
    }

    fn take<'a>(&'a self, queue: &'a Queue, most: usize) -> BoxFuture<'a, anyhow::Result<usize>> {
        self.pop(queue, most).boxed()
    }
}
