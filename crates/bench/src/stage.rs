//! A control plane with our CRDs, and objects made in it many at a time.

use std::time::Duration;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use testbed::{ControlPlane, Options, fixtures, wait};

/// The longest that any single thing may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Objects that are created at the same time.
const AT_ONCE: usize = 16;

/// The application with this number.
#[must_use]
pub fn name(index: usize) -> String {
    format!("app-{index}")
}

/// A control plane with our CRDs.
pub struct Stage {
    /// The control plane itself.
    pub control_plane: ControlPlane,
    /// An administrator's client.
    pub client: Client,
}

impl Stage {
    /// Starts one whose API server is not what limits the operator, with further flags for its controller manager.
    pub async fn start(controller_manager_args: &[&str]) -> anyhow::Result<Self> {
        let control_plane = ControlPlane::start(Options {
            api_server_args: vec![
                "--max-requests-inflight=2000".to_owned(),
                "--max-mutating-requests-inflight=1000".to_owned(),
            ],
            controller_manager_args: controller_manager_args.iter().map(ToString::to_string).collect(),
            ..Options::default()
        })
        .await?;
        let client = control_plane.client();
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        for (_, crd) in resources::crds(&engine::POLICIES) {
            crds.create(&PostParams::default(), &crd).await?;
        }
        Ok(Self { control_plane, client })
    }

    /// Takes the controllers away: what is scaled then has no pods, whose making would take more of the machine than the
    /// operator.
    pub async fn without_controllers(&self) -> anyhow::Result<()> {
        for program in ["kwok", "kube-scheduler", "kube-controller-manager"] {
            self.control_plane.supervisor().kill(program).await?;
        }
        Ok(())
    }

    /// Creates Deployments without pods, or with so many replicas each, named as [`name`] does.
    pub async fn deployments(&self, count: usize, replicas: i32) -> anyhow::Result<()> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), "default");
        let made = futures::stream::iter(0..count).map(|index| {
            let api = api.clone();
            async move {
                let deployment = fixtures::deployment(&name(index), "default", replicas);
                api.create(&PostParams::default(), &deployment).await.map(drop)
            }
        });
        Ok(made.buffer_unordered(AT_ONCE).try_collect().await?)
    }

    /// Creates objects of one kind, once that is served.
    pub async fn create(&self, objects: Vec<DynamicObject>) -> anyhow::Result<()> {
        let Some(first) = objects.first() else { return Ok(()) };
        let api = self.api(first)?;
        wait::until("the CRD to be served", PATIENCE, || async { api.list(&Default::default()).await })
            .await?;
        let made = futures::stream::iter(objects).map(|object| {
            let api = api.clone();
            async move { api.create(&PostParams::default(), &object).await.map(drop) }
        });
        Ok(made.buffer_unordered(AT_ONCE).try_collect().await?)
    }

    /// Where objects like this one are.
    pub fn api(&self, object: &DynamicObject) -> anyhow::Result<Api<DynamicObject>> {
        let types = object.types.as_ref().context("an object has a kind")?;
        let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(types)?);
        Ok(match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        })
    }

    /// Ends everything, operators first.
    pub async fn end(self) -> anyhow::Result<()> {
        self.control_plane.shutdown().await
    }
}
