//! The real operator on a real control plane, which all tests here share.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

#[path = "../harness/mod.rs"]
mod harness;

mod admission;
mod any_target;
mod bad_metrics;
mod edits;
mod follows_users;
mod leader;
mod observe;
mod permissions;
mod prometheus;
mod quiet;
mod safety;
mod scaling_rule;
mod secrets;
mod targets;
