//! What the API server asks to know which API this is.

use axum::Json;
use serde_json::{Value, json};

/// The API's group.
pub(super) const GROUP: &str = "external.metrics.k8s.io";
/// The API's version.
pub(super) const VERSION: &str = "v1beta1";

/// `/apis`.
pub(super) async fn groups() -> Json<Value> {
    Json(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group_without_kind()] }))
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
            "name": "externalmetrics", "singularName": "", "namespaced": true,
            "kind": "ExternalMetricValueList", "verbs": ["get"],
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
