//! One Secret of the operator's own, which its replicas share.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use runner::Metrics;
use serde_json::json;

use super::requests::Requests;
use crate::refusal::{Asked, Cause, Refusal};
use crate::{Clients, FIELD_MANAGER};

/// A Secret of type `kubernetes.io/tls`.
pub struct KeptSecret {
    api: Api<Secret>,
    namespace: String,
    name: String,
    requests: Requests,
}

/// The Secret as it was read.
pub struct SecretState {
    /// Its data.
    pub data: BTreeMap<String, Vec<u8>>,
    /// Its resourceVersion.
    pub version: Option<String>,
}

impl KeptSecret {
    /// The Secret `name` in `namespace`.
    pub fn new(clients: &Clients, namespace: &str, name: &str, metrics: Arc<Metrics>) -> Self {
        Self {
            api: Api::namespaced(clients.write.clone(), namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            requests: Requests::new(clients, metrics),
        }
    }

    /// `Secret namespace/name`.
    pub fn describe(&self) -> String {
        format!("Secret {}/{}", self.namespace, self.name)
    }

    /// What it holds; `None` where it does not exist.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn read(&self) -> Result<Option<SecretState>, String> {
        let found = self.requests.read(&self.asked("get"), self.api.get_opt(&self.name)).await;
        let found = found.map_err(|refusal| format!("reading it: {}", advice(&self.namespace, refusal)))?;
        Ok(found.map(|secret| SecretState {
            data: secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect(),
            version: secret.metadata.resource_version,
        }))
    }

    /// Writes `data`, and makes the Secret where it does not exist. With the version that was read,
    /// a change by someone else in between is refused.
    ///
    /// Applying instead of creating lets a role name the one Secret that may be made.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn write(
        &self,
        data: BTreeMap<String, Vec<u8>>,
        version: Option<String>,
    ) -> Result<(), String> {
        let data: BTreeMap<String, ByteString> =
            data.into_iter().map(|(key, value)| (key, ByteString(value))).collect();
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {
                "name": self.name,
                "resourceVersion": version,
                "labels": { "app.kubernetes.io/managed-by": FIELD_MANAGER },
            },
            "data": data,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&secret);
        // Where it does not exist, applying takes the right to create it, too.
        let asked = ["patch", "create"].map(|verb| self.asked(verb));
        let applied =
            self.requests.write("secret", &asked, self.api.patch(&self.name, &params, &patch)).await;
        applied.map(drop).map_err(|refusal| format!("writing it: {}", advice(&self.namespace, refusal)))
    }

    fn asked(&self, verb: &'static str) -> Asked {
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        Asked { verb, resource: "secrets".to_owned(), namespace, name, ..Asked::default() }
    }
}

/// What to do about a refusal of a Secret in `namespace`.
fn advice(namespace: &str, Refusal { cause, message }: Refusal) -> String {
    match cause {
        Some(Cause::NotFound) => format!("create namespace {namespace} ({message})"),
        Some(Cause::Conflict | Cause::AlreadyExists) => {
            "another replica was quicker, it is read again".to_owned()
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do_about_the_secret() {
        for (cause, words) in [
            (Some(Cause::NotFound), "create namespace system ("),
            (Some(Cause::Conflict), "it is read again"),
            (Some(Cause::AlreadyExists), "it is read again"),
            (Some(Cause::MissingRight), "as the API server puts it"),
            (None, "as the API server puts it"),
        ] {
            let advice = advice("system", Refusal { cause, message: "as the API server puts it".to_owned() });
            assert!(advice.contains(words), "{advice}");
        }
    }
}
