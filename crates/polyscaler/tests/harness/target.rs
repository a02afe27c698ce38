//! Something that is scaled, seen through its scale subresource.

use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use testbed::wait;

use super::{LIMIT, Recorder};

/// One object with a scale subresource.
pub(crate) struct Target {
    pub(crate) api: Api<DynamicObject>,
    pub(crate) name: String,
}

impl Target {
    pub(crate) fn new(
        client: &Client,
        namespace: &str,
        (api_version, kind, plural): (&str, &str, &str),
        name: &str,
    ) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        Self { api: Api::namespaced_with(client.clone(), namespace, &resource), name: name.to_owned() }
    }

    /// The whole object.
    pub(crate) async fn get(&self) -> DynamicObject {
        self.api.get(&self.name).await.unwrap()
    }

    /// The replicas that are asked for.
    pub(crate) async fn asked(&self) -> i32 {
        self.api.get_scale(&self.name).await.unwrap().spec.unwrap().replicas.unwrap_or(0)
    }

    /// The replicas that are ready.
    pub(crate) async fn ready(&self) -> i64 {
        self.get().await.data.pointer("/status/readyReplicas").and_then(Value::as_i64).unwrap_or(0)
    }

    /// Waits until so many replicas are asked for.
    pub(crate) async fn wait_for(&self, replicas: i32) {
        self.wait_within(replicas, LIMIT).await;
    }

    /// The same within a time of its own.
    pub(crate) async fn wait_within(&self, replicas: i32, limit: Duration) {
        let look = || async {
            let scale = self.api.get_scale(&self.name).await.map_err(|error| error.to_string())?;
            let asked = scale.spec.and_then(|spec| spec.replicas).unwrap_or(0);
            if asked == replicas { Ok(()) } else { Err(format!("{asked} are asked for")) }
        };
        wait::until(&format!("{replicas} replicas of {}", self.name), limit, look).await.unwrap();
    }

    /// Waits until so many replicas, and no others, exist and are ready.
    pub(crate) async fn wait_until_ready(&self, replicas: i64) {
        let look = || async {
            let object = self.api.get(&self.name).await.map_err(|error| error.to_string())?;
            let count = |field: &str| object.data["status"][field].as_i64().unwrap_or(0);
            let (all, ready) = (count("replicas"), count("readyReplicas"));
            if all == replicas && ready == replicas { Ok(()) } else { Err(format!("{ready} of {all} ready")) }
        };
        wait::until(&format!("{replicas} ready replicas of {}", self.name), LIMIT, look).await.unwrap();
    }

    /// Asks for other replicas, as people do with `kubectl scale`.
    pub(crate) async fn set(&self, replicas: i32) {
        let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        self.api.patch_scale(&self.name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) async fn delete(&self) {
        self.api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }

    /// Records every change of the replicas that are asked for, from now on.
    pub(crate) async fn record(&self) -> Recorder {
        Recorder::start(self.api.clone(), &self.name).await
    }
}
