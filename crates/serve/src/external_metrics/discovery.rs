//! What the API server asks to know which API this is.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// The API's group.
pub(super) const GROUP: &str = "external.metrics.k8s.io";
/// The API's version.
pub(super) const VERSION: &str = "v1beta1";
/// The resource that stands for all.
const RESOURCE: &str = "externalmetrics";
const KIND: &str = "ExternalMetricValueList";

/// The forms of aggregated discovery that are known, `v2` since Kubernetes 1.30 and `v2beta1` since 1.26.
const AGGREGATED: [&str; 2] = ["v2", "v2beta1"];

/// `/apis`: everything in one document where the form of aggregated discovery is asked for.
///
/// The API server asks so as one of its masters. Without such an answer it falls back to asking for each version as a user
/// without groups, to whom no cluster grants anything; then the API counts as stale, and no namespace of the cluster can be
/// deleted.
pub(super) async fn groups(headers: HeaderMap) -> Response {
    if let Some(version) = AGGREGATED.into_iter().find(|version| accepts(&headers, version)) {
        let form = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
        return ([(header::CONTENT_TYPE, form)], aggregated(version).to_string()).into_response();
    }
    Json(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group_without_kind()] }))
        .into_response()
}

/// Whether a list of groups in this version of aggregated discovery is welcome.
fn accepts(headers: &HeaderMap, version: &str) -> bool {
    let wanted =
        ["application/json", "g=apidiscovery.k8s.io", &format!("v={version}"), "as=APIGroupDiscoveryList"];
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_wanted = |range: &str| {
        let parts: Vec<&str> = range.split(';').map(str::trim).collect();
        wanted.iter().all(|part| parts.contains(part))
    };
    values.flat_map(|value| value.split(',')).any(is_wanted)
}

fn aggregated(version: &str) -> Value {
    let resource = json!({
        "resource": RESOURCE, "singularResource": "", "scope": "Namespaced", "verbs": ["get"],
        "responseKind": { "group": "", "version": "", "kind": KIND },
    });
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {},
        "items": [{
            "metadata": { "name": GROUP },
            "versions": [{ "version": VERSION, "freshness": "Current", "resources": [resource] }],
        }],
    })
}

/// `/apis/external.metrics.k8s.io`.
pub(super) async fn group() -> Json<Value> {
    let mut group = group_without_kind();
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Json(group)
}

fn group_without_kind() -> Value {
    let version = json!({ "groupVersion": format!("{GROUP}/{VERSION}"), "version": VERSION });
    json!({ "name": GROUP, "versions": [version], "preferredVersion": version })
}

/// `/apis/external.metrics.k8s.io/v1beta1`: one resource that stands for all, as metrics come and go, and a client that
/// kept a list of them would miss the new ones.
pub(super) async fn resources() -> Json<Value> {
    Json(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": format!("{GROUP}/{VERSION}"),
        "resources": [{
            "name": RESOURCE, "singularName": "", "namespaced": true, "kind": KIND, "verbs": ["get"],
        }],
    }))
}

/// `/openapi/v2`: that nothing is described, which the API server would else ask for again and again.
pub(super) async fn openapi_v2() -> Json<Value> {
    let info = json!({ "title": "polyscaler", "version": env!("CARGO_PKG_VERSION") });
    Json(json!({ "swagger": "2.0", "info": info, "paths": {} }))
}

/// `/openapi/v3`.
pub(super) async fn openapi_v3() -> Json<Value> {
    Json(json!({ "paths": {} }))
}
