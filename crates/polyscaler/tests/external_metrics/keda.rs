//! KEDA beside us, which a Lease stands in for that is renewed by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testbed::wait;

use super::MetricsApi;
use crate::harness::LIMIT;

const ACTIVE: &str = "polyscaler_keda_active";

/// Whoever renews KEDA's Lease until it is dropped.
struct Keda(Arc<AtomicBool>);

impl Keda {
    /// One that has renewed it once at least.
    async fn begin(api: &MetricsApi) -> Self {
        let leases: Api<Lease> = api.scene.namespaced();
        let mut count = 0_u32;
        let mut renew = async move || {
            count += 1;
            let lease = json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": { "name": "operator.keda.sh" },
                "spec": { "holderIdentity": "keda-operator-1", "leaseDurationSeconds": 15, "leaseTransitions": count },
            });
            let params = PatchParams::apply("keda").force();
            leases.patch("operator.keda.sh", &params, &Patch::Apply(lease)).await.unwrap();
        };
        renew().await;
        let goes_on = Arc::new(AtomicBool::new(true));
        let keda = Self(Arc::clone(&goes_on));
        tokio::spawn(async move {
            while goes_on.load(Ordering::Relaxed) {
                renew().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        keda
    }
}

impl Drop for Keda {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn has_hpa(api: &MetricsApi) -> bool {
    let hpas: Api<HorizontalPodAutoscaler> = api.scene.namespaced();
    hpas.get_opt("keda-hpa-web").await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_objects_are_left_to_it_until_it_falls_silent() {
    let api = MetricsApi::begin("keda").await;
    let keda = Keda::begin(&api).await;
    api.scene.podless_deployment("web", 1).await;
    let general = api.scene.podless_deployment("general", 1).await;
    api.scene.users("/users", 450);
    let operator = api.scene.operator(&[]).await;
    let stale = json!({ "finalizers": ["finalizer.keda.sh"] });
    let scaling = api.scaled_object("web", stale, json!({})).await;
    operator.wait_until_metric(ACTIVE, &[], 1.0).await;

    // Other kinds are scaled meanwhile.
    let url = api.scene.metrics.url("/general");
    api.scene.users("/general", 300);
    let config = json!({ "url": url, "valuePath": "$.active_users" });
    let metrics = json!([{ "type": "http", "config": config, "targetValue": 100 }]);
    let spec = json!({ "targetDeployment": "general", "maxReplicas": 10, "intervalSeconds": 1, "safety": {}, "metrics": metrics });
    api.scene.general_scaler("general", spec).await;
    general.wait_for(3).await;
    api.scene.requests("/general", 5).await;
    let found = scaling.get().await;
    assert_eq!(found.data.get("status"), None, "its status is KEDA's");
    assert_eq!(found.metadata.finalizers.unwrap(), ["finalizer.keda.sh"]);
    assert_eq!(api.scene.metrics.seen("/users").count, 0);
    assert!(!has_hpa(&api).await);
    let objects: Vec<Value> = serde_json::from_str(&operator.activity_text("/objects").await).unwrap();
    let shown = objects.iter().find(|object| object["kind"] == "ScaledObject").expect("shown");
    assert_eq!(shown["reason"], "StandingBack");
    let message = shown["message"].as_str().unwrap();
    assert!(message.contains(&format!("{}/operator.keda.sh", api.scene.namespace)), "{message}");
    assert!(operator.activity_page().await.contains("StandingBack"));
    assert_eq!(operator.wait_for_lines("left to the other operator", 1).await, 1, "{}", operator.log());

    drop(keda);
    operator.wait_until_metric(ACTIVE, &[], 0.0).await;
    let look = || async { has_hpa(&api).await.then_some(()) };
    wait::until("its HPA is kept", LIMIT, look).await.unwrap();
    let look =
        || async { scaling.get().await.metadata.finalizers.is_none_or(|all| all.is_empty()).then_some(()) };
    wait::until("what KEDA has left is gone", LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_better_acts_all_the_same() {
    let api = MetricsApi::begin("keda").await;
    let _keda = Keda::begin(&api).await;
    api.scene.podless_deployment("web", 1).await;
    api.scene.users("/users", 450);
    let operator = api.scene.operator(&["--beside-keda"]).await;
    api.scaled_object("web", json!({}), json!({})).await;
    let look = || async { has_hpa(&api).await.then_some(()) };
    wait::until("its HPA is kept", LIMIT, look).await.unwrap();
    assert_eq!(operator.metric(ACTIVE, &[]).await, 0.0);
}
