//! Manifests of any kind: reading, comparing and applying them.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Api, Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;
use testbed::wait;

use crate::harness::LIMIT;

/// The longest that a rollout may take, of real containers on a busy machine too.
const ROLLED_OUT: Duration = Duration::from_secs(300);

/// All objects of a YAML stream.
pub(crate) fn parse(text: &str) -> Vec<DynamicObject> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let objects = documents.into_iter().filter(|document| !document.is_null());
    objects.map(|document| serde_json::from_value(document).unwrap()).collect()
}

pub(crate) fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| &types.kind)
}

/// Kind, namespace and name of each, in order.
pub(crate) fn names(objects: &[DynamicObject]) -> Vec<String> {
    let name = |object: &DynamicObject| {
        format!("{} {}/{}", kind(object), object.namespace().unwrap_or_default(), object.name_any())
    };
    let mut names: Vec<String> = objects.iter().map(name).collect();
    names.sort();
    names
}

/// The only object of a kind.
pub(crate) fn only<'a>(objects: &'a [DynamicObject], wanted: &str) -> &'a DynamicObject {
    let found: Vec<&DynamicObject> = objects.iter().filter(|object| kind(object) == wanted).collect();
    assert_eq!(found.len(), 1, "{wanted} among {:?}", names(objects));
    found[0]
}

/// The same as its type.
pub(crate) fn typed<K: DeserializeOwned>(object: &DynamicObject) -> K {
    serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap()
}

/// Applies objects as `kubectl apply --server-side --validate=strict` does, in their order.
pub(crate) async fn apply(client: &Client, objects: &[DynamicObject]) {
    let params = PatchParams::apply("tests").force().validation_strict();
    for object in objects {
        apply_one(client, object, &params).await;
    }
}

/// Has the API server judge objects without keeping them.
pub(crate) async fn dry_run(client: &Client, objects: &[DynamicObject]) {
    let params = PatchParams::apply("tests").force().validation_strict().dry_run();
    for object in objects {
        apply_one(client, object, &params).await;
    }
}

async fn apply_one(client: &Client, object: &DynamicObject, params: &PatchParams) {
    let types = object.types.as_ref().unwrap();
    let gvk = GroupVersionKind::try_from(types).unwrap();
    let look = || async { discovery::pinned_kind(client, &gvk).await };
    // A CRD that was applied a moment ago is served a moment later.
    let (resource, capabilities) = wait::until(&format!("{} served", types.kind), LIMIT, look).await.unwrap();
    let api: Api<DynamicObject> = match (&capabilities.scope, object.namespace()) {
        // As kubectl has it.
        (Scope::Namespaced, namespace) => {
            let namespace = namespace.unwrap_or_else(|| "default".to_owned());
            Api::namespaced_with(client.clone(), &namespace, &resource)
        }
        (Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
    };
    let applied = api.patch(&object.name_any(), params, &Patch::Apply(object)).await;
    applied.unwrap_or_else(|error| panic!("{} {}: {error}", types.kind, object.name_any()));
}

/// Waits for what `kubectl rollout status` waits for, which admission of the pods is part of: all replicas are of the
/// newest template and available, and all of an older one have gone or are ending. (A new one and an old one that are
/// both ready would do for their number alone.)
pub(crate) async fn wait_until_rolled_out(client: &Client, namespace: &str, name: &str) -> Deployment {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let look = || async {
        let found = api.get(name).await.map_err(|error| error.to_string())?;
        let wanted = found.spec.as_ref().and_then(|spec| spec.replicas);
        let status = found.status.clone().unwrap_or_default();
        let is_current = status.observed_generation == found.metadata.generation;
        let counts = [status.replicas, status.updated_replicas, status.available_replicas];
        if is_current && counts.iter().all(|count| *count == wanted) {
            Ok(found)
        } else {
            Err(serde_json::to_string(&status).unwrap())
        }
    };
    wait::until(&format!("{name} rolled out"), ROLLED_OUT, look).await.unwrap()
}
