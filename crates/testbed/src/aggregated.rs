//! APIs that the API server passes on to a process beside it: their registration, for processes outside of the cluster.
//!
//! The API server finds them by an APIService and a Service of type ExternalName, which leads to this machine.

pub(crate) mod listener;

use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::net::TcpListener;

use crate::ports::PortClaim;
use crate::{ControlPlane, wait};
use listener::{Listening, Tls};

/// The longest that the API server may take to notice that a server is there or gone.
const NOTICED: Duration = Duration::from_secs(120);

/// An API that a process on this machine serves over TLS, by a certificate for `SERVICE.NAMESPACE.svc`.
#[derive(Debug, Clone)]
pub struct AggregatedApi {
    /// API group.
    pub group: &'static str,
    /// API version within the group.
    pub version: &'static str,
    /// Name of the Service.
    pub service: String,
    /// Its namespace, which is made where it does not exist.
    pub namespace: String,
    /// The port on this machine.
    pub port: u16,
}

impl AggregatedApi {
    /// Name of the APIService.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.version, self.group)
    }

    /// Makes the Service, for who makes the APIService by themselves.
    pub async fn make_service(&self, client: &Client) -> anyhow::Result<()> {
        let params = PatchParams::apply("testbed").force();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace } });
        namespaces.patch(&self.namespace, &params, &Patch::Apply(namespace)).await?;
        let services: Api<Service> = Api::namespaced(client.clone(), &self.namespace);
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": self.service },
            "spec": { "type": "ExternalName", "externalName": "localhost" },
        });
        let made = services.patch(&self.service, &params, &Patch::Apply(service)).await;
        made.context("cannot make the Service").map(|_| ())
    }

    /// Makes the Service and the APIService, with `authority` as its caBundle where one is given.
    pub async fn register(&self, client: &Client, authority: Option<Vec<u8>>) -> anyhow::Result<()> {
        let params = PatchParams::apply("testbed").force();
        self.make_service(client).await?;
        let mut api_service = json!({
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": { "name": self.name() },
            "spec": {
                "group": self.group,
                "version": self.version,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": { "name": self.service, "namespace": self.namespace, "port": self.port },
            },
        });
        if let Some(authority) = authority {
            api_service["spec"]["caBundle"] = json!(k8s_openapi::ByteString(authority));
        }
        let api_services: Api<APIService> = Api::all(client.clone());
        let made = api_services.patch(&self.name(), &params, &Patch::Apply(api_service)).await;
        made.context("cannot make the APIService").map(|_| ())
    }

    /// Takes the APIService away.
    pub async fn unregister(&self, client: &Client) -> anyhow::Result<()> {
        let services: Api<APIService> = Api::all(client.clone());
        services.delete(&self.name(), &DeleteParams::default()).await?;
        Ok(())
    }

    /// Waits until the API server finds that condition Available is `wanted`.
    pub async fn wait_until_available(&self, client: &Client, wanted: &str) -> anyhow::Result<()> {
        let services: Api<APIService> = Api::all(client.clone());
        let name = self.name();
        let look = || async {
            let found = services.get(&name).await.map_err(|error| error.to_string())?;
            let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
            let available = conditions.iter().find(|condition| condition.type_ == "Available");
            match available {
                Some(condition) if condition.status == wanted => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        wait::until(&format!("{name} Available={wanted}"), NOTICED, look).await
    }
}

/// A server of aggregated APIs, which the API server asks by its front proxy. It ends with this value, and leaves its
/// APIServices behind.
pub struct AggregatedServer {
    _listening: Listening,
    /// Held so that the port stays ours.
    _port: PortClaim,
}

impl AggregatedServer {
    /// Starts it as the Service `service` in `kube-system`, with `router` for all of `apis`, each a group and a version,
    /// and waits until the API server asks it. Discovery, `/apis/GROUP/VERSION`, is the router's, too.
    pub async fn start(
        control_plane: &ControlPlane,
        client: &Client,
        service: &str,
        apis: &[(&'static str, &'static str)],
        router: Router,
    ) -> anyhow::Result<Self> {
        let namespace = "kube-system";
        let tls = Tls::of(control_plane, &format!("{service}.{namespace}.svc"))?;
        let (port, listener) = PortClaim::listening()?;
        let listening = Listening::start(TcpListener::from_std(listener)?, &tls, router);
        let authority = std::fs::read(&control_plane.authority().files().certificate)?;
        for &(group, version) in apis {
            let (service, namespace) = (service.to_owned(), namespace.to_owned());
            let api = AggregatedApi { group, version, service, namespace, port: port.port() };
            api.register(client, Some(authority.clone())).await?;
            api.wait_until_available(client, "True").await?;
        }
        Ok(Self { _listening: listening, _port: port })
    }
}
