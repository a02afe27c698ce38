//! A source that reports by itself: an external scaler on whose stream the operator listens.

use serde_json::json;
use testbed::ExternalScaler;

use crate::harness::Scene;

/// Far longer than a test waits: what happens does not come from a regular poll.
const INTERVAL_SECONDS: u32 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_scaled_as_soon_as_its_scaler_reports_work() {
    let scene = Scene::new("pushed").await;
    let scaler = ExternalScaler::start().await.unwrap();
    scaler.measures("users", 500, 1000);
    let target = scene.podless_deployment("web", 2).await;
    let _operator = scene.operator(&[]).await;
    let config = json!({
        "scalerAddress": scaler.address(), "object": "web", "push": true, "metadata": { "queue": "orders" },
    });
    let spec = json!({
        "targetDeployment": "web", "namespace": scene.namespace, "intervalSeconds": INTERVAL_SECONDS, "safety": {},
        "metric": { "type": "external", "config": config },
    });
    let scaling = scene.business_scaling("web", spec).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaler.until_open(1).await.unwrap();
    scaler.measures("users", 500, 3000);
    scaler.push(true);
    target.wait_for(6).await;
    let told =
        scaler.state().seen.last().map(|(_, about)| (about.name.clone(), about.metadata["queue"].clone()));
    assert_eq!(told, Some(("web".to_owned(), "orders".to_owned())));
    // Nobody listens for an object that is gone.
    scaling.delete().await;
    scaler.until_open(0).await.unwrap();
}
