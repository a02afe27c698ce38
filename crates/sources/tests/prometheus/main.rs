//! The source `prometheus` through the hub, against the real server that scrapes real samples.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

mod bad_answers;
mod bench;
mod credentials;
mod queries;
#[allow(dead_code, reason = "every test binary uses another part of it")]
#[path = "../support/raw_server.rs"]
mod raw_server;
mod restarts;
#[path = "../support/mod.rs"]
mod support;
mod tls;
