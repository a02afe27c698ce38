//! What a kind of metric source can do, and what it is handed to do it with.
//!
//! The trait is narrow so that a new source is one file: it checks its settings,
//! names the secrets it needs and reads one number. Sharing, secrets and counting
//! belong to the hub; connections belong to the clients that sources are built with.

use std::collections::BTreeMap;
use std::fmt;

use engine::{Absence, ConfigPath, Problem, Reading, Target, Time};
use futures::future::BoxFuture;
use serde_json::Value;

/// One kind of metric source, for example `http`.
pub trait Source: Send + Sync {
    /// Everything that is wrong with `config`, each problem with the path of its field.
    fn validate(&self, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem>;

    /// The secrets that a reading with `config` needs.
    fn secrets(&self, config: &Value) -> Vec<SecretRef>;

    /// Whether it reads what is scaled, so that its queries name the target.
    fn wants_target(&self) -> bool {
        false
    }

    /// Reads one number. Every failure is an absence; the caller bounds the time no further.
    fn read<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading>;
}

/// What a source is asked.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The query's settings, which [`Source::validate`] found good.
    pub config: &'a Value,
    /// The secrets that [`Source::secrets`] named.
    pub secrets: &'a Secrets,
    /// The query's own namespace.
    pub namespace: &'a str,
    /// The cluster's pods.
    pub pods: &'a dyn PodReader,
    /// What is scaled, where [`Source::wants_target`] says so.
    pub target: Option<&'a Target>,
    /// When the reading began: the time of a value whose source does not say one.
    pub begun: Time,
}

/// A secret in the query's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretRef {
    /// Name of the secret.
    pub name: String,
}

/// Keys and values of one secret.
pub type SecretData = BTreeMap<String, Vec<u8>>;

/// Reads secrets by name, whenever a reading needs one.
pub trait SecretReader: Send + Sync {
    /// Keys and values of the secret, or in a few words why there are none (without its content).
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<SecretData, String>>;
}

/// Reads the cluster's pods and what they use. Selectors are label selectors as `kubectl -l` takes them.
///
/// The answers are the API server's own JSON: what of it matters is for a source to know.
pub trait PodReader: Send + Sync {
    /// How many pods in `namespace` match `selector` and are neither Succeeded nor Failed.
    fn count<'a>(&'a self, namespace: &'a str, selector: &'a str) -> BoxFuture<'a, Result<u64, Absence>>;

    /// Those pods, as a `PodList`.
    fn list<'a>(&'a self, namespace: &'a str, selector: &'a str) -> BoxFuture<'a, Result<String, Absence>>;

    /// What pods in `namespace` that match `selector` use, as a `PodMetricsList` of `metrics.k8s.io/v1beta1`.
    fn metrics<'a>(&'a self, namespace: &'a str, selector: &'a str)
    -> BoxFuture<'a, Result<String, Absence>>;

    /// The selector of the pods of `target`, as its scale tells; never empty.
    fn selector_of<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<String, Absence>>;
}

/// The secrets read for one reading. Printing it shows names and keys, never values.
#[derive(Clone, Default)]
pub struct Secrets {
    namespace: String,
    by_name: BTreeMap<String, SecretData>,
}

impl Secrets {
    /// No secrets yet, of `namespace`.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), by_name: BTreeMap::new() }
    }

    /// Adds what the secret `name` holds.
    pub fn insert(&mut self, name: impl Into<String>, data: SecretData) {
        self.by_name.insert(name.into(), data);
    }

    /// What the secret holds.
    pub fn get(&self, secret: &SecretRef) -> Option<&SecretData> {
        self.by_name.get(&secret.name)
    }

    /// The secret's full name, for messages.
    pub fn full_name(&self, secret: &SecretRef) -> String {
        format!("{}/{}", self.namespace, secret.name)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_map();
        for (name, data) in &self.by_name {
            shown.entry(&format_args!("{}/{name}", self.namespace), &data.keys().collect::<Vec<_>>());
        }
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_secrets_shows_no_value() {
        let mut secrets = Secrets::new("shop");
        secrets.insert("token", SecretData::from([("authorization".into(), b"Bearer abc".to_vec())]));
        let shown = format!("{secrets:?}");
        assert!(shown.contains("shop/token") && shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("Bearer") && !shown.contains("66"), "{shown}");
    }
}
