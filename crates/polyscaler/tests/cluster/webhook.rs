//! The admission webhook, called by a real API server by the configuration that is installed.
//!
//! That configuration names a Service; here no pods run, so it is given a URL instead. All else in
//! it is as installed, but for a selector that keeps it to the objects of one scene.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind, Status};
use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::wait;

use crate::cluster::admission::{Problem, bad_annotations, checked, judged_by_sources, manifest};
use crate::harness::{LABEL, LIMIT, Operator, Scene};

const INSTALLED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/webhook/configuration.yaml"));

/// A scene's ValidatingWebhookConfiguration, and the port that it leads to.
pub(crate) struct Hook {
    pub(crate) port: PortClaim,
    pub(crate) api: Api<DynamicObject>,
    pub(crate) name: String,
}

impl Hook {
    pub(crate) async fn install(scene: &Scene) -> Self {
        let gvk =
            GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration");
        let resource = ApiResource::from_gvk_with_plural(&gvk, "validatingwebhookconfigurations");
        let api = Api::all_with(scene.client.clone(), &resource);
        let hook = Self { port: PortClaim::new().unwrap(), api, name: scene.namespace.clone() };
        let mut configuration: Value = serde_saphyr::from_str(INSTALLED).unwrap();
        configuration["metadata"]["name"] = json!(hook.name);
        let webhook = &mut configuration["webhooks"][0];
        webhook["clientConfig"] = json!({ "url": url(&hook.port) });
        webhook["objectSelector"] = json!({ "matchLabels": { LABEL: scene.namespace } });
        let configuration = serde_json::from_value(configuration).unwrap();
        hook.api.create(&PostParams::default(), &configuration).await.unwrap();
        hook
    }

    /// The flags of an operator that it calls at `port`.
    pub(crate) fn flags(&self, port: &PortClaim) -> [String; 2] {
        [
            format!("--webhook-address=127.0.0.1:{}", port.port()),
            format!("--webhook-configuration={}", self.name),
        ]
    }

    /// Starts an operator that it calls.
    pub(crate) async fn operator(&self, scene: &Scene) -> Operator {
        let flags = self.flags(&self.port);
        scene.operator(&[&flags[0], &flags[1]]).await
    }

