//! What people see of a ScaledObject at a terminal, whose status is KEDA's and has no replicas.

use kube::ResourceExt as _;
use serde_json::json;

use super::{annotated, spec, value, wait_for_hpa};
use crate::harness::Scene;
use crate::terminal::say;

#[tokio::test(flavor = "multi_thread")]
async fn target_activity_and_the_replicas_of_the_hpa_are_shown() {
    let scene = Scene::new("keda-terminal").await;
    let target = scene.podless_deployment("web", 0).await;
    value(&scene, 25.0);
    scene.operator(&[]).await;
    let web = annotated(&scene, "web", spec(&scene, "web"), json!({})).await;
    target.wait_for(1).await;
    web.wait_for("Active", "True", "ScalerActive").await;
    let knows = |hpa: &super::HorizontalPodAutoscaler| {
        hpa.status.as_ref().is_some_and(|status| status.current_replicas == Some(1))
    };
    let hpa = wait_for_hpa(&scene, "keda-hpa-web", knows).await;
    assert_eq!(hpa.name_any(), "keda-hpa-web");
    say(&scene, &["status"]).expect(
        0,
        &[
            "ScaledObject",
            "Deployment/web",
            "ScaledObjectReady",
            " 1 ",
            "Scaling is performed because triggers are active",
        ],
    );
    say(&scene, &["why", "scaledobject/web"]).expect(
        0,
        &[
            ", scales Deployment/web\n  ready: ScaledObjectReady",
            "1 replicas (1 to 100 allowed)",
            "Scaling is performed because triggers are active",
            "s0-prometheus",
            "target 10 a replica",
            "0 → 1",
        ],
    );
}
