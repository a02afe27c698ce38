//! Workloads and the LimitRanges of their namespaces, for whoever judges what objects need of them. Each is asked for when
//! it is needed: that is seldom, and no watch of them is kept.

use std::time::Duration;

use engine::Target;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::LimitRange;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use runner::Workloads;
use serde_json::Value;

use crate::Clients;
use crate::connect::no_answer;
use crate::refusal::{Asked, Cause, Refusals};

/// Reads workloads from the API server.
pub struct WorkloadStore {
    client: Client,
    timeout: Duration,
    refusals: Refusals,
}

impl WorkloadStore {
    /// By the rights of `clients`.
    pub fn new(clients: &Clients) -> Self {
        let Clients { write: client, timeout, .. } = clients.clone();
        Self { client, timeout, refusals: Refusals::new(clients) }
    }

    /// The Deployment or StatefulSet `target`; `None` where there is none.
    async fn read(&self, target: &Target) -> Result<Option<Value>, String> {
        let (group, version) = target.api_version.split_once('/').unwrap_or(("", &target.api_version));
        let gvk = GroupVersionKind::gvk(group, version, &target.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, &format!("{}s", target.kind.to_lowercase()));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &target.namespace, &resource);
        let asked = Asked::of(&resource, &target.namespace, &target.name).to("get", "");
        let found = self.answer(&asked, api.get_opt(&target.name)).await?;
        Ok(found.map(|object| object.data))
    }

    /// The LimitRanges of a namespace.
    async fn list(&self, namespace: &str) -> Result<Vec<Value>, String> {
        let api: Api<LimitRange> = Api::namespaced(self.client.clone(), namespace);
        let resource = ApiResource::erase::<LimitRange>(&());
        let asked = Asked::of(&resource, namespace, "").to("list", "");
        let params = ListParams::default();
        let found = self.answer(&asked, async { api.list(&params).await.map(Some) }).await?;
        let ranges = found.into_iter().flatten();
        Ok(ranges.map(|range| serde_json::to_value(range).unwrap_or_default()).collect())
    }

    /// What the API server answers within the time; nothing where what was asked for does not exist.
    async fn answer<T>(
        &self,
        asked: &Asked,
        answer: impl Future<Output = kube::Result<Option<T>>>,
    ) -> Result<Option<T>, String> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let refusal = self.refusals.explain(asked, &error).await;
                if refusal.cause == Some(Cause::NotFound) { Ok(None) } else { Err(refusal.message) }
            }
            Err(_) => Err(no_answer(self.timeout)),
        }
    }
}

impl Workloads for WorkloadStore {
    fn workload<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<Value>, String>> {
        self.read(target).boxed()
    }

    fn limit_ranges<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>> {
        self.list(namespace).boxed()
    }
}
