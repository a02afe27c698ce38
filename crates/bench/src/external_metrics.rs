//! The external metrics API of an operator beside the cluster, as its API server calls it.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use testbed::ports::PortClaim;
use testbed::wait;

use crate::{PATIENCE, Stage};

const API_SERVICE: &str = "v1beta1.external.metrics.k8s.io";
const SERVICE: &str = "polyscaler-external-metrics";

/// Where an operator serves the API.
pub struct ExternalMetrics {
    /// The port on this machine.
    pub port: PortClaim,
}

impl ExternalMetrics {
    /// The Service through which the API server calls, which leads to this machine.
    pub async fn new(stage: &Stage) -> anyhow::Result<Self> {
        let services: Api<Service> = Api::namespaced(stage.client.clone(), "default");
        let service = serde_json::from_value(json!({
            "metadata": { "name": SERVICE },
            "spec": { "type": "ExternalName", "externalName": "localhost" },
        }))?;
        services.create(&PostParams::default(), &service).await?;
        Ok(Self { port: PortClaim::new()? })
    }

    /// The flags of the operator that serves it.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        vec![
            format!("--external-metrics-address=127.0.0.1:{}", self.port.port()),
            format!("--external-metrics-service={SERVICE}"),
        ]
    }

    /// Has the API server call this port, once the operator has registered the API, and waits until it does.
    pub async fn lead_there(&self, stage: &Stage) -> anyhow::Result<()> {
        let api: Api<APIService> = Api::all(stage.client.clone());
        wait::until("the APIService", PATIENCE, || async { api.get(API_SERVICE).await }).await?;
        let patch = json!({ "spec": { "service": { "port": self.port.port() } } });
        api.patch(API_SERVICE, &PatchParams::default(), &Patch::Merge(patch)).await?;
        let look = || async {
            let found = api.get(API_SERVICE).await.map_err(|error| error.to_string())?;
            let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
            let is_available =
                conditions.iter().any(|found| found.type_ == "Available" && found.status == "True");
            if is_available { Ok(()) } else { Err(format!("{conditions:?}")) }
        };
        wait::until("the metrics API to be available", PATIENCE, look).await
    }
}
