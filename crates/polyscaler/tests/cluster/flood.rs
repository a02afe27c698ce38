//! Statuses and HPAs whose writes hang hold up no write of replicas.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use testbed::wait;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{LIMIT, Scaling, Scene, Target, seconds};

/// More than the operator writes statuses of at the same time, and HPAs.
const OBJECTS: usize = 24;

/// A webhook that the API server calls for certain writes, and that takes the call and never answers.
struct Silent {
    hooks: Api<ValidatingWebhookConfiguration>,
    name: String,
    calls: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Silent {
    /// One for the writes that these fields of a rule say.
    async fn begin(scene: &Scene, group: &str, operation: &str, resource: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((call, _)) = listener.accept().await {
                held.push(call);
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let name = format!("{}.example.org", scene.namespace);
        let hook = json!({ "metadata": { "name": name }, "webhooks": [{
            "name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
            "timeoutSeconds": 10,
            "clientConfig": { "url": url },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": scene.namespace } },
            "rules": [{ "apiGroups": [group], "apiVersions": ["*"], "operations": [operation],
                "resources": [resource], "scope": "Namespaced" }],
        }] });
        let hooks: Api<ValidatingWebhookConfiguration> = Api::all(scene.client.clone());
        hooks.create(&PostParams::default(), &serde_json::from_value(hook).unwrap()).await.unwrap();
        Self { hooks, name, calls, task }
    }

    /// Whether it is called for `write`, which then is not answered. (An API server that has other work may also take its
    /// time.)
    async fn holds<T: Debug>(&self, write: impl Future<Output = T>) -> Result<(), String> {
        let before = self.calls.load(Ordering::Relaxed);
        match tokio::time::timeout(seconds(1.0), write).await {
            Ok(written) => Err(format!("{written:?}")),
            Err(_) if self.calls.load(Ordering::Relaxed) == before => Err("no call".to_owned()),
            Err(_) => Ok(()),
        }
    }

    /// Waits until there have been more calls than `before`.
    async fn called(&self, before: usize) {
        let look = || async {
            let calls = self.calls.load(Ordering::Relaxed);
            if calls > before { Ok(()) } else { Err(format!("{calls} calls")) }
        };
        wait::until("calls of the webhook", LIMIT, look).await.unwrap();
    }

    async fn end(self) {
        self.hooks.delete(&self.name, &DeleteParams::default()).await.unwrap();
        self.task.abort();
    }
}

/// A ScaledObject, and its target with so many replicas.
async fn scaled(scene: &Scene, index: usize, replicas: i32) -> (Scaling, Target) {
    let name = format!("app-{index}");
    let target = scene.podless_deployment(&name, replicas).await;
    let trigger =
        json!({ "url": scene.metrics.url("/users"), "valueLocation": "active_users", "targetValue": "100" });
    let spec = json!({ "scaleTargetRef": { "name": name }, "minReplicaCount": replicas, "pollingInterval": 1,
        "triggers": [{ "type": "metrics-api", "metadata": trigger }] });
    (scene.object(("keda.sh/v1alpha1", "ScaledObject", "scaledobjects"), &name, spec).await, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_hang_hold_up_no_replicas() {
    let scene = Scene::new("flood").await;
    scene.users("/users", 100);
    let all = join_all((0..OBJECTS).map(|index| scaled(&scene, index, 1))).await;
    join_all(all.iter().map(|(object, _)| object.annotate("polyscaler.dev/actuation", Some("direct")))).await;
    let silent = Silent::begin(&scene, "keda.sh", "UPDATE", "scaledobjects/status").await;
    // A webhook takes effect some moments after it was made.
    let hangs = || async {
        let status = json!({ "status": { "hpaName": "none" } });
        let (params, patch) = (Default::default(), kube::api::Patch::Merge(&status));
        let write = all[0].0.api.patch_status(&all[0].0.name, &params, &patch);
        silent.holds(write).await
    };
    wait::until("statuses hang", LIMIT, hangs).await.unwrap();
    let before = silent.calls.load(Ordering::Relaxed);
    let _operator = scene.operator(&[]).await;
    silent.called(before).await;
    for (users, replicas) in [(600, 6), (900, 9)] {
        scene.users("/users", users);
        join_all(all.iter().map(|(_, target)| target.wait_for(replicas))).await;
    }
    for (object, _) in &all {
        let conditions = object.get().await.data.pointer("/status/conditions").cloned();
        assert_eq!(conditions, None, "{} has a status", object.name);
    }
    silent.end().await;
    for (object, _) in &all {
        object.wait_for("Ready", "True", "ScaledObjectReady").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hpas_that_hang_hold_up_no_replicas() {
    let scene = Scene::new("flood-hpas").await;
    scene.users("/users", 100);
    let all = join_all((0..OBJECTS).map(|index| scaled(&scene, index, 0))).await;
    let silent = Silent::begin(&scene, "autoscaling", "CREATE", "horizontalpodautoscalers").await;
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let hpa = json!({ "metadata": { "name": "probe" }, "spec": { "maxReplicas": 1,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "none" } } });
    let hpa = serde_json::from_value(hpa).unwrap();
    // A webhook takes effect some moments after it was made.
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let hangs = || async { silent.holds(hpas.create(&dry, &hpa)).await };
    wait::until("HPAs hang", LIMIT, hangs).await.unwrap();
    let _operator = scene.operator(&[]).await;
    join_all(all.iter().map(|(_, target)| target.wait_for(1))).await;
    let count = async || hpas.list_metadata(&Default::default()).await.unwrap().items.len();
    assert_eq!(count().await, 0, "HPAs hang no more");
    silent.end().await;
    let made = || async {
        let found = count().await;
        if found == OBJECTS { Ok(()) } else { Err(format!("{found} HPAs")) }
    };
    wait::until("an HPA for each object", LIMIT, made).await.unwrap();
}
