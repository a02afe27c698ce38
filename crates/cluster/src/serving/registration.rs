//! The ValidatingWebhookConfiguration by which the API server calls.

use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use runner::Metrics;
use serde_json::{Value, json};

use super::bundle;
use super::requests::Requests;
use crate::refusal::{Asked, Cause};
use crate::{Clients, FIELD_MANAGER};

/// More replicas than that do not start at the same moment.
const ATTEMPTS: usize = 5;

/// With an annotation of this kind, cert-manager keeps the bundle.
const INJECTED_BY_OTHERS: &str = "cert-manager.io/inject-";

/// One configuration, which someone else has made. Where there is none, nobody calls.
pub struct WebhookRegistration {
    api: Api<ValidatingWebhookConfiguration>,
    requests: Requests,
    name: String,
    /// As last seen.
    seen: Mutex<Option<ValidatingWebhookConfiguration>>,
}

impl WebhookRegistration {
    /// The configuration called `name`.
    pub fn new(clients: &Clients, name: &str, metrics: Arc<Metrics>) -> Self {
        let (api, requests) = (Api::all(clients.write.clone()), Requests::new(clients, metrics));
        Self { api, requests, name: name.to_owned(), seen: Mutex::default() }
    }

    /// The hosts that the API server calls by it; none where it does not exist.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn hosts(&self) -> Result<Vec<String>, String> {
        let found = self.requests.read(&self.asked("get"), self.api.get_opt(&self.name)).await;
        let found = found.map_err(|refusal| format!("{}: {}", self.describe(), refusal.message))?;
        let hosts =
            found.iter().flat_map(webhooks).flat_map(|webhook| hosts(&webhook.client_config)).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(hosts)
    }

    /// Puts `authority` into the bundle of each of its webhooks where it is missing, unless someone
    /// else keeps them. Rests on what [`hosts`](Self::hosts) saw last.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn trust(&self, authority: &[u8]) -> Result<(), String> {
        // Replicas that start together all write: who comes second looks again at once.
        for _ in 0..ATTEMPTS {
            if self.is_trusted_after_writing(authority).await? {
                return Ok(());
            }
            self.hosts().await?;
        }
        Err(format!("{}: other clients keep changing it", self.describe()))
    }

    fn describe(&self) -> String {
        format!("ValidatingWebhookConfiguration {}", self.name)
    }

    /// Whether nobody else wrote in between.
    async fn is_trusted_after_writing(&self, authority: &[u8]) -> Result<bool, String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(seen) = seen else { return Ok(true) };
        if seen.annotations().keys().any(|key| key.starts_with(INJECTED_BY_OTHERS)) {
            return Ok(true);
        }
        let changed: Vec<Value> = webhooks(&seen).filter_map(|webhook| changed(webhook, authority)).collect();
        if changed.is_empty() {
            return Ok(true);
        }
        let version = seen.metadata.resource_version;
        // This merges webhooks by name, and leaves alone what it does not name.
        let patch = json!({ "metadata": { "resourceVersion": version }, "webhooks": changed });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Strategic(&patch);
        let patched = self.api.patch(&self.name, &params, &patch);
        match self.requests.write("webhook", &[self.asked("patch")], patched).await {
            Ok(_) => {
                tracing::info!(configuration = self.name, "the API server now trusts the certificate");
                Ok(true)
            }
            Err(refusal) if refusal.cause == Some(Cause::Conflict) => Ok(false),
            Err(refusal) => Err(format!("{}: {}", self.describe(), refusal.message)),
        }
    }

    fn asked(&self, verb: &'static str) -> Asked {
        Asked {
            verb,
            group: "admissionregistration.k8s.io".to_owned(),
            resource: "validatingwebhookconfigurations".to_owned(),
            name: self.name.clone(),
            ..Asked::default()
        }
    }
}

fn webhooks(configuration: &ValidatingWebhookConfiguration) -> impl Iterator<Item = &ValidatingWebhook> {
    configuration.webhooks.iter().flatten()
}

/// The webhook with the authority, where it lacks it.
fn changed(webhook: &ValidatingWebhook, authority: &[u8]) -> Option<Value> {
    let present = webhook.client_config.ca_bundle.as_ref().map_or(&[][..], |bundle| &bundle.0);
    let bundle = ByteString(bundle::with(present, authority)?);
    Some(json!({ "name": webhook.name, "clientConfig": { "caBundle": bundle } }))
}

/// By which names the API server calls, which the certificate must be for.
fn hosts(config: &WebhookClientConfig) -> Vec<String> {
    let service =
        config.service.as_ref().map(|service| format!("{}.{}.svc", service.name, service.namespace));
    let url = config.url.as_deref().and_then(|url| url.parse::<http::Uri>().ok());
    let host = url.as_ref().and_then(http::Uri::host);
    let host = host.map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned());
    service.into_iter().chain(host).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::admissionregistration::v1::WebhookClientConfig;
    use serde_json::json;

    use super::hosts;

    #[test]
    fn a_certificate_is_for_the_host_of_the_service_or_url() {
        for (config, host) in [
            (
                json!({ "service": { "namespace": "system", "name": "hook", "path": "/x", "port": 443 } }),
                "hook.system.svc",
            ),
            (json!({ "url": "https://127.0.0.1:9443/validate" }), "127.0.0.1"),
            (json!({ "url": "https://[::1]:9443/validate" }), "::1"),
            (json!({ "url": "https://hooks.example.com/validate" }), "hooks.example.com"),
        ] {
            let config: WebhookClientConfig = serde_json::from_value(config).unwrap();
            assert_eq!(hosts(&config), [host]);
        }
        let none: WebhookClientConfig = serde_json::from_value(json!({})).unwrap();
        assert_eq!(hosts(&none), [""; 0]);
    }
}
