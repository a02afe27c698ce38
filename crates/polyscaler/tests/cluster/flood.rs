//! Statuses that wait hold up no write of replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use testbed::wait;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{LIMIT, Scaling, Scene, Target, seconds};

/// More than the operator writes statuses of at the same time.
const OBJECTS: usize = 24;

/// A webhook that the API server calls for each status, and that takes the call and never answers.
struct Silent {
    hooks: Api<ValidatingWebhookConfiguration>,
    name: String,
    calls: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Silent {
    async fn begin(scene: &Scene) -> Self {
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
            "rules": [{ "apiGroups": ["keda.sh"], "apiVersions": ["*"], "operations": ["UPDATE"],
                "resources": ["scaledobjects/status"], "scope": "Namespaced" }],
        }] });
        let hooks: Api<ValidatingWebhookConfiguration> = Api::all(scene.client.clone());
        hooks.create(&PostParams::default(), &serde_json::from_value(hook).unwrap()).await.unwrap();
        Self { hooks, name, calls, task }
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

/// A ScaledObject in direct mode, and its target.
async fn scaled(scene: &Scene, index: usize) -> (Scaling, Target) {
    let name = format!("app-{index}");
    let target = scene.podless_deployment(&name, 1).await;
    let trigger =
        json!({ "url": scene.metrics.url("/users"), "valueLocation": "active_users", "targetValue": "100" });
    let spec = json!({ "scaleTargetRef": { "name": name }, "minReplicaCount": 1, "pollingInterval": 1,
        "triggers": [{ "type": "metrics-api", "metadata": trigger }] });
    let object = scene.object(("keda.sh/v1alpha1", "ScaledObject", "scaledobjects"), &name, spec).await;
    object.annotate("polyscaler.dev/actuation", Some("direct")).await;
    (object, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_hang_hold_up_no_replicas() {
    let scene = Scene::new("flood").await;
    scene.users("/users", 100);
    let all = join_all((0..OBJECTS).map(|index| scaled(&scene, index))).await;
    let silent = Silent::begin(&scene).await;
    // A webhook takes effect some moments after it was made.
    let hangs = || async {
        let status = json!({ "status": { "hpaName": "none" } });
        let (params, patch) = (Default::default(), kube::api::Patch::Merge(&status));
        let write = all[0].0.api.patch_status(&all[0].0.name, &params, &patch);
        match tokio::time::timeout(seconds(1.0), write).await {
            Ok(written) => Err(format!("{written:?}")),
            Err(_) => Ok(()),
        }
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
