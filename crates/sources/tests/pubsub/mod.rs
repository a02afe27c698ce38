//! The source `pubsub` through the hub, against the testbed's Cloud Monitoring.

mod aggregation;
mod bad_answers;
mod bench;
mod identity;
mod readings;
mod tokens;
