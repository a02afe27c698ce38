//! What an operator gives to every object: defaults for what a spec leaves open, and ceilings for what it says. They
//! come from one file, for all namespaces or for some by name or label.

mod effect;
mod file;
mod given;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use file::{DefaultsError, OperatorDefaults};

/// What holds in one namespace, each with where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamespaceDefaults {
    interval_seconds: Option<Given<u32>>,
    safety: Option<Given<Map<String, Value>>>,
    max_replicas: Option<Given<u32>>,
    min_interval_seconds: Option<Given<u32>>,
    metric_types: Option<Given<Vec<String>>>,
}

/// A value, and the part of the file that gives it.
#[derive(Clone, Debug, PartialEq)]
struct Given<T> {
    value: T,
    from: Arc<str>,
}

/// The labels of a namespace.
pub type Labels = BTreeMap<String, String>;
