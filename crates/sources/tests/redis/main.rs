//! The source `redis` through the hub, against real Redis servers and against one that answers
//! like a bad one.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

mod access;
mod bad_answers;
mod bench;
mod cluster;
mod guard;
mod measures;
mod replicas;
mod restarts;
mod secrecy;
mod sentinel;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod tls;
