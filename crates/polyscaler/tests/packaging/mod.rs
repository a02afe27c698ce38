//! What is installed, on a real API server: the chart, the kustomizations and the single files,
//! each with the operator running as the service account that came with it.

pub(crate) mod account;
mod chart;
mod coordinate;
mod defaults;
mod docs;
mod gitops;
pub(crate) mod granted;
pub(crate) mod helm;
mod install;
pub(crate) mod kustomize;
mod make;
pub(crate) mod manifests;
mod matrix;
mod monitoring;
mod mounts;
mod namespaced;
pub(crate) mod pod;
mod release;
pub(crate) mod rights;
pub(crate) mod tools;
mod user_roles;
mod values;
mod webhook;

use std::path::PathBuf;

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The text of a file in the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
