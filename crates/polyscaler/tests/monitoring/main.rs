//! Dashboard and alerts on the real Prometheus that scrapes the real operator on a real control plane.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

#[path = "../harness/mod.rs"]
mod harness;

mod alerts;
mod files;
mod queries;
