//! The way to Redis that worker and producer share.

use std::time::Duration;

use anyhow::Context as _;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;

use crate::settings;

/// Longer than any command here waits.
const ANSWER: Duration = Duration::from_secs(5);

/// A connection to the server that `REDIS_URL` names (default redis://127.0.0.1:6379).
pub async fn redis_connection() -> anyhow::Result<MultiplexedConnection> {
    let url = settings::text("REDIS_URL", "redis://127.0.0.1:6379");
    // The URL may have a password, so it is not reported.
    let client = redis::Client::open(url).context("REDIS_URL is not the URL of a Redis server")?;
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(Some(ANSWER));
    client.get_multiplexed_async_connection_with_config(&config).await.context("no connection")
}
