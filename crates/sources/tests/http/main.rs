//! The source `http` through the hub, against real servers on loopback.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

mod answers;
mod bench;
mod limits;
mod raw_server;
mod redirects;
mod sharing;
mod tls;
