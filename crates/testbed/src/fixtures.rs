//! Small objects that nearly every test needs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{
    Container, Namespace, PodSpec, PodTemplateSpec, ResourceRequirements, ServiceAccount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::wait;

/// On a pod template: how long its pods take from being scheduled to being Ready.
pub const READY_DELAY: &str = "testbed.polyscaler.dev/ready-delay";

/// Never pulled: the nodes are not real.
const IMAGE: &str = "registry.k8s.io/pause:3.10";

/// A Deployment whose pods are Ready as soon as they are scheduled. Its pods carry the label `app=<name>`.
#[must_use]
pub fn deployment(name: &str, namespace: &str, replicas: i32) -> Deployment {
    let labels = BTreeMap::from([("app".to_owned(), name.to_owned())]);
    let requests = BTreeMap::from(
        [("cpu", "1m"), ("memory", "1Mi")].map(|(key, value)| (key.to_owned(), Quantity(value.to_owned()))),
    );
    let container = Container {
        name: "app".to_owned(),
        image: Some(IMAGE.to_owned()),
        resources: Some(ResourceRequirements { requests: Some(requests), ..Default::default() }),
        ..Default::default()
    };
    let pod = PodSpec { containers: vec![container], ..Default::default() };
    Deployment {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..Default::default()
        },
        spec: Some(DeploymentSpec {
            replicas: Some(replicas),
            selector: LabelSelector { match_labels: Some(labels.clone()), ..Default::default() },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels), ..Default::default() }),
                spec: Some(pod),
            },
            ..Default::default()
        }),
        status: None,
    }
}

/// The same Deployment, with pods that take `delay` to become Ready.
#[must_use]
pub fn with_ready_delay(mut deployment: Deployment, delay: Duration) -> Deployment {
    if let Some(spec) = deployment.spec.as_mut() {
        let metadata = spec.template.metadata.get_or_insert_default();
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(READY_DELAY.to_owned(), format!("{}ms", delay.as_millis()));
    }
    deployment
}

/// Creates a namespace that no other test has, and waits until pods can be made in it.
pub async fn create_namespace(client: &Client, prefix: &str) -> anyhow::Result<String> {
    let name = format!("{prefix}-{:010x}", crate::ports::random_u64() & 0xff_ffff_ffff);
    let metadata = ObjectMeta { name: Some(name.clone()), ..Default::default() };
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &Namespace { metadata, ..Default::default() })
        .await
        .with_context(|| format!("cannot create namespace {name}"))?;
    wait_for_default_account(client, &name).await?;
    Ok(name)
}

/// Pods are refused until the controller manager has made the namespace's default service account.
pub(crate) async fn wait_for_default_account(client: &Client, namespace: &str) -> anyhow::Result<()> {
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    wait::until(
        &format!("service account default in namespace {namespace}"),
        Duration::from_secs(120),
        || async { accounts.get("default").await },
    )
    .await?;
    Ok(())
}