    pub(crate) async fn patch(&self, client_config: Value) {
        let patch =
            json!({ "webhooks": [{ "name": "validate.polyscaler.dev", "clientConfig": client_config }] });
        self.api.patch(&self.name, &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    }

    /// The authorities that the API server trusts, as PEM.
    pub(crate) async fn bundle(&self) -> String {
        let found = self.api.get(&self.name).await.unwrap();
        let bundle = found.data.pointer("/webhooks/0/clientConfig/caBundle").cloned().unwrap_or(json!(""));
        let bundle: k8s_openapi::ByteString = serde_json::from_value(bundle).unwrap();
        String::from_utf8(bundle.0).unwrap()
    }
}

pub(crate) fn url(port: &PortClaim) -> String {
    format!("https://127.0.0.1:{}/validate", port.port())
}

/// An object of the scene that its configuration is about.
fn labelled(scene: &Scene, mut manifest: Value) -> Value {
    manifest["metadata"]["labels"] = json!({ LABEL: scene.namespace });
    manifest
}

/// What the API server says to an object; nothing is stored.
async fn judged(scene: &Scene, manifest: &Value) -> Result<(), Box<Status>> {
    let api = scene.existing("any").api;
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let object: DynamicObject = serde_json::from_value(manifest.clone()).unwrap();
    match api.create(&params, &object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("{manifest}: {error}"),
    }
}

/// Waits until the API server has learnt to call, or how to.
pub(crate) async fn wait_until_refused(scene: &Scene) {
    let bad = labelled(scene, manifest(judged_by_sources(&scene.namespace).remove(0)));
    let look = || async {
        match judged(scene, &bad).await {
            Ok(()) => Err("it is taken"),
            Err(_) => Ok(()),
        }
    };
    wait::until("the webhook refuses", LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_check_finds_is_refused_in_its_words() {
    let scene = Scene::new("webhook").await;
    let hook = Hook::install(&scene).await;
    let operator = hook.operator(&scene).await;
    wait_until_refused(&scene).await;

    let mut manifests: Vec<Value> = judged_by_sources(&scene.namespace)
        .into_iter()
        .map(manifest)
        .map(|one| labelled(&scene, one))
        .collect();
    for annotations in bad_annotations() {
        let mut annotated = labelled(&scene, manifest(scene.spec("web", "/users")));
        annotated["metadata"]["annotations"] = annotations;
        manifests.push(annotated);
    }
    for (manifest, found) in manifests.iter().zip(checked(&manifests)) {
        let status = judged(&scene, manifest).await.unwrap_err();
        assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"), "{status:?}");
        let details = status.details.as_ref().unwrap();
        assert_eq!((details.name.as_str(), details.kind.as_str()), ("judged", "BusinessScaling"));
        let causes: Vec<Problem> =
            details.causes.iter().map(|cause| (cause.field.clone(), cause.message.clone())).collect();
        assert_eq!(causes, found, "{manifest}");
        assert!(!status.message.contains("secret@"), "{}", status.message);
        assert!(details.causes.iter().all(|cause| cause.reason.starts_with("FieldValue")), "{details:?}");
    }
    let refused = [("kind", "BusinessScaling"), ("allowed", "false")];
    let count = operator.metric("polyscaler_admission_reviews_total", &refused).await;
    assert!(count >= manifests.len() as f64, "{count}");

    scene.business_scaling("good", scene.spec("web", "/users")).await;
    let allowed = [("kind", "BusinessScaling"), ("allowed", "true")];
    assert_eq!(operator.metric("polyscaler_admission_reviews_total", &allowed).await, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_away_keeps_nobody_waiting() {
    let scene = Scene::new("webhook").await;
    let hook = Hook::install(&scene).await;
    let bad = || judged_by_sources(&scene.namespace).remove(0);
    // Nobody is there who could refuse it.
    let stored = scene.business_scaling("stored", bad()).await;
    let operator = hook.operator(&scene).await;
    stored.wait_for("Ready", "False", "InvalidSpec").await;
    wait_until_refused(&scene).await;

    // What was stored may be labelled and cleared up. It may not be changed into something else that is wrong.
    let patch = async |patch: Value| {
        stored.api.patch(&stored.name, &PatchParams::default(), &Patch::Merge(patch)).await
    };
    patch(
        json!({ "metadata": { "labels": { "team": "shop" }, "finalizers": ["tests.polyscaler.dev/hold"] } }),
    )
    .await
    .unwrap();
    let changed = patch(json!({ "spec": { "targetDeployment": "other" } })).await.unwrap_err();
    assert!(matches!(&changed, kube::Error::Api(status) if status.code == 422), "{changed}");
    stored.delete().await;
    patch(json!({ "metadata": { "finalizers": null } })).await.unwrap();
    let gone = || async { stored.api.get_opt(&stored.name).await.unwrap().is_none().then_some(()) };
    wait::until("it goes", LIMIT, gone).await.unwrap();

    // Whoever takes the bundle away gets it back.
    assert!(hook.bundle().await.starts_with("-----BEGIN CERTIFICATE-----"));
    for lost in [json!(null), json!("bm9uc2Vuc2U=")] {
        hook.patch(json!({ "caBundle": lost })).await;
        let look = || async {
            let bundle = hook.bundle().await;
            if bundle.starts_with("-----BEGIN CERTIFICATE-----") { Ok(()) } else { Err(bundle) }
        };
        wait::until("the bundle is back", LIMIT, look).await.unwrap();
        wait_until_refused(&scene).await;
    }

    operator.terminate(LIMIT).await;
    scene.business_scaling("again", bad()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_object_on_one_target_is_refused() {
    let scene = Scene::new("second").await;
    let hook = Hook::install(&scene).await;
    hook.operator(&scene).await;
    wait_until_refused(&scene).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let first = scene.business_scaling("first", scene.spec("web", "/users")).await;
    target.wait_for(6).await;

    let second = |annotations: Value| {
        let mut second = labelled(&scene, manifest(scene.spec("web", "/users")));
        second["metadata"]["name"] = json!(scene.full_name("second"));
        second["metadata"]["annotations"] = annotations;
        second
    };
    let refused = judged(&scene, &second(json!({}))).await.unwrap_err();
    let taken = format!("is already scaled by BusinessScaling {}", first.name);
    assert!(refused.message.contains(&taken), "{}", refused.message);
    judged(&scene, &second(json!({ "polyscaler.dev/mode": "observe" }))).await.unwrap();

    // Nor beside an HPA, whose target is another one.
    let hpa = json!({ "metadata": { "name": "by-cpu" }, "spec": {
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" }, "maxReplicas": 5,
    } });
    let hpas: Api<HorizontalPodAutoscaler> = scene.namespaced();
    hpas.create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
    let mut beside = second(json!({}));
    beside["spec"]["targetDeployment"] = json!("api");
    let taken = format!("is already scaled by HorizontalPodAutoscaler {}/by-cpu", scene.namespace);
    let look = || async {
        match judged(&scene, &beside).await {
            Err(status) if status.message.contains(&taken) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("the HPA to be known", LIMIT, look).await.unwrap();

    // The first may go on to be edited, and makes room when it observes.
    first.patch_spec(json!({ "intervalSeconds": 2 })).await;
    first.set_mode(Some("observe")).await;
    let look = || async { judged(&scene, &second(json!({}))).await.map_err(|status| status.message.clone()) };
    wait::until("the target to be free", LIMIT, look).await.unwrap();
}
