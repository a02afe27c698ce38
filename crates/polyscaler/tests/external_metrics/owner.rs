//! Whose the APIService is.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use testbed::wait;

use super::{MetricsApi, NAME, ROOT, SERVICE};
use crate::harness::LIMIT;
use crate::packaging::manifests::apply;

const TAKEN: &str = "polyscaler_external_metrics_api_taken";

#[tokio::test(flavor = "multi_thread")]
async fn contract_5_it_is_registered_and_called() {
    let api = MetricsApi::begin("metrics").await;
    let operator = api.operator(&api.port, &[]).await;
    let created = api.registered().await;
    assert_eq!(created.labels()["app.kubernetes.io/managed-by"], "polyscaler");
    let spec = created.spec.unwrap();
    let service = spec.service.unwrap();
    assert_eq!(service.namespace.as_deref(), Some(api.scene.namespace.as_str()));
    assert_eq!((service.name.as_deref(), service.port), (Some(SERVICE), Some(443)));
    assert_eq!((spec.group_priority_minimum, spec.version_priority), (100, 100));
    assert!(spec.ca_bundle.is_some_and(|bundle| bundle.0.starts_with(b"-----BEGIN CERTIFICATE-----")));
    assert_eq!(operator.metric(TAKEN, &[]).await, 0.0);

    api.leads_to(&api.port).await;
    let resources = api.get(ROOT).await.unwrap();
    assert_eq!(resources["resources"][0]["name"], "externalmetrics");
    let groups = api.get("/apis").await.unwrap();
    let groups = groups["groups"].as_array().unwrap();
    assert!(groups.iter().any(|group| group["name"] == "external.metrics.k8s.io"));

    let namespace = &api.scene.namespace;
    let unknown = format!("ScaledObject {namespace}/web does not exist, or has not been polled yet");
    assert_eq!(api.why_not(&api.path("web", "s0-prometheus")).await, (500, unknown));
    let path = format!("{ROOT}/namespaces/{namespace}/s0-prometheus");
    assert_eq!(api.why_not(&path).await, (500, "scaledObject name is not specified".to_owned()));
    // What is written once need not be written again.
    let writes = operator.writes("apiservice", "done").await;
    assert_eq!(writes, 1.0, "{}", operator.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_somebody_else_is_left_alone_until_it_is_gone() {
    let api = MetricsApi::begin("metrics").await;
    let other = json!({
        "metadata": { "name": NAME },
        "spec": {
            "group": "external.metrics.k8s.io", "version": "v1beta1",
            "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
            "service": { "name": "keda-metrics-apiserver", "namespace": "keda" },
        },
    });
    let other = serde_json::from_value(other).unwrap();
    let other = api.api.create(&PostParams::default(), &other).await.unwrap();
    let operator = api.operator(&api.port, &[]).await;
    operator.wait_until_metric(TAKEN, &[], 1.0).await;
    operator.wait_for_lines("Service keda/keda-metrics-apiserver", 1).await;
    assert!(operator.log().contains("polyscaler.dev/actuation: direct"), "{}", operator.log());
    let found = api.found().await.unwrap();
    assert_eq!((&found.metadata.uid, &found.spec), (&other.metadata.uid, &other.spec));
    assert_eq!(operator.writes("apiservice", "done").await, 0.0);

    api.api.delete(NAME, &DeleteParams::default()).await.unwrap();
    operator.wait_until_metric(TAKEN, &[], 0.0).await;
    operator.wait_for_writes("apiservice", "done", 1.0).await;
    api.leads_to(&api.port).await;
}

/// One that nobody serves any more would keep namespaces from being deleted.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_with_the_role_of_the_installation() {
    let api = MetricsApi::begin("metrics").await;
    let name = api.scene.namespace.as_str();
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": name }, "rules": [] });
    apply(&api.scene.client, &[serde_json::from_value(role).unwrap()]).await;
    let operator = api.operator(&api.port, &[&format!("--external-metrics-owner={name}")]).await;
    let created = api.registered().await;
    let owner = &created.metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.name.as_str()), ("ClusterRole", name));
    operator.kill().await;
    let roles: Api<ClusterRole> = Api::all(api.scene.client.clone());
    roles.delete(name, &DeleteParams::default()).await.unwrap();
    let look = || async { api.found().await.is_none().then_some(()) };
    wait::until("it is gone, too", LIMIT, look).await.unwrap();
}

/// Whoever keeps it by their own means switches that off.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_only_looked_at_where_that_is_wanted() {
    let api = MetricsApi::begin("metrics").await;
    let operator = api.operator(&api.port, &["--external-metrics-api-service=false"]).await;
    let own = json!({
        "metadata": { "name": NAME, "annotations": { "argocd.argoproj.io/tracking-id": "shop" } },
        "spec": {
            "group": "external.metrics.k8s.io", "version": "v1beta1",
            "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
            "service": { "name": SERVICE, "namespace": api.scene.namespace, "port": api.port.port() },
        },
    });
    // Two looks go by.
    operator.wait_for_lines("certificate in use", 1).await;
    assert!(api.found().await.is_none());
    let own = serde_json::from_value(own).unwrap();
    let own = api.api.create(&PostParams::default(), &own).await.unwrap();
    api.leads_to(&api.port).await;
    let look = || async {
        let log = operator.log();
        if log.contains("the external metrics API of the cluster is served here") { Ok(()) } else { Err(log) }
    };
    wait::until("it is seen", LIMIT, look).await.unwrap();
    assert_eq!(api.found().await.unwrap().spec, own.spec);
    assert_eq!(operator.writes("apiservice", "done").await, 0.0);
}
