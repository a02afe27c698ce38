//! What tests and the demo rely on, in one program.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod browser;
#[cfg(target_os = "linux")]
mod build;
mod cloud_monitoring;
mod control_plane;
mod metric_server;
mod metrics_api;
mod nats_server;
#[cfg(target_os = "linux")]
mod no_trace;
mod otlp_receiver;
mod prometheus_server;
#[cfg(target_os = "linux")]
mod real_node;
mod redis_server;
