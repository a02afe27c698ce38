//! A control plane with a real node and nothing else, and what tests want of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{DynamicObject, EvictParams, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};
use serde_json::{Value, json};
use testbed::{ChildHandle, ControlPlane, Image, Options, RealNode, real_node, wait};

use crate::harness::{POLYSCALER, Target};
use crate::packaging::helm::helm_on;
use crate::packaging::kustomize::kustomize;
use crate::packaging::manifests::{self, kind};
use crate::packaging::repository;
use crate::packaging::tools::tool;
use crate::samples::programs::program;
use crate::samples::python;

/// Where the operator is installed.
pub(crate) const OPERATORS: &str = "scaling-operator-system";
/// The release's name, and what the chart makes of it.
pub(crate) const RELEASE: &str = "scaling-operator";
pub(crate) const OPERATOR: &str = "scaling-operator-polyscaler";

/// What the kustomizations call the operator, and its Lease.
pub(crate) const KUSTOMIZED: &str = "scaling-operator-controller-manager";
pub(crate) const LEASE: &str = "polyscaler";

/// The longest that anything may take which a handful of containers has to start for, on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// The certificate authorities that this machine trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    pub(crate) client: Client,
}

impl Cluster {
    /// `None` where there can be no real node. It has the operator's image.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more flags of the controller manager.
    pub(crate) async fn start_with(controller_manager: &[&str]) -> Option<Self> {
        let parts = tokio::task::spawn_blocking(real_node::find_or_skip).await.unwrap().unwrap()?;
        // Without waiting for HPAs for longer than need be.
        let flags = ["--horizontal-pod-autoscaler-sync-period=1s"].iter().chain(controller_manager);
        let options = Options {
            nodes: 0,
            real_node: Some(parts),
            controller_manager_args: flags.map(|flag| (*flag).to_owned()).collect(),
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
        let name = program.file_name().unwrap().to_str().unwrap();
        let image = Image::of_program(&format!("localhost/{name}:test"), program).unwrap();
        // As in the images of the Dockerfiles, for programs that speak TLS.
        let image = image.file(AUTHORITIES, Path::new(AUTHORITIES));
        self.node().add_image(&image).await.unwrap();
    }

    /// Gives the node the programs of samples, each in an image of its own.
    pub(crate) async fn add_samples(&self, names: &[&str]) {
        let paths: Vec<_> = names.iter().map(|name| program(name)).collect();
        futures::future::join_all(paths.iter().map(|path| self.add_program(path))).await;
    }

    /// Gives the node `keda-python` as `localhost/keda-python:test`, with the Python of this machine.
    pub(crate) async fn add_python_sample(&self) {
        let image = tokio::task::spawn_blocking(python_sample).await.unwrap();
        self.node().add_image(&image.1).await.unwrap();
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

    /// Installs the operator by a kustomization, with these variables as well, or changes it to that, and waits until all
    /// replicas are ready.
    pub(crate) async fn kustomize(&self, folder: &str, variables: &[(&str, &str)]) {
        let mut objects = kustomize(folder);
        for object in objects.iter_mut().filter(|object| kind(object) == "Deployment") {
            let container = object.data.pointer_mut("/spec/template/spec/containers/0").unwrap();
            container["image"] = "localhost/polyscaler:test".into();
            let env = container["env"].as_array_mut().unwrap();
            env.extend(variables.iter().map(|(name, value)| json!({ "name": name, "value": value })));
        }
        manifests::apply(&self.client, &objects).await;
        manifests::wait_until_rolled_out(&self.client, OPERATORS, KUSTOMIZED).await;
    }

    /// The process that holds a Lease of the operator's: its pod's name, and what tells its processes apart.
    pub(crate) async fn holder(&self, lease: &str) -> Result<String, String> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), OPERATORS);
        let lease = leases.get(lease).await.map_err(|error| error.to_string())?;
        let identity = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
        if identity.is_empty() { Err("nobody".to_owned()) } else { Ok(identity) }
    }

    /// The pod of that process.
    pub(crate) async fn leader(&self, lease: &str) -> Result<String, String> {
        let holder = self.holder(lease).await?;
        Ok(holder.split('_').next().unwrap_or_default().to_owned())
    }

    /// The operator's pods, without those that are ending.
    pub(crate) async fn operators(&self) -> Vec<Pod> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), OPERATORS);
        let mut pods = pods.list(&ListParams::default()).await.unwrap().items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        pods
    }

    /// Asks for the eviction of a pod of the operator's, once: a client that tries again what is refused would wait
    /// until the PodDisruptionBudget has room.
    pub(crate) async fn evict(&self, pod: &str) -> Result<(), kube::Error> {
        let mut config = Config::from_custom_kubeconfig(
            Kubeconfig::read_from(self.control_plane.kubeconfig()).unwrap(),
            &KubeConfigOptions::default(),
        )
        .await
        .unwrap();
        (config.proxy_url, config.default_retry) = (None, false);
        let pods: Api<Pod> = Api::namespaced(Client::try_from(config).unwrap(), OPERATORS);
        pods.evict(pod, &EvictParams::default()).await.map(drop)
    }

    /// Calls kubectl as an administrator.
    pub(crate) async fn kubectl(&self, args: &[&str]) {
        let mut command = tokio::process::Command::new(self.kubectl_program().await);
        let output = command.args(self.kubectl_args(args)).output().await.unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts kubectl under a name of the control plane's supervisor.
    pub(crate) async fn start_kubectl(&self, name: &str, args: &[&str]) -> ChildHandle {
        let program = self.kubectl_program().await;
        self.control_plane.supervisor().spawn(name, program, self.kubectl_args(args), &[]).unwrap()
    }

    async fn kubectl_program(&self) -> PathBuf {
        tokio::task::spawn_blocking(|| tool("kubectl")).await.unwrap()
    }

    fn kubectl_args(&self, args: &[&str]) -> Vec<String> {
        let kubeconfig = format!("--kubeconfig={}", self.control_plane.kubeconfig().display());
        [kubeconfig].into_iter().chain(args.iter().map(|arg| (*arg).to_owned())).collect()
    }

    /// Prints what each of the operator's containers uses, by its cgroup: a line each, with the load that it is under.
    pub(crate) async fn print_usage(&self, load: &str) {
        for pod in self.operators().await {
            let container = pod.status.clone().unwrap().container_statuses.unwrap().remove(0);
            let usage = self.node().usage(&container.container_id.unwrap()).unwrap();
            let started = container.state.unwrap().running.unwrap().started_at.unwrap().0;
            let lived = testbed::cloud_monitoring::now().duration_since(started).as_secs_f64();
            println!(
                "operator in its container, {load}: {:.1} MiB, {:.4} cores in {lived:.0} s ({})",
                usage.memory as f64 / 1_048_576.0,
                usage.processor.as_secs_f64() / lived,
                pod.name_any()
            );
        }
    }

    /// A Deployment's replicas as they are asked for.
    pub(crate) fn target(&self, namespace: &str, name: &str) -> Target {
        Target::new(&self.client, namespace, ("apps/v1", "Deployment", "deployments"), name)
    }

    /// Applies one object to a namespace, after a change.
    pub(crate) async fn apply_changed(&self, namespace: &str, text: &str, change: impl FnOnce(&mut Value)) {
        let mut object: Value = serde_saphyr::from_str(text).unwrap();
        change(&mut object);
        self.apply(namespace, &object.to_string()).await;
    }

    /// Applies manifests to a namespace.
    pub(crate) async fn apply(&self, namespace: &str, text: &str) {
        let mut objects: Vec<DynamicObject> = manifests::parse(text);
        for object in &mut objects {
            object.metadata.namespace = Some(namespace.to_owned());
        }
        self.apply_objects(objects).await;
    }

    /// Applies objects where they say. Applications get the patience that a busy machine needs: their probes, and the
    /// time until every node has heard that a pod ends.
    pub(crate) async fn apply_objects(&self, mut objects: Vec<DynamicObject>) {
        for object in objects.iter_mut().filter(|object| kind(object) == "Deployment") {
            let container = object.data.pointer_mut("/spec/template/spec/containers/0").unwrap();
            if let Some(probe) = container.get_mut("readinessProbe") {
                probe["timeoutSeconds"] = 30.into();
            }
            if let Some(seconds) = container.pointer_mut("/lifecycle/preStop/sleep/seconds") {
                *seconds = 10.into();
            }
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

/// A root folder, which lives as long as the value, and the image of it.
fn python_sample() -> (tempfile::TempDir, Image) {
    let sample = repository("examples/keda-python");
    let python = python::environment(&sample.join("requirements.txt"));
    let packages = Command::new(&python)
        .args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        .output()
        .unwrap();
    let packages = String::from_utf8(packages.stdout).unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut fill = Command::new(repository("hack/python-root.sh"));
    fill.arg(root.path()).arg(&python).arg(packages.trim());
    python::run(&mut fill, "hack/python-root.sh fails");
    std::fs::copy(sample.join("app.py"), root.path().join("app.py")).unwrap();
    let image = Image::of_folder("localhost/keda-python:test", root.path(), &["/usr/bin/python", "/app.py"]);
    (root, image)
}
