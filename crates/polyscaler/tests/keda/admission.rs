//! What KEDA's webhook refuses beyond the object itself, asked of a real API server: the sentences are those that scripts
//! look for.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::LimitRange;
use kube::api::{Patch, PatchParams};

use super::*;
use crate::cluster::webhook::{Hook, wait_until_refused};
use crate::harness::{LABEL, Operator};

/// A scene whose API server asks an operator.
struct Asked {
    scene: Scene,
    operator: Operator,
    _hook: Hook,
}

impl Asked {
    async fn begin(prefix: &str) -> Self {
        let scene = Scene::new(prefix).await;
        let hook = Hook::install(&scene).await;
        value(&scene, 5.0);
        let operator = hook.operator(&scene).await;
        wait_until_refused(&scene).await;
        Self { scene, operator, _hook: hook }
    }

    fn object(&self, name: &str, spec: &Value, annotations: Value) -> DynamicObject {
        let object = json!({
            "apiVersion": KIND.0, "kind": KIND.1,
            "metadata": {
                "name": name, "namespace": self.scene.namespace, "annotations": annotations,
                "labels": { LABEL: self.scene.namespace },
            },
            "spec": spec,
        });
        serde_json::from_value(object).unwrap()
    }

    fn api(&self) -> Api<DynamicObject> {
        Scaling::namespaced(&self.scene.client, &self.scene.namespace, KIND, "any").api
    }

