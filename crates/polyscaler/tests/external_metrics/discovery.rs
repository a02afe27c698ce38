//! What the API server knows of the API, and what it takes the cluster for by that.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use testbed::wait;

use super::MetricsApi;
use crate::harness::LIMIT;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Before the API server has read what an aggregated API offers, it does not know what a namespace may hold, and deletes
/// none.
#[tokio::test(flavor = "multi_thread")]
async fn namespaces_can_be_deleted_while_it_is_served() {
    let api = MetricsApi::begin("discovery").await;
    let _operator = api.operator(&api.port, &[]).await;
    api.leads_to(&api.port).await;
    let freshness = || async {
        let request = http::Request::get("/apis").header("accept", AGGREGATED).body(Vec::new()).unwrap();
        let groups: Value = api.scene.client.request(request).await.unwrap();
        let mut groups = groups["items"].as_array().unwrap().iter();
        let group = groups.find(|group| group["metadata"]["name"] == "external.metrics.k8s.io");
        let version = group.ok_or("the group is not there")?["versions"][0].clone();
        let resource = json!(version["resources"][0]["resource"]);
        match (version["freshness"].as_str(), resource.as_str()) {
            (Some("Current"), Some("externalmetrics")) => Ok(()),
            _ => Err(version.to_string()),
        }
    };
    wait::until("the API server knows it", LIMIT, freshness).await.unwrap();

    let namespaces: Api<Namespace> = Api::all(api.scene.client.clone());
    let name = format!("{}-gone", api.scene.namespace);
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    namespaces.delete(&name, &DeleteParams::default()).await.unwrap();
    let is_gone = || async {
        match namespaces.get_opt(&name).await.unwrap() {
            None => Ok(()),
            Some(namespace) => Err(format!("{:?}", namespace.status)),
        }
    };
    wait::until("the namespace is gone", LIMIT, is_gone).await.unwrap();
}
