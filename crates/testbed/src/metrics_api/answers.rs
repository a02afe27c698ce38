//! What is answered: discovery, and lists of measurements of the pods that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};

use super::{App, Book, Booked, Load};

/// The time that measurements are said to be taken over. Short, as pods count only once they were
/// ready for so long.
const WINDOW: &str = "1s";

/// What it takes to answer.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) client: Client,
    pub(super) book: Arc<Mutex<Book>>,
}

pub(super) fn router(asked: Asked) -> Router {
    let api = "/apis/metrics.k8s.io/v1beta1";
    Router::new()
        .route(api, get(discovery))
        .route(&format!("{api}/nodes"), get(nodes))
        .route(&format!("{api}/pods"), get(all_pods))
        .route(&format!("{api}/namespaces/{{namespace}}/pods"), get(pods))
        .layer(middleware::from_fn(only_on_behalf_of_someone))
        .with_state(asked)
}

/// The front proxy says for whom it asks.
async fn only_on_behalf_of_someone(request: Request, next: Next) -> Response {
    if request.headers().contains_key("x-remote-user") {
        return next.run(request).await;
    }
    StatusCode::UNAUTHORIZED.into_response()
}

async fn discovery() -> Json<Value> {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({ "name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": ["get", "list"] });
    Json(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "metrics.k8s.io/v1beta1",
        "resources": [resource("nodes", "NodeMetrics", false), resource("pods", "PodMetrics", true)],
    }))
}

type Params = Query<BTreeMap<String, String>>;

async fn all_pods(State(asked): State<Asked>, Query(params): Params) -> Response {
    let of_all = Api::all(asked.client.clone());
    answer("PodMetricsList", asked.pods(of_all, &params).await)
}

async fn pods(State(asked): State<Asked>, Path(namespace): Path<String>, Query(params): Params) -> Response {
    let of_namespace = Api::namespaced(asked.client.clone(), &namespace);
    answer("PodMetricsList", asked.pods(of_namespace, &params).await)
}

async fn nodes(State(asked): State<Asked>, Query(params): Params) -> Response {
    answer("NodeMetricsList", asked.nodes(&params).await)
}

fn answer(kind: &str, items: kube::Result<Vec<Value>>) -> Response {
    match items {
        Ok(items) => {
            let list = json!({ "kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items });
            Json(list).into_response()
        }
        Err(kube::Error::Api(status)) => {
            let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (code, Json(*status)).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn selected(params: &BTreeMap<String, String>) -> ListParams {
    match params.get("labelSelector").filter(|selector| !selector.is_empty()) {
        Some(selector) => ListParams::default().labels(selector),
        None => ListParams::default(),
    }
}

impl Asked {
    async fn pods(&self, api: Api<Pod>, params: &BTreeMap<String, String>) -> kube::Result<Vec<Value>> {
        let selected = api.list_metadata(&selected(params)).await?.items;
        let selected: BTreeSet<_> = selected.iter().map(|pod| (pod.namespace(), pod.name_any())).collect();
        // One list for the parts and for those that have them, so that they add up.
        let running = running(&api).await?;
        let parts = self.parts(&running);
        let measured = running.iter().filter(|pod| selected.contains(&(pod.namespace(), pod.name_any())));
        Ok(measured.filter_map(|pod| Some(measurement(pod, *parts.get(&app(pod)?)?))).collect())
    }

    async fn nodes(&self, params: &BTreeMap<String, String>) -> kube::Result<Vec<Value>> {
        let nodes = Api::<Node>::all(self.client.clone()).list(&selected(params)).await?.items;
        let running = running(&Api::all(self.client.clone())).await?;
        let parts = self.parts(&running);
        let measured = nodes.into_iter().map(|node| {
            let name = node.name_any();
            let is_here =
                |pod: &&Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()) == Some(&name);
            let used = running.iter().filter(is_here).filter_map(|pod| parts.get(&app(pod)?));
            let sum = used.fold(Load { cpu: 0.0, memory: 0.0 }, |sum, part| Load {
                cpu: sum.cpu + part.cpu,
                memory: sum.memory + part.memory,
            });
            json!({
                "metadata": { "name": name }, "timestamp": now(), "window": WINDOW, "usage": usage(sum, 1),
            })
        });
        Ok(measured.collect())
    }

    /// What one pod of each application uses.
    fn parts(&self, running: &[Pod]) -> BTreeMap<App, Load> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let part = |of: &App, booked: Booked| match booked {
            Booked::Each(load) => load,
            Booked::Shared(load) => {
                let sharing = running.iter().filter(|pod| app(pod).as_ref() == Some(of)).count();
                let sharing = sharing.max(1) as f64;
                Load { cpu: load.cpu / sharing, memory: load.memory / sharing }
            }
        };
        book.loads.iter().map(|(app, booked)| (app.clone(), part(app, *booked))).collect()
    }
}

/// The pods that could use something. Those that wait to be scheduled are not even listed: there may be thousands.
async fn running(api: &Api<Pod>) -> kube::Result<Vec<Pod>> {
    let mut pods = api.list(&ListParams::default().fields("status.phase=Running")).await?.items;
    pods.retain(is_running);
    Ok(pods)
}

fn is_running(pod: &Pod) -> bool {
    let is_running = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
    is_running && pod.metadata.deletion_timestamp.is_none()
}

fn app(pod: &Pod) -> Option<App> {
    Some((pod.namespace()?, pod.labels().get("app")?.clone()))
}

fn measurement(pod: &Pod, load: Load) -> Value {
    let names: Vec<&str> =
        pod.spec.iter().flat_map(|spec| &spec.containers).map(|container| container.name.as_str()).collect();
    let containers: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "usage": usage(load, names.len()) })).collect();
    json!({
        "metadata": { "name": pod.name_any(), "namespace": pod.namespace(), "labels": pod.labels() },
        "timestamp": now(),
        "window": WINDOW,
        "containers": containers,
    })
}

/// One of so many parts of a load, in the units that metrics-server writes.
fn usage(load: Load, parts: usize) -> Value {
    let parts = parts.max(1) as f64;
    let (nanocores, kibibytes) = (load.cpu * 1e9 / parts, load.memory / 1024.0 / parts);
    json!({ "cpu": format!("{nanocores:.0}n"), "memory": format!("{kibibytes:.0}Ki") })
}

#[expect(clippy::disallowed_methods, reason = "measurements carry the time at which they are asked for")]
fn now() -> String {
    Timestamp::now().to_string()
}