    /// Creates an object; the sentence by which it is refused otherwise.
    async fn create(&self, name: &str, spec: &Value, annotations: Value) -> Result<(), String> {
        let object = self.object(name, spec, annotations);
        match self.api().create(&PostParams::default(), &object).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => Err(status.message.clone()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn patch(&self, name: &str, patch: Value) -> Result<(), String> {
        let patched = self.api().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| error.to_string())
    }

    /// Waits until the operator has heard of what makes it refuse, and does so with this sentence; nothing is stored.
    async fn wait_until_refused(&self, name: &str, spec: &Value, annotations: Value, sentence: &str) {
        let object = self.object(name, spec, annotations);
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let api = self.api();
        let look = || async {
            match api.create(&params, &object).await {
                Err(kube::Error::Api(status)) if status.message.contains(sentence) => Ok(()),
                other => Err(format!("{:?}", other.map(drop))),
            }
        };
        wait::until(sentence, LIMIT, look).await.unwrap();
    }

    async fn counted(&self, reason: &str) -> f64 {
        let labels = [("namespace", self.scene.namespace.as_str()), ("action", "create"), ("reason", reason)];
        self.operator.metric("keda_webhook_scaled_object_validation_errors_total", &labels).await
    }
}

fn named(name: &str) -> Value {
    json!({ "horizontalPodAutoscalerConfig": { "name": name } })
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_rules_1_and_2_other_scaled_objects() {
    let asked = Asked::begin("keda-asked").await;
    let scene = &asked.scene;
    for name in ["web", "api"] {
        scene.podless_deployment(name, 1).await;
    }
    asked
        .create("first", &with(scene, "web", json!({ "advanced": named("shared") })), json!({}))
        .await
        .unwrap();
    let managed =
        "the workload 'web' of type 'apps/v1.Deployment' is already managed by the ScaledObject 'first'";
    asked.wait_until_refused("second", &spec(scene, "web"), json!({}), managed).await;
    let refused = asked.create("second", &spec(scene, "web"), json!({})).await.unwrap_err();
    assert!(refused.contains(managed), "{refused}");
    let same_name = with(scene, "api", json!({ "advanced": named("shared") }));
    let refused = asked.create("second", &same_name, json!({})).await.unwrap_err();
    let managed = "the HPA 'shared' is already managed by the ScaledObject 'first'";
    assert!(refused.contains(managed), "{refused}");
    for reason in ["other-scaled-object", "other-scaled-object-hpa"] {
        assert!(asked.counted(reason).await >= 1.0, "{reason}");
    }
    // It may be changed into that as little, while what it has stays free to change.
    asked.create("second", &spec(scene, "api"), json!({})).await.unwrap();
    let refused =
        asked.patch("second", json!({ "spec": { "advanced": named("shared") } })).await.unwrap_err();
    assert!(refused.contains(managed), "{refused}");
    asked.patch("second", json!({ "spec": { "maxReplicaCount": 7 } })).await.unwrap();
    asked.patch("first", json!({ "spec": { "maxReplicaCount": 7 } })).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_rules_3_and_4_an_hpa_of_somebody() {
    let asked = Asked::begin("keda-asked-hpa").await;
    let scene = &asked.scene;
    scene.podless_deployment("web", 1).await;
    let made = json!({
        "metadata": { "name": "theirs" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "maxReplicas": 3 },
    });
    hpas(scene).create(&PostParams::default(), &serde_json::from_value(made).unwrap()).await.unwrap();
    let managed = "the workload 'web' of type 'apps/v1.Deployment' is already managed by the hpa 'theirs'";
    asked.wait_until_refused("web", &spec(scene, "web"), json!({}), managed).await;
    let transfer = json!({ "scaledobject.keda.sh/transfer-hpa-ownership": "true" });
    // Rule 3 without the annotation, also by its name; rule 4 with the annotation and another name.
    let theirs = with(scene, "web", json!({ "advanced": named("theirs") }));
    let other = with(scene, "web", json!({ "advanced": named("other") }));
    for (spec, annotations) in
        [(&theirs, json!({})), (&other, transfer.clone()), (&spec(scene, "web"), transfer.clone())]
    {
        let refused = asked.create("web", spec, annotations).await.unwrap_err();
        assert!(refused.contains(managed), "{refused}");
        assert!(refused.contains("transfer"), "{refused}");
    }
    assert!(asked.counted("other-hpa").await >= 1.0);
    assert!(asked.counted("transfer-ownership-missing-hpa-name").await >= 2.0);
    asked.create("web", &theirs, transfer).await.unwrap();
}

/// The Deployment of this name, whose containers have these resources.
async fn requesting(scene: &Scene, name: &str, resources: &[Value]) {
    let mut deployment: Deployment = testbed::fixtures::deployment(name, &scene.namespace, 1);
    let spec = deployment.spec.as_mut().unwrap();
    spec.paused = Some(true);
    let pod = spec.template.spec.as_mut().unwrap();
    let first = pod.containers[0].clone();
    let container = |(index, resources): (usize, &Value)| {
        let mut container = first.clone();
        container.name = format!("c{index}");
        container.ports = None;
        container.resources = serde_json::from_value(resources.clone()).unwrap();
        container
    };
    pod.containers = resources.iter().enumerate().map(container).collect();
    scene.create_deployment(deployment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_rules_5_and_6_cpu_and_memory() {
    let asked = Asked::begin("keda-asked-cpu").await;
    let scene = &asked.scene;
    let triggers = |type_: &str, container: Option<&str>| {
        let metadata = json!({ "value": "50", "containerName": container.unwrap_or_default() });
        json!([{ "type": type_, "metricType": "Utilization", "metadata": metadata }])
    };
    let of = |target: &str, type_: &str, container: Option<&str>| {
        with(scene, target, json!({ "minReplicaCount": 1, "triggers": triggers(type_, container) }))
    };
    let requests = json!({ "requests": { "cpu": "10m" }, "limits": { "memory": "64Mi" } });
    requesting(scene, "all", &[requests.clone(), requests.clone()]).await;
    requesting(scene, "some", &[requests.clone(), json!({})]).await;
    // Targets that no other object of this test has: their HPAs may outlive them for a moment.
    requesting(scene, "all-too", &[requests.clone(), requests.clone()]).await;
    requesting(scene, "some-too", &[requests.clone(), json!({})]).await;
    for (name, spec) in [("cpu", of("all-too", "cpu", None)), ("named", of("some-too", "cpu", Some("c0")))] {
        asked.create(name, &spec, json!({})).await.unwrap();
        asked.api().delete(name, &kube::api::DeleteParams::default()).await.unwrap();
    }
    for (spec, type_) in [(of("some", "cpu", None), "cpu"), (of("some", "memory", Some("c1")), "memory")] {
        let refused = asked.create("refused", &spec, json!({})).await.unwrap_err();
        let wanted = format!(
            "the scaledobject has a {type_} trigger but the container c1 doesn't have the {type_} request defined"
        );
        assert!(refused.contains(&wanted), "{refused}");
    }
    let refused = asked.create("refused", &of("nowhere", "cpu", None), json!({})).await.unwrap_err();
    assert!(refused.contains("deployments.apps \"nowhere\" not found"), "{refused}");
    assert!(asked.counted("missing-requests").await >= 3.0);
    // Who only tries is not told to apply the workload first.
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let tried = asked.object("tried", &of("nowhere", "cpu", None), json!({}));
    asked.api().create(&params, &tried).await.unwrap();
    // A default of the namespace is enough.
    let range = json!({
        "metadata": { "name": "defaults" },
        "spec": { "limits": [{ "type": "Container", "defaultRequest": { "cpu": "5m" } }] },
    });
    let ranges: Api<LimitRange> = scene.namespaced();
    ranges.create(&PostParams::default(), &serde_json::from_value(range).unwrap()).await.unwrap();
    asked.create("by-default", &of("some", "cpu", None), json!({})).await.unwrap();
    // Rule 6.
    let to_zero = with(scene, "all", json!({ "triggers": triggers("cpu", None) }));
    let refused = asked.create("to-zero", &to_zero, json!({})).await.unwrap_err();
    assert!(
        refused.contains("scaling to 0 needs at least one trigger that is not cpu or memory"),
        "{refused}"
    );
    assert!(asked.counted("scale-to-zero-requirements-not-met").await >= 1.0);
    let labels = [("namespace", scene.namespace.as_str()), ("action", "create")];
    assert!(asked.operator.metric("keda_webhook_scaled_object_validations_total", &labels).await >= 7.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_what_was_stored_may_be_cleared_up_and_deleted() {
    let scene = Scene::new("keda-stored").await;
    let hook = Hook::install(&scene).await;
    value(&scene, 5.0);
    // Nobody is there who could refuse it: failurePolicy is Ignore.
    let wrong = json!({ "minReplicaCount": 2, "idleReplicaCount": 2, "triggers": [{ "type": "pigeon", "metadata": {} }] });
    let scaling = Scaling::namespaced(&scene.client, &scene.namespace, KIND, "wrong");
    let object = json!({
        "apiVersion": KIND.0, "kind": KIND.1,
        "metadata": { "name": "wrong", "namespace": scene.namespace, "labels": { LABEL: scene.namespace },
            "finalizers": ["tests.polyscaler.dev/hold"] },
        "spec": with(&scene, "web", wrong),
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    scaling.api.create(&PostParams::default(), &object).await.unwrap();
    let operator = hook.operator(&scene).await;
    wait_until_refused(&scene).await;
    let patch =
        async |patch: Value| scaling.api.patch("wrong", &PatchParams::default(), &Patch::Merge(patch)).await;
    assert!(patch(json!({ "spec": { "maxReplicaCount": 5 } })).await.is_err());
    patch(json!({ "metadata": { "finalizers": [] } })).await.unwrap();
    scaling.delete().await;
    super::goes::wait_until_deleted(&scaling).await;
    drop(operator);
}
