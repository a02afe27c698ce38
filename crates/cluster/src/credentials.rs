//! Credentials, read by name when a reading needs them: never listed, never watched. Only tokens that were
//! requested for a service account are kept, for a part of their life.

mod environment;
mod file;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use engine::{Holder, Target};
use futures::future::join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Container, Secret};
use kube::api::DynamicObject;
use kube::{Api, Client, Resource};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Clients;
use crate::connect::no_answer;
use crate::refusal::{Asked, Cause, Refusal, Refusals};
use crate::targets::Scalables;
use environment::{Fetched, Objects};
use file::Files;
use token::Tokens;

/// Values by their name in one holder.
type Values = BTreeMap<String, Vec<u8>>;

/// Reads credentials.
pub struct CredentialStore {
    client: Client,
    timeout: Duration,
    scalables: Scalables,
    tokens: Tokens,
    files: Files,
    refusals: Refusals,
}

impl CredentialStore {
    /// A store that reads through `clients`, and no files.
    pub fn new(clients: &Clients) -> Self {
        let (client, timeout) = (clients.read.clone(), clients.timeout);
        let scalables = Scalables::new(client.clone(), timeout);
        let refusals = Refusals::new(clients);
        let tokens = Tokens::new(clients.write.clone(), timeout, refusals.clone());
        Self { client, timeout, scalables, tokens, files: Files::none(), refusals }
    }

    /// The same, with files below `root`.
    #[must_use]
    pub fn with_files(self, root: PathBuf) -> Self {
        Self { files: Files::below(root), ..self }
    }

    /// The values of `holder` that are called `keys`, as far as it has them; all of them where no key is named.
    ///
    /// # Errors
    /// A sentence that says what is missing or forbidden, without any of the content.
    pub async fn read(&self, holder: &Holder, keys: &BTreeSet<String>) -> Result<Values, String> {
        match holder {
            Holder::Secret { namespace, name } => self.secret(namespace, name).await.map_err(String::from),
            Holder::ConfigMap { namespace, name } => {
                self.config_map(namespace, name).await.map_err(String::from)
            }
            Holder::TargetEnv { target, container } => {
                self.environment(target, container.as_deref(), keys).await
            }
            Holder::ServiceAccount { namespace, name, audience } => {
                self.tokens.get(namespace, name, audience.as_deref()).await
            }
            Holder::File { path } => self.files.read(path).await,
            Holder::Object => Err("what stands in the object is not read".to_owned()),
        }
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Values, Unread> {
        let secret: Secret = self.get("secrets", namespace, name).await?;
        Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect())
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Values, Unread> {
        let map: ConfigMap = self.get("configmaps", namespace, name).await?;
        let texts = map.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes()));
        let bytes = map.binary_data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        Ok(texts.chain(bytes).collect())
    }

    /// Variables of a container in the pod template of `target`.
    async fn environment(
        &self,
        target: &Target,
        container: Option<&str>,
        variables: &BTreeSet<String>,
    ) -> Result<Values, String> {
        let resource = self.scalables.resource(target).await.map_err(|failure| failure.message)?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &target.namespace, &resource);
        let asked = Asked::of(&resource, &target.namespace, &target.name).to("get", "");
        let object = self.answer(&asked, api.get(&target.name)).await.map_err(String::from)?;
        let Some(container) = environment::container(containers(&object)?, container)? else {
            return Ok(Values::new());
        };
        let Objects { secrets, config_maps } = environment::needed(&container, variables);
        let namespace = target.namespace.as_str();
        let secrets = secrets
            .iter()
            .map(|name| async move { (name.clone(), Fetched::from(self.secret(namespace, name).await)) });
        let config_maps = config_maps
            .iter()
            .map(|name| async move { (name.clone(), Fetched::from(self.config_map(namespace, name).await)) });
        let (secrets, config_maps) = futures::join!(join_all(secrets), join_all(config_maps));
        let fetched = environment::Held {
            secrets: secrets.into_iter().collect(),
            config_maps: config_maps.into_iter().collect(),
        };
        environment::values(&container, variables, &fetched)
    }

    async fn get<K>(&self, plural: &str, namespace: &str, name: &str) -> Result<K, Unread>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let (resource, namespace, named) = (plural.to_owned(), namespace.to_owned(), name.to_owned());
        let asked = Asked { verb: "get", resource, namespace, name: named, ..Asked::default() };
        self.answer(&asked, api.get(name)).await
    }

    async fn answer<T>(
        &self,
        asked: &Asked,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Unread> {
        match tokio::time::timeout(self.timeout, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.refusals.explain(asked, &error).await.into()),
            Err(_) => Err(Unread::Failed(no_answer(self.timeout))),
        }
    }
}

/// Why an object was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unread {
    Missing,
    Failed(String),
}

impl From<Refusal> for Unread {
    fn from(Refusal { cause, message }: Refusal) -> Self {
        if cause == Some(Cause::NotFound) { Self::Missing } else { Self::Failed(message) }
    }
}

impl From<Unread> for String {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Missing => "it does not exist".to_owned(),
            Unread::Failed(why) => why,
        }
    }
}

impl From<Result<Values, Unread>> for Fetched {
    fn from(read: Result<Values, Unread>) -> Self {
        match read {
            Ok(values) => Self::Values(values),
            Err(Unread::Missing) => Self::Missing,
            Err(Unread::Failed(why)) => Self::Failed(why),
        }
    }
}

/// The containers of an object with a pod template; none where it has no such thing.
fn containers(object: &DynamicObject) -> Result<Vec<Container>, String> {
    match object.data.pointer("/spec/template/spec/containers") {
        None => Ok(Vec::new()),
        Some(containers) => Vec::deserialize(containers)
            .map_err(|error| format!("the containers of its pod template cannot be read: {error}")),
    }
}
