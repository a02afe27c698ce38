//! The real operator where the API server goes away, hangs, or holds what it should not: each
//! test has a control plane of its own.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

#[path = "../harness/mod.rs"]
mod harness;

mod away;
mod hanging;
mod no_crds;
mod stored_before;
