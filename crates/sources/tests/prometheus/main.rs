//! The source `prometheus` through the hub, against the real server that scrapes real samples.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

#[path = "../support/acceptor.rs"]
mod acceptor;
mod bad_answers;
mod bench;
mod credentials;
mod queries;
mod restarts;
#[path = "../support/mod.rs"]
mod support;
mod tls;
