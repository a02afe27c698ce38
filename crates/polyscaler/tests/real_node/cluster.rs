//! A control plane with a real node and nothing else, and what tests want of it.

use std::path::Path;
use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::api::{DynamicObject, PostParams};
use kube::{Api, Client};
use serde_json::json;
use testbed::{ControlPlane, Image, Options, RealNode, real_node, wait};

use crate::harness::{LIMIT, POLYSCALER};
use crate::packaging::helm::helm_on;
use crate::packaging::manifests;

/// Where the operator is installed.
pub(crate) const OPERATORS: &str = "scaling-operator-system";
/// The release's name, and what the chart makes of it.
pub(crate) const RELEASE: &str = "scaling-operator";
pub(crate) const OPERATOR: &str = "scaling-operator-polyscaler";

pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    pub(crate) client: Client,
}

impl Cluster {
    /// `None` where there can be no real node. It has the operator's image.
    pub(crate) async fn start() -> Option<Self> {
        let parts = tokio::task::spawn_blocking(real_node::find_or_skip).await.unwrap().unwrap()?;
        let options = Options {
            nodes: 0,
            real_node: Some(parts),
            // Without waiting for HPAs for longer than need be.
            controller_manager_args: vec!["--horizontal-pod-autoscaler-sync-period=1s".to_owned()],
            ..Options::default()
        };
        let control_plane = ControlPlane::start(options).await.unwrap();
        let client = control_plane.client();
        let cluster = Self { control_plane, client };
        cluster.add_program(Path::new(POLYSCALER)).await;
        Some(cluster)
    }

    pub(crate) fn node(&self) -> &RealNode {
        self.control_plane.real_node().unwrap()
    }

    /// Gives the node an image of a program of this build, `localhost/NAME:test`: not static as those of the
    /// Dockerfiles, but with the libraries that it is linked with, as another build would take minutes.
    pub(crate) async fn add_program(&self, program: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let name = program.file_name().unwrap().to_str().unwrap();
        // Each container has a copy of its own.
        let stripped = folder.path().join(name);
        let status = Command::new("strip").arg("-o").arg(&stripped).arg(program).status().unwrap();
        assert!(status.success(), "cannot strip {}", program.display());
        let image = Image::of_program(&format!("localhost/{name}:test"), &stripped).unwrap();
        self.node().add_image(&image).await.unwrap();
    }

    /// A namespace under the strictest of pod security.
    pub(crate) async fn namespace(&self, name: &str) {
        let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
        let namespace: Namespace =
            serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels } })).unwrap();
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    }

    /// Installs the operator by the chart of a folder, or upgrades to it, and waits until all replicas are ready.
    pub(crate) async fn helm(&self, verb: &str, chart: &str, more: &[&str]) {
        let image = "image.repository=localhost/polyscaler,image.tag=test,image.pullPolicy=Never";
        let args = [verb, RELEASE, chart, "--namespace", OPERATORS, "--set", image];
        helm_on(&self.control_plane, &[&args[..], more].concat()).unwrap();
        manifests::wait_until_rolled_out(&self.client, OPERATORS, OPERATOR).await;
    }

    /// Applies manifests to a namespace.
    pub(crate) async fn apply(&self, namespace: &str, text: &str) {
        let mut objects: Vec<DynamicObject> = manifests::parse(text);
        for object in &mut objects {
            object.metadata.namespace = Some(namespace.to_owned());
        }
        manifests::apply(&self.client, &objects).await;
    }

    /// What the API server answers at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<String, kube::Error> {
        self.client.request_text(http::Request::get(path).body(Vec::new()).unwrap()).await
    }

    /// By what a Service is reached, from pods and from here.
    pub(crate) async fn service_address(&self, namespace: &str, name: &str) -> String {
        let services: Api<Service> = Api::namespaced(self.client.clone(), namespace);
        services.get(name).await.unwrap().spec.unwrap().cluster_ip.unwrap()
    }

    /// Waits until the Deployment of a name has so many ready replicas, and asks for no others.
    pub(crate) async fn wait_for_replicas(
        &self,
        namespace: &str,
        name: &str,
        is_right: impl Fn(i32) -> bool,
    ) -> i32 {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let look = || async {
            let found = deployments.get(name).await.map_err(|error| error.to_string())?;
            let asked = found.spec.and_then(|spec| spec.replicas).unwrap_or(1);
            let ready = found.status.and_then(|status| status.ready_replicas).unwrap_or(0);
            if asked == ready && is_right(ready) {
                Ok(ready)
            } else {
                Err(format!("{ready} of {asked} ready"))
            }
        };
        wait::until(&format!("replicas of {name}"), LIMIT, look).await.unwrap()
    }
}
