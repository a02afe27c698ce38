//! One test's part of a control plane: a namespace, a metric server, objects and operators.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, DynamicObject, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use testbed::{ControlPlane, MetricServer, Supervisor, fixtures, wait};
use tokio::runtime::Handle;

use super::{API_TIMEOUT, LEASE_DURATION, LIMIT, Operator, Scaling, Target, control_plane, scaling};

/// By this label the cluster-scoped objects of a scene are found again.
pub(crate) const LABEL: &str = "tests.polyscaler.dev/scene";

/// See the module.
pub(crate) struct Scene {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) metrics: MetricServer,
    /// That of the operators, an administrator's unless a test puts another here.
    pub(crate) kubeconfig: PathBuf,
    supervisor: Supervisor,
    operators: AtomicUsize,
}

impl Scene {
    /// A scene in the control plane that tests share.
    pub(crate) async fn new(prefix: &str) -> Self {
        Self::on(control_plane::shared(), prefix).await
    }

    /// A scene in a control plane that has the CRDs, or gets them before an operator starts.
    pub(crate) async fn on(control_plane: &ControlPlane, prefix: &str) -> Self {
        let client = control_plane::client(control_plane).await;
        Self {
            namespace: fixtures::create_namespace(&client, prefix).await.unwrap(),
            client,
            metrics: MetricServer::start().await.unwrap(),
            kubeconfig: control_plane.kubeconfig().to_owned(),
            supervisor: Supervisor::new("polyscaler-test").unwrap(),
            operators: AtomicUsize::new(0),
        }
    }

    /// Starts an operator that acts in this scene only, and waits until it is ready.
    pub(crate) async fn operator(&self, args: &[&str]) -> Operator {
        let operator = self.begin_operator(args, &[]);
        operator.wait_until_ready().await;
        operator
    }

    /// The same without waiting, with more of an environment. What ties it to the scene is in the
    /// environment, too, so that flags may say otherwise.
    pub(crate) fn begin_operator(&self, args: &[&str], env: &[(&str, &str)]) -> Operator {
        let name = format!("operator-{}", self.operators.fetch_add(1, Ordering::Relaxed));
        let kubeconfig = self.kubeconfig.display().to_string();
        let mut all = vec![
            ("POLYSCALER_KUBECONFIG", kubeconfig.as_str()),
            ("POLYSCALER_NAMESPACES", &self.namespace),
            ("POLYSCALER_LEASE_NAMESPACE", &self.namespace),
            ("POLYSCALER_API_TIMEOUT", API_TIMEOUT),
            ("POLYSCALER_LEASE_DURATION", LEASE_DURATION),
            // Receivers of traces are on this machine, too.
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("no_proxy", "127.0.0.1,localhost"),
        ];
        all.extend(env);
        Operator::start(&self.supervisor, &name, args, &all)
    }

    /// The name that the cluster-scoped object called `name` in this scene has in the cluster.
    pub(crate) fn full_name(&self, name: &str) -> String {
        format!("{}-{name}", self.namespace)
    }

    /// The least spec that scales the Deployment `target` by the metric at `path`, each second, without limits: the
    /// default ones hold a scale-in for minutes.
    pub(crate) fn spec(&self, target: &str, path: &str) -> Value {
        json!({
            "targetDeployment": target,
            "namespace": self.namespace,
            "metricSource": self.metrics.url(path),
            "intervalSeconds": 1,
            "safety": {},
        })
    }

    /// Creates a BusinessScaling.
    pub(crate) async fn business_scaling(&self, name: &str, spec: Value) -> Scaling {
        self.annotated_business_scaling(name, spec, json!({})).await
    }

