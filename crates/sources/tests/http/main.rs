//! The source `http` through the hub, against real servers on loopback.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

#[path = "../support/acceptor.rs"]
mod acceptor;
mod answers;
mod bench;
#[path = "../support/child.rs"]
mod child;
mod limits;
#[path = "../support/raw_server.rs"]
mod raw_server;
mod redirects;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod tls;
