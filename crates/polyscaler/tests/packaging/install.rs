//! Installing as users do, and then scaling with exactly the rights that came along.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use testbed::{ControlPlane, wait};

use crate::harness::{self, LIMIT, Scene};
use crate::packaging::helm::{helm_on, values_file};
use crate::packaging::kustomize::{kustomize, single_files};
use crate::packaging::manifests::{apply, wait_until_rolled_out};
use crate::packaging::pod::Pod;
use crate::packaging::read;
use crate::packaging::values::CUSTOM_VALUES;

const NAMESPACE: &str = "scaling-operator-system";

/// Runs the operator of an installed Deployment, and sees it do all that needs a right.
async fn it_works(
    control_plane: &ControlPlane,
    (namespace, name): (&str, &str),
    (lease, configuration): (&str, &str),
) {
    let scene = Scene::on(control_plane, "apps").await;
    let deployment = wait_until_rolled_out(&scene.client, namespace, name).await;
    let pod = Pod::start(control_plane, &scene.client, &deployment).await;
    pod.wait_until_probes_succeed(&deployment).await;
    crate::packaging::webhook::refuses(&scene, &pod, configuration).await;

    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let mut spec = scene.spec("web", "/users");
    spec["headersFrom"] = json!({ "secretRef": { "name": "token" } });
    let secret = json!({ "metadata": { "name": "token" }, "stringData": { "X-Key": "1" } });
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = scene.namespaced();
    secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "from 2 to 6").await;

    let leases: Api<Lease> = Api::namespaced(scene.client.clone(), namespace);
    let holder = leases.get(lease).await.unwrap().spec.unwrap().holder_identity.unwrap();
    assert!(holder.starts_with(name), "{holder} is not a pod of {name}");
    let (status, metrics) = pod.metrics("/metrics").await.unwrap();
    assert_eq!(status, 200);
    assert!(metrics.contains("polyscaler_leader 1"), "{metrics}");
    assert!(!metrics.lines().any(refused_or_failed), "{metrics}");
    let (_, activity) = pod.activity("/scaling-activity").await.unwrap();
    let activity: Vec<Value> = serde_json::from_str(&activity).unwrap();
    assert!(activity.iter().any(|action| action["name"] == scaling.name.as_str()), "{activity:?}");
    let log = pod.process.last_lines(1000);
    assert!(!log.contains("forbid"), "{log}");
    pod.end().await;
    let released = leases.get(lease).await.unwrap().spec.unwrap().holder_identity.unwrap();
    assert_eq!(released, "", "a new pod need not wait");
}

/// Whether a line of the metrics counts writes that were not done.
fn refused_or_failed(line: &str) -> bool {
    line.starts_with("polyscaler_writes_total")
        && ["refused", "failed"].iter().any(|result| line.contains(result))
        && !line.ends_with(" 0")
}

async fn crd_count(client: &kube::Client) -> usize {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let all = crds.list(&Default::default()).await.unwrap();
    all.items.iter().filter(|crd| crd.annotations().contains_key("helm.sh/resource-policy")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_installs_upgrades_and_uninstalls() {
    let control_plane = harness::start().await;
    let client = control_plane.client();
    let helm = |args: &[&str]| helm_on(&control_plane, args).unwrap();

    // As in the first of the two ways that users know.
    helm(&["install", "generalscaler", "./charts/generalscaler"]);
    let name = "generalscaler-polyscaler";
    it_works(&control_plane, ("default", name), (name, "default-generalscaler-polyscaler")).await;
    helm(&["uninstall", "generalscaler"]);
    assert!(crd_count(&client).await > 0, "objects would go with their CRDs");

    // And in the second, with values of the user's own and an upgrade. The CRDs that the first left
    // behind stay as they are.
    let set = ["replicaCount=2", "operator.logLevel=debug", "operator.activityServer.port=8082"];
    let set: Vec<&str> = set.into_iter().flat_map(|value| ["--set", value]).collect();
    let place = ["--namespace", NAMESPACE, "--create-namespace"];
    let said =
        helm(&[&["install", "scaling-operator", "./helm/scaling-operator"], &set[..], &place].concat());
    assert!(said.contains("CRD scalingrules.scaling.example.com existed already"), "{said}");
    let custom = values_file(CUSTOM_VALUES);
    let custom =
        ["--values", &custom.path().display().to_string(), "--namespace", NAMESPACE].map(str::to_owned);
    let custom: Vec<&str> = custom.iter().map(String::as_str).collect();
    helm(&[&["upgrade", "scaling-operator", "./helm/scaling-operator"], &custom[..]].concat());
    let name = "scaling-operator-polyscaler";
    let configuration = "scaling-operator-system-scaling-operator-polyscaler";
    it_works(&control_plane, (NAMESPACE, name), (name, configuration)).await;
    helm(&["uninstall", "scaling-operator", "--namespace", NAMESPACE]);
    assert!(crd_count(&client).await > 0);
    control_plane.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomizations_and_single_files_install() {
    let control_plane = harness::start().await;
    let client = control_plane.client();
    let name = "scaling-operator-controller-manager";
    apply(&client, &single_files()).await;
    it_works(&control_plane, (NAMESPACE, name), ("polyscaler", "polyscaler")).await;
    apply(
        &client,
        &crate::packaging::manifests::parse(&read("config/samples/example_v1_businessscaling.yaml")),
    )
    .await;

    apply(&client, &kustomize("config/overlays/production")).await;
    let deployment = wait_until_rolled_out(&client, NAMESPACE, name).await;
    assert_eq!(deployment.spec.as_ref().unwrap().replicas, Some(2));
    it_works(&control_plane, (NAMESPACE, name), ("polyscaler", "polyscaler")).await;
    control_plane.shutdown().await.unwrap();
}

/// A sample is a manifest that a user may apply as it is.
#[tokio::test(flavor = "multi_thread")]
async fn samples_of_known_kinds_are_taken() {
    let scene = Scene::new("samples").await;
    let mut taken = 0;
    for entry in std::fs::read_dir(crate::packaging::repository("config/samples")).unwrap() {
        let path = entry.unwrap().path();
        for object in crate::packaging::manifests::parse(&std::fs::read_to_string(&path).unwrap()) {
            let types = object.types.clone().unwrap();
            let Some(kind) = resources::find(&types.api_version, &types.kind) else { continue };
            let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
            let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
            let api: Api<DynamicObject> = match kind.scope {
                resources::Scope::Namespaced => {
                    let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
                    Api::namespaced_with(scene.client.clone(), &namespace, &resource)
                }
                resources::Scope::Cluster => Api::all_with(scene.client.clone(), &resource),
            };
            let params = PostParams { dry_run: true, ..PostParams::default() };
            let look = || async { api.create(&params, &object).await };
            wait::until(&path.display().to_string(), LIMIT, look).await.unwrap();
            taken += 1;
        }
    }
    assert!(taken > 0);
}