    /// Creates a BusinessScaling with annotations.
    pub(crate) async fn annotated_business_scaling(
        &self,
        name: &str,
        spec: Value,
        annotations: Value,
    ) -> Scaling {
        let scaling = self.existing(&self.full_name(name));
        let object = json!({
            "apiVersion": "example.com/v1",
            "kind": "BusinessScaling",
            "metadata": { "name": scaling.name, "labels": { LABEL: self.namespace }, "annotations": annotations },
            "spec": spec,
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        scaling.api.create(&PostParams::default(), &object).await.unwrap();
        scaling
    }

    /// The BusinessScaling of that full name.
    pub(crate) fn existing(&self, full_name: &str) -> Scaling {
        Scaling::business(&self.client, full_name)
    }

    /// Creates an object of a namespaced kind: its API version, kind and plural.
    pub(crate) async fn object(&self, kind: (&str, &str, &str), name: &str, spec: Value) -> Scaling {
        let scaling = Scaling::namespaced(&self.client, &self.namespace, kind, name);
        let object = json!({
            "apiVersion": kind.0, "kind": kind.1,
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": spec,
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        scaling.api.create(&PostParams::default(), &object).await.unwrap();
        scaling
    }

    /// Creates a GeneralScaler.
    pub(crate) async fn general_scaler(&self, name: &str, spec: Value) -> Scaling {
        self.object(("autoscaling.example.com/v1", "GeneralScaler", "generalscalers"), name, spec).await
    }

    /// Sets the figure at `path`.
    pub(crate) fn users(&self, path: &str, count: impl Into<Value>) {
        self.metrics.set_json(path, &json!({ "active_users": count.into() }));
    }

    /// Waits until `count` more requests for `path` have come in, which is `count - 1` whole polls.
    pub(crate) async fn requests(&self, path: &str, count: u64) {
        let wanted = self.metrics.seen(path).count + count;
        let look = || async {
            let seen = self.metrics.seen(path).count;
            if seen >= wanted { Ok(()) } else { Err(format!("{seen} of {wanted}")) }
        };
        wait::until(&format!("requests for {path}"), LIMIT, look).await.unwrap();
    }

    /// A Deployment with pods.
    pub(crate) async fn deployment(&self, name: &str, replicas: i32) -> Target {
        self.create_deployment(fixtures::deployment(name, &self.namespace, replicas)).await
    }

    /// A Deployment that asks for replicas like any other and makes no pods, for tests that
    /// have many: it was never rolled out.
    pub(crate) async fn podless_deployment(&self, name: &str, replicas: i32) -> Target {
        let mut deployment = fixtures::deployment(name, &self.namespace, replicas);
        deployment.spec.as_mut().unwrap().paused = Some(true);
        self.create_deployment(deployment).await
    }

    /// Any Deployment.
    pub(crate) async fn create_deployment(&self, deployment: Deployment) -> Target {
        let name = deployment.metadata.name.clone().unwrap();
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        api.create(&PostParams::default(), &deployment).await.unwrap();
        self.target("apps/v1", "Deployment", "deployments", &name)
    }

    /// An object of any kind in the scene's namespace.
    pub(crate) fn target(&self, api_version: &str, kind: &str, plural: &str, name: &str) -> Target {
        Target::new(&self.client, &self.namespace, (api_version, kind, plural), name)
    }

    /// A client for objects of any kind in the scene's namespace.
    pub(crate) fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// Takes away what is not in the namespace; the rest goes with the control plane.
impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for index in 0..self.operators.load(Ordering::Relaxed) {
                if let Some(operator) = self.supervisor.child(&format!("operator-{index}")) {
                    eprintln!("--- end of the log of {}\n{}", operator.name(), operator.last_lines(25));
                }
            }
        }
        let api = scaling::api(&self.client);
        let label = format!("{LABEL}={}", self.namespace);
        let delete = async move {
            let (all, list) = (DeleteParams::default(), ListParams::default().labels(&label));
            // Where the API server is away there is nothing to take away.
            let deleted = api.delete_collection(&all, &list);
            let _ = tokio::time::timeout(super::seconds(5.0), deleted).await;
        };
        tokio::task::block_in_place(|| Handle::current().block_on(delete));
    }
}
