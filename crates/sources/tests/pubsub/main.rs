//! The source `pubsub` through the hub, against the testbed's Cloud Monitoring.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

mod bad_answers;
mod bench;
mod identity;
mod readings;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
