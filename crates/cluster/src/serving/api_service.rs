//! The APIService by which the API server hands on who asks for external metrics.
//!
//! A cluster has one at most, so it may be another autoscaler's. That one is left as it is: who took it over would have
//! all HPAs of the other read nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{
    APIService, APIServiceSpec, ServiceReference,
};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use runner::{Metrics, MetricsApi, MetricsApiOwner};
use serde_json::json;

use super::bundle;
use super::requests::Requests;
use crate::refusal::{Asked, Cause};
use crate::{Clients, FIELD_MANAGER};

const GROUP: &str = "external.metrics.k8s.io";
const VERSION: &str = "v1beta1";
/// Its name, which the API server wants to be this.
const NAME: &str = "v1beta1.external.metrics.k8s.io";

/// More replicas than that do not start at the same moment.
const ATTEMPTS: usize = 5;
/// The API server hears of a change by a watch of its own. Whoever shows the new certificate sooner is called by somebody
/// who does not trust it, and for an HPA that is a metric that fails.
const HEARD: Duration = Duration::from_secs(2);
/// With an annotation of this kind, cert-manager keeps the bundle.
const INJECTED_BY_OTHERS: &str = "cert-manager.io/inject-";

/// The APIService of the external metrics API.
pub struct ApiServiceRegistration {
    api: Api<APIService>,
    requests: Requests,
    /// Namespace and name of the Service in front of us.
    service: (String, String),
    /// Whether it is created where there is none, and its bundle kept up to date.
    is_kept: bool,
    /// The ClusterRole with which it is deleted: an APIService that nobody serves any more keeps namespaces from going.
    deleted_with: Option<String>,
    roles: Api<ClusterRole>,
    owner: Arc<MetricsApi>,
    metrics: Arc<Metrics>,
    /// As last seen.
    seen: Mutex<Option<APIService>>,
}

impl ApiServiceRegistration {
    /// The APIService that names the Service `name` in `namespace`. Whose it is gets noted in `owner`; unless
    /// `is_kept` it is only looked at. Where it is created, Kubernetes deletes it with the ClusterRole `deleted_with`.
    pub fn new(
        clients: &Clients,
        (namespace, name): (&str, &str),
        is_kept: bool,
        deleted_with: Option<String>,
        owner: Arc<MetricsApi>,
        metrics: Arc<Metrics>,
    ) -> Self {
        // Until it has been looked at, nobody is told that it is not ours.
        owner.note(MetricsApiOwner::NotKnown("it has not been looked at yet".to_owned()));
        let roles = Api::all(clients.write.clone());
        let (api, requests) = (Api::all(clients.write.clone()), Requests::new(clients, Arc::clone(&metrics)));
        let service = (namespace.to_owned(), name.to_owned());
        Self { api, requests, service, is_kept, deleted_with, roles, owner, metrics, seen: Mutex::default() }
    }

    /// The host that the API server calls.
    pub fn host(&self) -> String {
        let (namespace, name) = &self.service;
        format!("{name}.{namespace}.svc")
    }

