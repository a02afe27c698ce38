//! The messages of KEDA's `externalscaler.proto`, as far as the scaler needs them: what has the same fields is one here.

use std::collections::BTreeMap;

use prost::Message;

/// The object that the scaler is asked about, and what else it is told.
#[derive(Clone, PartialEq, Message)]
pub struct About {
    /// Name of the object.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its namespace.
    #[prost(string, tag = "2")]
    pub namespace: String,
    /// All that its trigger says.
    #[prost(btree_map = "string, string", tag = "3")]
    pub metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetMetrics {
    #[prost(message, optional, tag = "1")]
    pub(super) about: Option<About>,
    #[prost(string, tag = "2")]
    pub(super) metric: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Active {
    #[prost(bool, tag = "1")]
    pub(super) result: bool,
}

/// Both a spec and a value: a name, a whole number and a float.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Amount {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int64, tag = "2")]
    pub(super) whole: i64,
    #[prost(double, tag = "3")]
    pub(super) float: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Amounts {
    #[prost(message, repeated, tag = "1")]
    pub(super) all: Vec<Amount>,
}
