//! The source `nats` through the hub, against real NATS servers and against endpoints that
//! answer like bad ones.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

mod accounts;
mod bad_answers;
mod bench;
mod canned;
mod client;
mod cluster;
mod counting;
mod finding;
#[allow(dead_code, reason = "the tests of http need more of it")]
#[path = "../support/raw_server.rs"]
mod raw_server;
mod restarts;
#[path = "../support/mod.rs"]
mod support;
