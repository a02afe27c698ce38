//! Fallbacks of metricType Value: what the pods that are ready share.

use kube::api::{Patch, PatchParams};
use serde_json::json;
use testbed::wait;

use super::MetricsApi;
use crate::cluster::any_target::{fleet, fleet_crd};
use crate::harness::{LIMIT, control_plane};

/// A kind of someone else says by a selector which pods are its own, and not how many of them are ready.
#[tokio::test(flavor = "multi_thread")]
async fn contract_4_5_the_ready_pods_of_a_target_of_any_kind_share_a_value() {
    let group = "shared.example.org";
    let api = MetricsApi::begin("shared-fallback").await;
    let mut crd = fleet_crd(group, true);
    let scale = crd.spec.versions[0].subresources.as_mut().and_then(|all| all.scale.as_mut()).unwrap();
    scale.label_selector_path = Some(".status.selector".to_owned());
    control_plane::install_crd(&api.scene.client, &crd).await;
    let target = fleet(&api.scene, group, "web", 2).await;
    let status = Patch::Merge(json!({ "status": { "cars": 2, "selector": "app=crew" } }));
    target.api.patch_status("web", &PatchParams::default(), &status).await.unwrap();
    let crew = api.scene.deployment("crew", 2).await;
    crew.wait_until_ready(2).await;
    let _operator = api.operator(&api.port, &[]).await;
    api.leads_to(&api.port).await;

    let location =
        json!({ "url": api.scene.metrics.url("/nowhere"), "valueLocation": "load", "targetValue": "100" });
    let spec = json!({
        "scaleTargetRef": { "apiVersion": format!("{group}/v1beta1"), "kind": "Fleet", "name": "web" },
        "triggers": [{ "type": "metrics-api", "metricType": "Value", "metadata": location }],
        "fallback": { "failureThreshold": 1, "replicas": 6 },
    });
    let scaling = api.scaled_object("web", json!({}), spec).await;
    scaling.wait_for("Fallback", "True", "FallbackExists").await;
    let path = api.path("web", "s0-metric-api-load");
    let value = |wanted: &'static str| {
        let (api, path) = (&api, &path);
        let look = move || async move {
            let found =
                api.get(path).await.map_err(|status| status.message)?["items"][0]["value"].to_string();
            if found.trim_matches('"') == wanted { Ok(()) } else { Err(found) }
        };
        async move { wait::until(wanted, LIMIT, look).await.unwrap() }
    };
    value("300").await;
    crew.set(3).await;
    crew.wait_until_ready(3).await;
    value("200").await;
}
