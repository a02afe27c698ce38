//! What is installed, on a real API server: the chart, the kustomizations and the single files,
//! each with the operator running as the service account that came with it.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

#[path = "../harness/mod.rs"]
mod harness;

mod account;
mod chart;
mod coordinate;
mod docs;
mod helm;
mod install;
mod kustomize;
mod make;
mod manifests;
mod monitoring;
mod namespaced;
mod pod;
mod rights;
mod tools;
mod values;
mod webhook;

use std::path::PathBuf;

/// A path in the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The text of a file in the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
