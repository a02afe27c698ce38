//! What is installed: the operator by the files that users apply, and the sample with a Prometheus beside it.

use anyhow::Context as _;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;
use testbed::wait;

use super::PATIENCE;

const CRDS: &str = include_str!("../../../../../deploy/crd.yaml");
const OPERATOR: &str = include_str!("../../../../../deploy/operator.yaml");
const DEPLOYMENT: &str = include_str!("../../../../../examples/http-app/deployment.yaml");
const SERVICE: &str = include_str!("../../../../../examples/http-app/service.yaml");
const PROMETHEUS: &str = include_str!("prometheus.yaml");

/// The operator, with the node's image.
pub(super) fn operator() -> anyhow::Result<Vec<DynamicObject>> {
    let mut objects = parse(CRDS, None)?;
    objects.extend(parse(OPERATOR, Some("polyscaler"))?);
    Ok(objects)
}

/// The sample with one replica, and what counts its requests.
pub(super) fn applications(namespace: &str) -> anyhow::Result<Vec<DynamicObject>> {
    let place = format!("{{ apiVersion: v1, kind: Namespace, metadata: {{ name: {namespace} }} }}");
    let mut objects = parse(&place, None)?;
    let one = DEPLOYMENT.replace("replicas: 2", "replicas: 1");
    for (text, image) in [(one.as_str(), "http-app"), (SERVICE, ""), (PROMETHEUS, "prometheus")] {
        let mut parts = parse(text, Some(image))?;
        parts.iter_mut().for_each(|object| object.metadata.namespace = Some(namespace.to_owned()));
        objects.extend(parts);
    }
    Ok(objects)
}

/// The objects of a file, where Deployments run the node's image of that name.
fn parse(text: &str, image: Option<&str>) -> anyhow::Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("a manifest is no YAML")?;
    let mut objects = Vec::new();
    for mut document in documents.into_iter().filter(|document| !document.is_null()) {
        if let (Some(image), "Deployment") = (image, document["kind"].as_str().unwrap_or_default()) {
            document["spec"]["template"]["spec"]["containers"][0]["image"] =
                format!("localhost/{image}:demo").into();
        }
        objects.push(serde_json::from_value(document)?);
    }
    Ok(objects)
}

/// Applies objects in their order.
pub(super) async fn apply(client: &Client, objects: &[DynamicObject]) -> anyhow::Result<()> {
    let params = PatchParams::apply("polyscaler-demo").force();
    for object in objects {
        let types = object.types.as_ref().context("a manifest names its kind")?;
        let kind = GroupVersionKind::try_from(types)?;
        // A CRD that was applied a moment ago is served a moment later.
        let served = || async { discovery::pinned_kind(client, &kind).await };
        let (resource, capabilities) =
            wait::until(&format!("{} to be served", types.kind), PATIENCE, served).await?;
        let api: Api<DynamicObject> = match capabilities.scope {
            Scope::Namespaced => {
                let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
                Api::namespaced_with(client.clone(), &namespace, &resource)
            }
            Scope::Cluster => Api::all_with(client.clone(), &resource),
        };
        let applied = api.patch(&object.name_any(), &params, &Patch::Apply(object)).await;
        applied.with_context(|| format!("cannot apply {} {}", types.kind, object.name_any()))?;
    }
    Ok(())
}
