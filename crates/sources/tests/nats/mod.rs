//! The source `nats` through the hub, against real NATS servers and against endpoints that
//! answer like bad ones.

mod accounts;
mod bad_answers;
mod bench;
mod canned;
mod client;
mod cluster;
mod counting;
mod finding;
mod restarts;
