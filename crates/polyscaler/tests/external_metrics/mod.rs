//! The external metrics API: registered with a real API server, and called through it and directly.
//!
//! The API server reaches the operator, which runs outside of the cluster, by a Service of type ExternalName.

mod callers;
mod discovery;
mod fallbacks;
mod finalizers;
mod keda;
mod owner;
mod replicas;
mod rights;
mod scaling;

use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::{AggregatedApi, wait};
use tokio::sync::{Mutex, MutexGuard};

use crate::harness::{LIMIT, Operator, Scaling, Scene, control_plane};

const NAME: &str = "v1beta1.external.metrics.k8s.io";
const SERVICE: &str = "polyscaler-external-metrics";
const ROOT: &str = "/apis/external.metrics.k8s.io/v1beta1";

/// The cluster has one such API, so there is one such scene at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// A scene whose operators serve the API.
pub(crate) struct MetricsApi {
    pub(crate) scene: Scene,
    pub(crate) port: PortClaim,
    api: Api<APIService>,
    aggregated: AggregatedApi,
    _turn: MutexGuard<'static, ()>,
}

impl MetricsApi {
    pub(crate) async fn begin(prefix: &str) -> Self {
        let turn = TURN.lock().await;
        let scene = Scene::on(control_plane::shared_for_apis(), prefix).await;
        let api: Api<APIService> = Api::all(scene.client.clone());
        // Of the scene before.
        let _ = api.delete(NAME, &DeleteParams::default()).await;
        let port = PortClaim::new().unwrap();
        let aggregated = AggregatedApi {
            group: "external.metrics.k8s.io",
            version: "v1beta1",
            service: SERVICE.to_owned(),
            namespace: scene.namespace.clone(),
            port: port.port(),
        };
        aggregated.make_service(&scene.client).await.unwrap();
        Self { scene, port, api, aggregated, _turn: turn }
    }

    /// Starts an operator that serves it at `port`.
    pub(crate) async fn operator(&self, port: &PortClaim, args: &[&str]) -> Operator {
        let address = format!("--external-metrics-address=127.0.0.1:{}", port.port());
        self.scene.operator(&[&[address.as_str()], args].concat()).await
    }

    /// Creates a ScaledObject of the Deployment of the same name: 100 users at `/users` a replica, from 1 to 10, looked at
    /// each second, with more of a spec and of metadata.
    pub(crate) async fn scaled_object(&self, name: &str, metadata: Value, spec: Value) -> Scaling {
        let url = self.scene.metrics.url("/users");
        let config = json!({ "url": url, "valueLocation": "active_users", "targetValue": "100" });
        let mut object = json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": { "name": name },
            "spec": {
                "scaleTargetRef": { "name": name },
                "pollingInterval": 1, "minReplicaCount": 1, "maxReplicaCount": 10,
                "triggers": [{ "type": "metrics-api", "metadata": config }],
            },
        });
        for (part, more) in [("metadata", metadata), ("spec", spec)] {
            for (field, value) in more.as_object().unwrap() {
                object[part][field] = value.clone();
            }
        }
        let kind = ("keda.sh/v1alpha1", "ScaledObject", "scaledobjects");
        let scaling = Scaling::namespaced(&self.scene.client, &self.scene.namespace, kind, name);
        let object = serde_json::from_value(object).unwrap();
        scaling.api.create(&PostParams::default(), &object).await.unwrap();
        scaling
    }

    pub(crate) async fn found(&self) -> Option<APIService> {
        self.api.get_opt(NAME).await.unwrap()
    }

    /// Waits until it is registered.
    pub(crate) async fn registered(&self) -> APIService {
        wait::until("it is registered", LIMIT, || self.found()).await.unwrap()
    }

    /// Has the API server call `port`, as this machine has one port 443 at most, and waits until it does.
    pub(crate) async fn leads_to(&self, port: &PortClaim) {
        self.registered().await;
        let patch = json!({ "spec": { "service": { "port": port.port() } } });
        self.api.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        self.aggregated.wait_until_available(&self.scene.client, "True").await.unwrap();
    }

    /// Where a metric of an object in the scene's namespace is read.
    pub(crate) fn path(&self, object: &str, metric: &str) -> String {
        let namespace = &self.scene.namespace;
        format!("{ROOT}/namespaces/{namespace}/{metric}?labelSelector=scaledobject.keda.sh%2Fname%3D{object}")
    }

    /// The answer through the API server.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, kube::core::Status> {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        match self.scene.client.request::<Value>(request).await {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(*status),
            Err(error) => panic!("{path}: {error:?}"),
        }
    }

    /// Why there is no answer, as the API server hands it on.
    pub(crate) async fn why_not(&self, path: &str) -> (u16, String) {
        let status = self.get(path).await.unwrap_err();
        (status.code, status.message)
    }
}
