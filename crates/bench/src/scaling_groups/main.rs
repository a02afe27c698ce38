//! Holds one ScalingGroup of seven services against seven independent scalers, on the same load
//! at the same time.
//!
//! `bench/groups.sh` builds the operator and calls this.

mod table;

use std::time::Duration;

use anyhow::{Context as _, bail};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;
use testbed::teastore::{self, Site};
use testbed::{ControlPlane, Options, fixtures, wait};

use table::{Step, Table};

/// The longest that any single thing may take to appear.
const PATIENCE: Duration = Duration::from_secs(180);

/// Calls a second at the entry, one step after the other; the first is where all begins.
const LOADS: [f64; 7] = [100.0, 300.0, 800.0, 400.0, 900.0, 200.0, 600.0];

struct Arguments {
    program: String,
    interval: u32,
    /// How long each load stays.
    step: Duration,
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [program, interval, step] = words.as_slice() else {
            bail!("usage: scaling-groups PROGRAM INTERVAL SECONDS");
        };
        Ok(Self {
            program: program.clone(),
            interval: interval.parse().context("INTERVAL")?,
            step: Duration::from_secs(step.parse().context("SECONDS")?),
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse()?;
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client();
    install_crds(&client).await?;
    let (group, independent) =
        tokio::try_join!(site(&client, "group", &arguments), site(&client, "independent", &arguments))?;
    create(&client, vec![teastore::scaling_group(&group.0, &group.1.url(), arguments.interval)]).await?;
    let scalers = teastore::general_scalers(&independent.0, &independent.1.url(), arguments.interval);
    create(&client, scalers).await?;

    let operator = [
        "operator".to_owned(),
        format!("--kubeconfig={}", control_plane.kubeconfig().display()),
        "--metrics-address=off".to_owned(),
        "--health-address=off".to_owned(),
        "--activity-address=off".to_owned(),
        "--leader-elect=false".to_owned(),
    ];
    control_plane.supervisor().spawn("operator", &arguments.program, operator, &[("LOG_LEVEL", "warn")])?;
    for (namespace, kind) in [(&group.0, GROUP), (&independent.0, SCALER)] {
        wait_until_ready(&client, namespace, kind).await?;
    }
    let table = measure(&group.1, &independent.1, arguments.step).await?;
    println!("{table}");
    control_plane.shutdown().await
}

const GROUP: (&str, &str) = ("polyscaler.dev/v1alpha1", "ScalingGroup");
const SCALER: (&str, &str) = ("autoscaling.example.com/v1", "GeneralScaler");

/// A namespace with the application, ready for the first load.
async fn site(client: &Client, prefix: &str, arguments: &Arguments) -> anyhow::Result<(String, Site)> {
    let namespace = fixtures::create_namespace(client, prefix).await?;
    let interval = Duration::from_secs(u64::from(arguments.interval));
    let ready_after = |service: &teastore::Service| service.ready_after;
    let site = Site::open(client.clone(), &namespace, LOADS[0], interval, ready_after).await?;
    Ok((namespace, site))
}

/// Takes both through the steps of the load.
async fn measure(group: &Site, independent: &Site, length: Duration) -> anyhow::Result<Table> {
    let mut steps = Vec::new();
    for pair in LOADS.windows(2) {
        let begun = (group.set_load(pair[1]), independent.set_load(pair[1]));
        eprintln!("{} to {} calls a second", pair[0], pair[1]);
        tokio::time::sleep(length).await;
        steps.push(Step {
            from: pair[0],
            to: pair[1],
            length,
            group: group.figures(begun.0, group.now()),
            independent: independent.figures(begun.1, independent.now()),
        });
        // What was not seen cannot be judged.
        for site in [group, independent] {
            site.pods().await?;
        }
    }
    Ok(Table { steps })
}

async fn install_crds(client: &Client) -> anyhow::Result<()> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for kind in resources::KINDS {
        crds.create(&PostParams::default(), &kind.crd(&engine::POLICIES)).await?;
    }
    for (api_version, kind) in [GROUP, SCALER] {
        let api = objects(client, "default", (api_version, kind))?;
        let look = || async { api.list(&ListParams::default()).await };
        wait::until(&format!("{kind} to be served"), PATIENCE, look).await?;
    }
    Ok(())
}

async fn create(client: &Client, manifests: Vec<Value>) -> anyhow::Result<()> {
    for manifest in manifests {
        let object: DynamicObject = serde_json::from_value(manifest)?;
        let types = object.types.clone().context("an object has a kind")?;
        let namespace = object.metadata.namespace.clone().context("and a namespace")?;
        let api = objects(client, &namespace, (&types.api_version, &types.kind))?;
        api.create(&PostParams::default(), &object).await?;
    }
    Ok(())
}

/// Waits until every object of the kind has been polled, and all is well with it.
async fn wait_until_ready(client: &Client, namespace: &str, kind: (&str, &str)) -> anyhow::Result<()> {
    let api = objects(client, namespace, kind)?;
    let look = || async {
        let listed = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let waiting = listed.items.iter().find(|object| !is_ready(object));
        waiting.map_or(Ok(()), |object| Err(object.data["status"].to_string()))
    };
    wait::until(&format!("{} to be polled", kind.1), PATIENCE, look).await
}

fn is_ready(object: &DynamicObject) -> bool {
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|found| found["type"] == "Ready" && found["status"] == "True")
}

fn objects(
    client: &Client,
    namespace: &str,
    (api_version, kind): (&str, &str),
) -> anyhow::Result<Api<DynamicObject>> {
    let kind = resources::find(api_version, kind).context("a kind of ours")?;
    let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
    Ok(Api::namespaced_with(client.clone(), namespace, &resource))
}
