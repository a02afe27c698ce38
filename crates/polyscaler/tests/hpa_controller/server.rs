//! metrics.k8s.io and external.metrics.k8s.io, which note what they are asked and answer.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::notes::Notes;
use super::recorded::Amounts;

pub(super) const RESOURCES: (&str, &str) = ("metrics.k8s.io", "v1beta1");
pub(super) const EXTERNAL: (&str, &str) = ("external.metrics.k8s.io", "v1beta1");

/// The notes by the namespace of the HPA.
pub(super) type All = Arc<HashMap<String, Notes>>;

pub(super) fn router(all: All) -> Router {
    Router::new()
        .route("/apis/metrics.k8s.io/v1beta1", get(|| discovery(RESOURCES, "pods", "PodMetrics")))
        .route(
            "/apis/external.metrics.k8s.io/v1beta1",
            get(|| discovery(EXTERNAL, "load", "ExternalMetricValueList")),
        )
        .route("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", get(pods))
        .route("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", get(external))
        .with_state(all)
}

async fn discovery((group, version): (&str, &str), name: &str, kind: &str) -> Json<Value> {
    Json(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"),
        "resources": [{ "name": name, "singularName": "", "kind": kind, "namespaced": true, "verbs": ["get", "list"] }],
    }))
}

async fn pods(State(all): State<All>, Path(namespace): Path<String>) -> Response {
    let Some(notes) = all.get(&namespace) else { return StatusCode::NOT_FOUND.into_response() };
    let mut book = notes.lock();
    let Some(measured) = book.sync() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let usage = |amounts: &Amounts| {
        json!({ "name": amounts.container, "usage": {
            "cpu": format!("{}m", amounts.cpu.unwrap_or_default()),
            "memory": format!("{}", amounts.memory.unwrap_or_default() / 1000),
        } })
    };
    let items: Vec<Value> = measured
        .iter()
        .map(|(name, used)| {
            json!({
                "metadata": { "name": name, "namespace": namespace },
                "timestamp": book.timestamp(used.at),
                "window": format!("{}s", used.window),
                "containers": used.containers.iter().map(usage).collect::<Vec<_>>(),
            })
        })
        .collect();
    let list = json!({ "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items });
    Json(list).into_response()
}

async fn external(State(all): State<All>, Path((namespace, metric)): Path<(String, String)>) -> Response {
    let Some(notes) = all.get(&namespace) else { return StatusCode::NOT_FOUND.into_response() };
    let mut book = notes.lock();
    let Some(milli) = book.external() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let value = json!({ "metricName": metric, "metricLabels": {}, "timestamp": book.timestamp(book.now()),
                        "value": format!("{milli}m") });
    Json(json!({ "kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": {},
                 "items": [value] }))
    .into_response()
}
