//! An object of a kind of ours as users see it: spec, status, conditions, Events.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use testbed::wait;

use super::LIMIT;

/// All BusinessScalings.
pub(super) fn api(client: &Client) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("example.com", "v1", "BusinessScaling");
    Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&gvk, "businessscalings"))
}

/// One object.
pub(crate) struct Scaling {
    pub(crate) api: Api<DynamicObject>,
    pub(crate) name: String,
    /// Where its Events stand.
    events_in: String,
    client: Client,
}

impl Scaling {
    /// The BusinessScaling called `name`.
    pub(super) fn business(client: &Client, name: &str) -> Self {
        // Events of what has no namespace stand in `default`.
        Self {
            api: api(client),
            name: name.to_owned(),
            events_in: "default".to_owned(),
            client: client.clone(),
        }
    }

    /// The object called `name` of a namespaced kind: its API version, kind and plural.
    pub(crate) fn namespaced(client: &Client, namespace: &str, kind: (&str, &str, &str), name: &str) -> Self {
        let (api_version, kind, plural) = kind;
        let (group, version) = api_version.split_once('/').unwrap();
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        Self {
            api: Api::namespaced_with(client.clone(), namespace, &resource),
            name: name.to_owned(),
            events_in: namespace.to_owned(),
            client: client.clone(),
        }
    }

    /// What `kubectl get` prints of it, by column.
    pub(crate) async fn columns(&self) -> BTreeMap<String, Value> {
        let path = format!("{}/{}", self.api.resource_url(), self.name);
        let request = http::Request::get(path)
            .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
            .body(Vec::new())
            .unwrap();
        let table: Value = self.client.request(request).await.unwrap();
        let names = table["columnDefinitions"].as_array().unwrap();
        let cells = table["rows"][0]["cells"].as_array().unwrap();
        names
            .iter()
            .map(|column| column["name"].as_str().unwrap().to_owned())
            .zip(cells.iter().cloned())
            .collect()
    }

    /// The whole object.
    pub(crate) async fn get(&self) -> DynamicObject {
        self.api.get(&self.name).await.unwrap()
    }

    /// Its status; `Null` where there is none.
    pub(crate) async fn status(&self) -> Value {
        self.get().await.data["status"].clone()
    }

    /// Waits for a condition; gives its message.
    pub(crate) async fn wait_for(&self, type_: &str, status: &str, reason: &str) -> String {
        self.wait_within((type_, status, reason), LIMIT).await
    }

    /// The same within a time of its own.
    pub(crate) async fn wait_within(&self, wanted: (&str, &str, &str), limit: Duration) -> String {
        let (type_, status, reason) = wanted;
        let look = || async {
            let object = self.api.get(&self.name).await.map_err(|error| error.to_string())?;
            let found = condition(&object.data["status"], type_);
            if found["status"] == status && found["reason"] == reason {
                Ok(found["message"].as_str().unwrap_or_default().to_owned())
            } else {
                Err(object.data["status"].to_string())
            }
        };
        let what = format!("{type_}={status} {reason} of {}", self.name);
        wait::until(&what, limit, look).await.unwrap()
    }

    /// Waits until a field of the status has a value.
    pub(crate) async fn wait_for_field(&self, field: &str, value: impl Into<Value>) {
        let value = value.into();
        let look = || async {
            let status =
                self.api.get(&self.name).await.map_err(|error| error.to_string())?.data["status"].clone();
            if status[field] == value { Ok(()) } else { Err(status.to_string()) }
        };
        wait::until(&format!("{field}={value} in the status of {}", self.name), LIMIT, look).await.unwrap();
    }

    /// Changes the spec.
    pub(crate) async fn patch_spec(&self, spec: Value) {
        self.patch(json!({ "spec": spec })).await;
    }

    /// Sets the mode, or takes it away.
    pub(crate) async fn set_mode(&self, mode: Option<&str>) {
        self.annotate("polyscaler.dev/mode", mode).await;
    }

    /// Sets an annotation, or takes it away.
    pub(crate) async fn annotate(&self, key: &str, value: Option<&str>) {
        self.patch(json!({ "metadata": { "annotations": { key: value } } })).await;
    }

    async fn patch(&self, patch: Value) {
        self.api.patch(&self.name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    pub(crate) async fn delete(&self) {
        self.api.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }

    /// Its Events so far. They are written after all else, so whoever counts them waits for the last one
    /// that must come by [`wait_for_event`](Self::wait_for_event) first.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.events_in);
        let of_this = ListParams::default().fields(&format!("regarding.name={}", self.name));
        api.list(&of_this).await.unwrap().items
    }

    /// Waits for an Event; gives its note.
    pub(crate) async fn wait_for_event(&self, type_: &str, reason: &str, note: &str) -> String {
        let look = || async {
            let events = self.events().await;
            let reported = |event: &Event| event.note.clone().unwrap_or_default();
            let found = events.iter().find(|event| {
                event.type_.as_deref() == Some(type_)
                    && event.reason.as_deref() == Some(reason)
                    && reported(event).contains(note)
            });
            found
                .map(reported)
                .ok_or_else(|| format!("{:?}", events.iter().map(reported).collect::<Vec<_>>()))
        };
        wait::until(&format!("Event {reason} {note:?} of {}", self.name), LIMIT, look).await.unwrap()
    }
}

/// The condition of that type; `Null` where there is none.
pub(crate) fn condition<'a>(status: &'a Value, type_: &str) -> &'a Value {
    let conditions = status["conditions"].as_array();
    conditions.into_iter().flatten().find(|found| found["type"] == type_).unwrap_or(&Value::Null)
}
