//! The tests of the binary, one folder a subject. One program for all: its folders share what is costly to
//! build and to start, so a control plane that no test breaks serves every folder.
//!
//! `cargo test -p polyscaler --test integration cluster::leader` runs a part of them.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod cluster;
mod command_line;
mod coordinate;
#[cfg(feature = "demo")]
mod demo;
mod external_metrics;
mod harness;
mod hpa_controller;
mod keda;
mod monitoring;
mod outage;
mod packaging;
mod pods;
#[cfg(target_os = "linux")]
mod real_node;
mod samples;
mod terminal;
mod walkthrough;
