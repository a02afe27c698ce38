//! Clients of NATS servers.

use async_nats::ConnectOptions;
use async_nats::jetstream::{self, Context};
use testbed::NatsServer;

use super::LIMIT;

/// A client of `server` that bears a busy machine: its own limits are of a few seconds.
pub(crate) async fn jetstream(server: &NatsServer) -> Context {
    let connection = ConnectOptions::new().connection_timeout(LIMIT).connect(server.url()).await.unwrap();
    let mut jetstream = jetstream::new(connection);
    jetstream.set_timeout(LIMIT);
    jetstream
}
