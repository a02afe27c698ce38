//! `polyscaler coordinate` on a real control plane that has none of our CRDs: the groups file moves
//! the seven Deployments of TeaStore.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

#[path = "../harness/mod.rs"]
mod harness;

mod drives;
mod edits;
mod endings;
mod experiment;
mod store;
mod usage;
