//! Under the CRD of an older KEDA, which drops fields of the status that came later.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use super::*;
use crate::harness::control_plane;

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_not_kept_whole_is_not_written_again_and_again() {
    let control_plane = control_plane::start().await;
    control_plane::install_crds(&control_plane.client()).await;
    let scene = Scene::on(&control_plane, "keda-older").await;
    let crds: Api<CustomResourceDefinition> = Api::all(scene.client.clone());
    let mut crd = crds.get("scaledobjects.keda.sh").await.unwrap();
    let schema = crd.spec.versions[0].schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
    let status =
        schema.unwrap().properties.as_mut().unwrap().get_mut("status").unwrap().properties.as_mut().unwrap();
    for later in ["triggersActivity", "triggersTypes", "authenticationsTypes"] {
        status.remove(later).unwrap();
    }
    let params = kube::api::PostParams::default();
    crds.replace("scaledobjects.keda.sh", &params, &crd).await.unwrap();

    scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    let operator = scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    scaling.wait_for("Active", "True", "ScalerActive").await;
    scene.requests("/api/v1/query", 3).await;
    assert_eq!(scaling.status().await["triggersTypes"], Value::Null);
    let writes = || operator.metric("polyscaler_writes_total", &[("resource", "status")]);
    let before = writes().await;
    scene.requests("/api/v1/query", 6).await;
    assert_eq!(writes().await, before);
}
