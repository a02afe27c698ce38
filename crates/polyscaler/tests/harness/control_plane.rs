//! The control planes that tests share, or one of a test's own.

use std::process::Command;
use std::sync::OnceLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};
use testbed::{ControlPlane, Options, wait};
use tokio::runtime::Runtime;

use super::{LIMIT, POLYSCALER};

/// A control plane that has nothing of ours yet.
pub(crate) async fn start() -> ControlPlane {
    ControlPlane::start(Options { nodes: 2, ..Options::default() }).await.unwrap()
}

/// One with the CRDs that lets nobody own what is to go before its owner who may not change the owner's finalizers, as on
/// OpenShift.
pub(crate) async fn start_enforcing_owners() -> ControlPlane {
    let api_server_args = vec!["--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned()];
    let control_plane =
        ControlPlane::start(Options { nodes: 0, api_server_args, ..Options::default() }).await.unwrap();
    install_crds(&control_plane.client()).await;
    control_plane
}

/// The one that tests share, with the CRDs. It lives on a runtime of its own, as that of a test ends with
/// the test.
pub(crate) fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<(Runtime, ControlPlane)> = OnceLock::new();
    &SHARED.get_or_init(|| begin(true)).1
}

/// The same without the CRDs.
pub(crate) fn shared_without_crds() -> &'static ControlPlane {
    static SHARED: OnceLock<(Runtime, ControlPlane)> = OnceLock::new();
    &SHARED.get_or_init(|| begin(false)).1
}

/// The one for tests about an API that a cluster has once, with the CRDs: such tests go one after the other.
pub(crate) fn shared_for_apis() -> &'static ControlPlane {
    static SHARED: OnceLock<(Runtime, ControlPlane)> = OnceLock::new();
    // Without waiting for HPAs for longer than need be.
    let args = vec!["--horizontal-pod-autoscaler-sync-period=1s".to_owned()];
    &SHARED.get_or_init(|| begin_with(true, args)).1
}

fn begin(with_crds: bool) -> (Runtime, ControlPlane) {
    begin_with(with_crds, Vec::new())
}

fn begin_with(with_crds: bool, controller_manager_args: Vec<String>) -> (Runtime, ControlPlane) {
    let begin = move || {
        let runtime = Runtime::new().unwrap();
        let control_plane = runtime.block_on(async {
            let options = Options { nodes: 2, controller_manager_args, ..Options::default() };
            let control_plane = ControlPlane::start(options).await.unwrap();
            if with_crds {
                install_crds(&control_plane.client()).await;
            }
            control_plane
        });
        (runtime, control_plane)
    };
    // A thread that runs a test may not block on another runtime.
    std::thread::spawn(begin).join().unwrap()
}

/// A client for the runtime that calls this.
pub(crate) async fn client(control_plane: &ControlPlane) -> Client {
    let kubeconfig = Kubeconfig::read_from(control_plane.kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.proxy_url = None;
    Client::try_from(config).unwrap()
}

/// Installs what `polyscaler crds` prints, and waits until the API server serves it.
pub(crate) async fn install_crds(client: &Client) {
    let printed = Command::new(POLYSCALER).arg("crds").output().unwrap();
    let crds: Vec<CustomResourceDefinition> =
        serde_saphyr::from_multiple(&String::from_utf8(printed.stdout).unwrap()).unwrap();
    for crd in crds {
        install_crd(client, &crd).await;
    }
}

/// Installs one CRD, or replaces it, and waits until the API server serves it.
pub(crate) async fn install_crd(client: &Client, crd: &CustomResourceDefinition) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = crd.name_any();
    api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(crd)).await.unwrap();
    let look = || async {
        let found = api.get(&name).await.map_err(|error| error.to_string())?;
        let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
        let established =
            conditions.iter().any(|found| found.type_ == "Established" && found.status == "True");
        if established { Ok(()) } else { Err(format!("{conditions:?}")) }
    };
    wait::until(&format!("CRD {name}"), LIMIT, look).await.unwrap();
    let kind = &crd.spec.group;
    let path = format!("/apis/{kind}/{}/{}", crd.spec.versions[0].name, crd.spec.names.plural);
    let look = || async {
        let request = http::Request::get(&path).body(Vec::new()).map_err(|error| error.to_string())?;
        client.request_text(request).await.map_err(|error| error.to_string())
    };
    wait::until(&format!("{name} served"), LIMIT, look).await.unwrap();
}