    /// Looks at whose the APIService is.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn look(&self) -> Result<(), String> {
        let found = self.requests.read(&asked("get"), self.api.get_opt(NAME)).await;
        let found = found.map_err(|refusal| failed(&refusal.message)).inspect_err(|problem| {
            self.owner.note(MetricsApiOwner::NotKnown(problem.clone()));
        })?;
        let is_taken = found.as_ref().is_some_and(|found| !self.is_ours(found));
        self.metrics.metrics_api_taken(is_taken);
        self.owner.note(match &found {
            None => MetricsApiOwner::Nobody,
            Some(found) if self.is_ours(found) => MetricsApiOwner::This,
            Some(found) => MetricsApiOwner::Other(owner(found)),
        });
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    /// Creates it where there is none, or puts `authority` into its bundle where that is missing, unless it is someone
    /// else's, or someone else keeps the bundle. Rests on what [`look`](Self::look) saw last.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn trust(&self, authority: &[u8]) -> Result<(), String> {
        // Replicas that start together all write: who comes second looks again at once.
        for _ in 0..ATTEMPTS {
            if !self.is_kept || self.is_trusted_after_writing(authority).await? {
                return Ok(());
            }
            self.look().await?;
        }
        Err(failed("other clients keep changing it"))
    }

    /// Whether nobody else wrote in between.
    async fn is_trusted_after_writing(&self, authority: &[u8]) -> Result<bool, String> {
        // What is seen once is written once: another look comes before another write.
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(seen) = seen else { return self.create(authority).await };
        let spec = seen.spec.clone().unwrap_or_default();
        let kept_by_others = seen.annotations().keys().any(|key| key.starts_with(INJECTED_BY_OTHERS))
            || spec.insecure_skip_tls_verify == Some(true);
        if !self.is_ours(&seen) || kept_by_others {
            return Ok(true);
        }
        let present = spec.ca_bundle.as_ref().map_or(&[][..], |bundle| &bundle.0);
        let Some(bundle) = bundle::with(present, authority) else { return Ok(true) };
        let patch = json!({
            "metadata": { "resourceVersion": seen.metadata.resource_version },
            "spec": { "caBundle": ByteString(bundle) },
        });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(&patch);
        let (asked, patched) = ([asked("patch")], self.api.patch(NAME, &params, &patch));
        match self.requests.write("apiservice", &asked, patched).await {
            Ok(_) => {
                tokio::time::sleep(HEARD).await;
                tracing::info!(apiservice = NAME, "the API server now trusts the certificate");
                Ok(true)
            }
            Err(refusal) if refusal.cause == Some(Cause::Conflict) => Ok(false),
            Err(refusal) => Err(failed(&refusal.message)),
        }
    }

    async fn create(&self, authority: &[u8]) -> Result<bool, String> {
        if self.owner.owner() != MetricsApiOwner::Nobody {
            return Ok(true);
        }
        let mut wanted = self.wanted(authority);
        wanted.metadata.owner_references = self.owner_reference().await.map(|owner| vec![owner]);
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let (asked, created) = ([asked("create")], self.api.create(&params, &wanted));
        match self.requests.write("apiservice", &asked, created).await {
            Ok(_) => {
                tracing::info!(apiservice = NAME, service = self.host(), "APIService created");
                self.owner.note(MetricsApiOwner::This);
                Ok(true)
            }
            Err(refusal) if refusal.cause == Some(Cause::AlreadyExists) => Ok(false),
            Err(refusal) => Err(failed(&refusal.message)),
        }
    }

    /// The ClusterRole as an owner; `None` where there is none, or it cannot be looked at.
    async fn owner_reference(&self) -> Option<OwnerReference> {
        let name = self.deleted_with.as_deref()?;
        let asked = Asked {
            verb: "get",
            group: "rbac.authorization.k8s.io".to_owned(),
            resource: "clusterroles".to_owned(),
            name: name.to_owned(),
            ..Asked::default()
        };
        match self.requests.read(&asked, self.roles.get_metadata(name)).await {
            Ok(role) => Some(OwnerReference {
                api_version: "rbac.authorization.k8s.io/v1".to_owned(),
                kind: "ClusterRole".to_owned(),
                name: name.to_owned(),
                uid: role.uid()?,
                ..OwnerReference::default()
            }),
            Err(refusal) => {
                tracing::warn!(
                    apiservice = NAME,
                    problem = refusal.message,
                    "the APIService will not be deleted when the operator is uninstalled, delete it by hand then"
                );
                None
            }
        }
    }

    fn wanted(&self, authority: &[u8]) -> APIService {
        let (namespace, name) = self.service.clone();
        let labels = [("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned())];
        APIService {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            spec: Some(APIServiceSpec {
                ca_bundle: bundle::with(&[], authority).map(ByteString),
                group: Some(GROUP.to_owned()),
                group_priority_minimum: 100,
                service: Some(ServiceReference { name: Some(name), namespace: Some(namespace), port: None }),
                version: Some(VERSION.to_owned()),
                version_priority: 100,
                ..APIServiceSpec::default()
            }),
            status: None,
        }
    }

    fn is_ours(&self, found: &APIService) -> bool {
        service(found).is_some_and(|service| service == self.service)
    }
}

/// Namespace and name of the Service that it names.
fn service(found: &APIService) -> Option<(String, String)> {
    let service = found.spec.as_ref()?.service.as_ref()?;
    Some((service.namespace.clone()?, service.name.clone()?))
}

/// Whose it is, for people.
fn owner(found: &APIService) -> String {
    service(found).map_or_else(
        || "the API server itself".to_owned(),
        |(namespace, name)| format!("Service {namespace}/{name}"),
    )
}

fn failed(why: &str) -> String {
    format!("APIService {NAME}: {why}")
}

fn asked(verb: &'static str) -> Asked {
    Asked {
        verb,
        group: "apiregistration.k8s.io".to_owned(),
        resource: "apiservices".to_owned(),
        // Creating is allowed for all names or for none.
        name: if verb == "create" { String::new() } else { NAME.to_owned() },
        ..Asked::default()
    }
}
