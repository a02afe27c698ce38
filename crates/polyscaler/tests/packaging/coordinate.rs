//! The coordinator as `config/coordinate` installs it: with exactly its rights, and without our CRDs.

use std::path::PathBuf;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use serde_json::Value;
use testbed::{Supervisor, teastore, wait};

use crate::harness::{LIMIT, Scene, control_plane};
use crate::packaging::account::may;
use crate::packaging::kustomize::kustomize_text;
use crate::packaging::manifests::{apply, kind, only, parse, typed, wait_until_rolled_out};
use crate::packaging::pod::Pod;
use crate::packaging::{read, repository};

const NAME: &str = "polyscaler-coordinate";
const LEASE: &str = "polyscaler-coordinate-teastore";

/// What a kustomization installs, in the scene's namespace.
fn installed(scene: &Scene, folder: &str) -> Vec<DynamicObject> {
    let text = kustomize_text(&format!("config/coordinate/{folder}"));
    parse(&text.replace("namespace: default\n", &format!("namespace: {}\n", scene.namespace)))
}

/// Deletes objects as `kubectl delete -k` does.
async fn delete(scene: &Scene, objects: &[DynamicObject]) {
    for object in objects {
        let gvk = GroupVersionKind::try_from(object.types.as_ref().unwrap()).unwrap();
        let plural = format!("{}s", gvk.kind.to_lowercase());
        let resource = ApiResource::from_gvk_with_plural(&gvk, &plural);
        let api: Api<DynamicObject> = Api::namespaced_with(scene.client.clone(), &scene.namespace, &resource);
        api.delete(&object.name_any(), &DeleteParams::background()).await.unwrap();
    }
}

async fn deploy_teastore(scene: &Scene) {
    for object in parse(&read("examples/teastore/deployments.yaml")) {
        let mut deployment: Deployment = typed(&object);
        deployment.spec.as_mut().unwrap().paused = Some(true);
        scene.create_deployment(deployment).await;
    }
}

#[test]
fn its_groups_files_are_those_of_the_example() {
    let groups = read("examples/teastore/groups.txt");
    for folder in ["dev", "stable"] {
        assert_eq!(read(&format!("config/coordinate/{folder}/groups.txt")), groups, "{folder}");
    }
}

