//! Secrets, read by name when a metric needs them: never listed, watched or cached.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use crate::Clients;
use crate::connect::no_answer;

/// Reads secrets.
#[derive(Clone)]
pub struct SecretStore {
    client: Client,
    timeout: Duration,
}

impl SecretStore {
    /// A store that reads through `clients`.
    pub fn new(clients: &Clients) -> Self {
        Self { client: clients.read.clone(), timeout: clients.timeout }
    }

    /// The data of the secret `name` in `namespace`, as it is at this moment.
    ///
    /// # Errors
    /// A sentence that says what is missing or forbidden, without any of the data.
    pub async fn read(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        match tokio::time::timeout(self.timeout, api.get(name)).await {
            Ok(Ok(secret)) => {
                Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect())
            }
            Ok(Err(kube::Error::Api(status))) if status.is_not_found() => Err("it does not exist".to_owned()),
            Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => {
                Err("the API server forbids reading it: grant get on secrets".to_owned())
            }
            Ok(Err(error)) => Err(crate::refusal::chain(&error)),
            Err(_) => Err(no_answer(self.timeout)),
        }
    }
}
