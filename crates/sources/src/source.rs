//! What a kind of metric source can do, and what it is handed to do it with.
//!
//! The trait is narrow so that a new source is one file: it checks its settings,
//! names the secrets it needs and reads one number. Sharing, secrets and counting
//! belong to the hub; connections belong to the clients that sources are built with.
//! `docs/extending.md` walks through a whole one.

use std::collections::BTreeMap;
use std::fmt;

use engine::{Absence, AbsenceReason, ConfigPath, Problem, Reading, Target, Time};
use futures::future::BoxFuture;
use serde_json::Value;

/// One kind of metric source, for example `http`. One value of it serves all queries.
pub trait Source: Send + Sync {
    /// Everything that is wrong with `config`, each problem with the path of its field. It opens nothing, as
    /// `polyscaler check` and admission call it, too.
    fn validate(&self, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem>;

    /// The secrets that a reading with `config` needs; none where `config` is not good.
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

/// One value of a secret in the query's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretKeyRef {
    /// The secret.
    pub secret: SecretRef,
    /// The value's key in it.
    pub key: String,
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

    /// The value that `reference` names, as it is stored, or why there is none.
    pub fn value(&self, reference: &SecretKeyRef) -> Result<&[u8], Absence> {
        let SecretKeyRef { secret, key } = reference;
        let data = self.get(secret).ok_or_else(|| self.unusable(secret, "was not read"))?;
        match data.get(key) {
            None => Err(self.unusable(secret, format_args!("it has no key {key:?}"))),
            Some(value) if value.is_empty() => {
                Err(self.unusable(secret, format_args!("its key {key:?} is empty")))
            }
            Some(value) => Ok(value),
        }
    }

    /// The same as a text without a line break at its end: secrets are often made from files.
    pub fn text(&self, reference: &SecretKeyRef) -> Result<&str, Absence> {
        let text = std::str::from_utf8(self.value(reference)?).map_err(|_| {
            self.unusable(
                &reference.secret,
                format_args!("the value of its key {:?} is no text", reference.key),
            )
        })?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        Ok(text.strip_suffix('\r').unwrap_or(text))
    }

    /// The absence of a reading for which `secret` cannot be used. `why` must not hold a value of it.
    pub fn unusable(&self, secret: &SecretRef, why: impl fmt::Display) -> Absence {
        let message = format!("secret {}: {why}", self.full_name(secret));
        Absence { reason: AbsenceReason::SecretUnavailable, message }
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

    #[test]
    fn a_value_is_found_by_its_key_or_missed_by_name() {
        let mut secrets = Secrets::new("shop");
        let data = [("a", &b"pass\r\n"[..]), ("empty", b""), ("bytes", b"\xff\n")];
        secrets.insert("db", data.map(|(key, value)| (key.to_owned(), value.to_vec())).into());
        let reference = |name: &str, key: &str| SecretKeyRef {
            secret: SecretRef { name: name.to_owned() },
            key: key.to_owned(),
        };
        assert_eq!(secrets.text(&reference("db", "a")), Ok("pass"));
        assert_eq!(secrets.value(&reference("db", "a")), Ok(&b"pass\r\n"[..]));
        assert_eq!(secrets.value(&reference("db", "bytes")), Ok(&b"\xff\n"[..]));
        for (name, key, message) in [
            ("db", "b", "secret shop/db: it has no key \"b\""),
            ("db", "empty", "secret shop/db: its key \"empty\" is empty"),
            ("db", "bytes", "secret shop/db: the value of its key \"bytes\" is no text"),
            ("other", "a", "secret shop/other: was not read"),
        ] {
            let absence = secrets.text(&reference(name, key)).unwrap_err();
            assert_eq!(
                (absence.reason, absence.message.as_str()),
                (AbsenceReason::SecretUnavailable, message)
            );
        }
    }
}