#[test]
fn the_example_of_a_group_has_the_services_and_the_calls_of_the_model() {
    let group = parse(&read("examples/teastore/scalinggroup.yaml")).remove(0).data;
    let members = group["spec"]["members"].as_array().unwrap();
    assert_eq!(members.len(), teastore::SERVICES.len());
    for service in teastore::SERVICES {
        let of_service = |member: &&Value| member["name"] == service.name;
        let member = members.iter().find(of_service).unwrap_or_else(|| panic!("no {}", service.name));
        assert_eq!(member["targetRef"]["name"], service.deployment().as_str());
        assert_eq!(member["capacity"].as_f64(), Some(service.capacity), "{}", service.name);
    }
    let calls = group["spec"]["callGraph"].as_array().unwrap();
    assert_eq!(calls.len(), teastore::CALLS.len());
    for call in teastore::CALLS {
        let is_it = |found: &&Value| found["from"] == call.from && found["to"] == call.to;
        let found = calls.iter().find(is_it).unwrap_or_else(|| panic!("{} calls not {}", call.from, call.to));
        assert_eq!(found["callsPerCall"].as_f64(), Some(call.calls_per_call), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_may_do_in_its_namespace_what_it_needs_and_nothing_else() {
    let scene = Scene::on(control_plane::shared_without_crds(), "coord-rights").await;
    let objects = installed(&scene, "stable");
    assert!(!objects.iter().any(|object| kind(object).starts_with("ClusterRole")));
    apply(&scene.client, &objects).await;
    let account = (scene.namespace.as_str(), NAME);
    let needed = [
        ("list", "apps", "deployments"),
        ("watch", "apps", "deployments"),
        ("update", "apps", "deployments/scale"),
        ("list", "autoscaling", "horizontalpodautoscalers"),
        ("create", "events.k8s.io", "events"),
    ];
    for asked in needed {
        assert!(may(&scene.client, account, asked, &scene.namespace).await, "{asked:?} at home");
        for elsewhere in ["default", "kube-system", ""] {
            assert!(!may(&scene.client, account, asked, elsewhere).await, "{asked:?} in {elsewhere:?}");
        }
    }
    for asked in [
        ("update", "apps", "deployments"),
        ("delete", "apps", "deployments"),
        ("get", "", "secrets"),
        ("list", "", "pods"),
        ("create", "coordination.k8s.io", "leases"),
        ("get", "coordination.k8s.io", "leases"),
    ] {
        assert!(!may(&scene.client, account, asked, &scene.namespace).await, "{asked:?}");
    }
}

/// Installs a kustomization, and plays the kubelet for its Deployment: by its arguments,
/// environment and account, with the groups file in place.
async fn it_works(folder: &str, groups: impl FnOnce(&[DynamicObject]) -> String) {
    let scene = Scene::on(control_plane::shared_without_crds(), &format!("coord-{folder}")).await;
    let objects = installed(&scene, folder);
    apply(&scene.client, &objects).await;
    let deployment = wait_until_rolled_out(&scene.client, &scene.namespace, NAME).await;
    let mounts = Supervisor::new("polyscaler-mounts").unwrap();
    let file: PathBuf = mounts.directory().join("groups.txt");
    std::fs::write(&file, groups(&objects)).unwrap();
    deploy_teastore(&scene).await;
    let recorder = scene.target("apps/v1", "Deployment", "deployments", "teastore-webui").record().await;
    let path = file.display().to_string();
    // The account comes by a kubeconfig, as this process is in no pod.
    let here = [("GROUP_FILE", path.as_str()), ("KUBERNETES_POD", "false"), ("ACTION_INTERVAL", "1")];
    let pod = Pod::start_with(control_plane::shared_without_crds(), &scene.client, &deployment, &here).await;
    pod.wait_until_probes_succeed(&deployment).await;
    recorder.wait_for(3).await;

    let events: Api<Event> = scene.namespaced();
    let look = || async {
        let of_webui = ListParams::default().fields("regarding.name=teastore-webui,reason=SuccessfulRescale");
        let found = events.list(&of_webui).await.map_err(|error| error.to_string())?;
        if found.items.is_empty() { Err("none".to_owned()) } else { Ok(()) }
    };
    wait::until("an Event", LIMIT, look).await.unwrap();
    let leases: Api<Lease> = scene.namespaced();
    let holder = leases.get(LEASE).await.unwrap().spec.unwrap().holder_identity.unwrap();
    assert!(holder.starts_with(NAME), "{holder}");
    let (_, metrics) = pod.metrics("/metrics").await.unwrap();
    assert!(metrics.contains("polyscaler_leader 1"), "{metrics}");
    let (_, objects_shown) = pod.activity("/objects").await.unwrap();
    assert!(objects_shown.contains("group-1"), "{objects_shown}");
    assert!(!pod.process.last_lines(1000).contains("forbid"), "{}", pod.process.last_lines(1000));

    // As `kubectl delete -k` has it: the pod ends when its account and its Lease are gone already.
    delete(&scene, &objects).await;
    pod.end().await;
    let look = || async {
        let left = leases.list(&ListParams::default()).await.map_err(|error| error.to_string())?.items.len();
        if left == 0 { Ok(()) } else { Err(format!("{left} Leases")) }
    };
    wait::until("nothing is left", LIMIT, look).await.unwrap();
    let deployments: Api<Deployment> = scene.namespaced();
    let teastore = deployments.list(&ListParams::default()).await.unwrap().items;
    let teastore: Vec<&Deployment> = teastore.iter().filter(|found| found.name_any() != NAME).collect();
    assert_eq!(teastore.len(), 7);
    assert!(teastore.iter().all(|deployment| deployment.finalizers().is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_reads_the_groups_from_a_config_map() {
    it_works("dev", |objects| {
        let map: ConfigMap = typed(only(objects, "ConfigMap"));
        assert_eq!(map.name_any(), "polyscaler-coordinate-groups", "edits must keep its name");
        let deployment: Deployment = typed(only(objects, "Deployment"));
        let spec = deployment.spec.unwrap().template.spec.unwrap();
        let volume = &spec.volumes.as_ref().unwrap()[0];
        assert_eq!(volume.config_map.as_ref().unwrap().name, map.name_any());
        let mount = &spec.containers[0].volume_mounts.as_ref().unwrap()[0];
        assert_eq!((mount.name.as_str(), mount.sub_path.as_ref()), (volume.name.as_str(), None));
        let env = spec.containers[0].env.as_ref().unwrap();
        let file = env.iter().find(|variable| variable.name == "GROUP_FILE").unwrap();
        assert_eq!(file.value.as_ref().unwrap(), &format!("{}/groups.txt", mount.mount_path));
        map.data.unwrap().remove("groups.txt").unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stable_has_the_groups_in_its_image() {
    it_works("stable", |objects| {
        let dockerfile = read("config/coordinate/stable/Dockerfile");
        let deployment: Deployment = typed(only(objects, "Deployment"));
        let container = deployment.spec.unwrap().template.spec.unwrap().containers.remove(0);
        let env = container.env.unwrap();
        let file = env.iter().find(|variable| variable.name == "GROUP_FILE").unwrap();
        let path = file.value.clone().unwrap();
        assert!(dockerfile.contains(&format!("COPY groups.txt {path}\n")), "{dockerfile}");
        assert_ne!(container.image.unwrap(), "polyscaler:0.1.0", "that one has no groups file");
        std::fs::read_to_string(repository("config/coordinate/stable/groups.txt")).unwrap()
    })
    .await;
}
