//! The chart's namespaced mode: rights where the operator acts, and nowhere else.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, ResourceExt as _};

use crate::harness::{Scene, control_plane};
use crate::packaging::account::may;
use crate::packaging::helm::template;
use crate::packaging::manifests::{apply, kind, only, wait_until_rolled_out};
use crate::packaging::pod::Pod;

/// What the chart makes for a release in the scene's namespace that acts only there.
fn rendered(scene: &Scene, more: &[&str]) -> Vec<kube::api::DynamicObject> {
    let namespaces = format!("operator.namespaces={{{}}}", scene.namespace);
    let args = ["--namespace", &scene.namespace, "--set", "crds.install=false", "--set", &namespaces];
    template("narrow", &[&args[..], &["--set", "rbac.namespaced=true"], more].concat()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_scales_in_its_namespaces_and_may_do_nothing_elsewhere() {
    let scene = Scene::new("narrow").await;
    let objects = rendered(&scene, &[]);
    apply(&scene.client, &objects).await;
    let deployment = wait_until_rolled_out(&scene.client, &scene.namespace, "narrow-polyscaler").await;
    let pod = Pod::start(control_plane::shared(), &scene.client, &deployment).await;
    pod.wait_until_probes_succeed(&deployment).await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "from 2 to 6").await;
    assert!(!pod.process.last_lines(1000).contains("forbid"), "{}", pod.process.last_lines(1000));

    let account = (scene.namespace.as_str(), "narrow-polyscaler");
    for (verb, group, resource) in [
        ("get", "", "secrets"),
        ("list", "", "pods"),
        ("watch", "", "pods"),
        ("get", "apps", "replicasets"),
        ("list", "metrics.k8s.io", "pods"),
        ("list", "apps", "deployments"),
        ("update", "apps", "deployments/scale"),
        ("list", "autoscaling", "horizontalpodautoscalers"),
    ] {
        let asked = (verb, group, resource);
        assert!(may(&scene.client, account, asked, &scene.namespace).await, "{asked:?} at home");
        for elsewhere in ["default", "kube-system", ""] {
            assert!(!may(&scene.client, account, asked, elsewhere).await, "{asked:?} in {elsewhere:?}");
        }
    }
    pod.end().await;
}

#[test]
fn two_teams_may_install_it_under_one_name() {
    let install = |team: &str| {
        let namespaces = format!("operator.namespaces={{{team},shared}}");
        let args =
            ["--namespace", team, "--set", "crds.install=false,rbac.namespaced=true", "--set", &namespaces];
        let objects = template("polyscaler", &args).unwrap();
        let identity = |object: &kube::api::DynamicObject| {
            (kind(object).to_owned(), object.namespace(), object.name_any())
        };
        objects.iter().map(identity).collect::<std::collections::BTreeSet<_>>()
    };
    let (one, other) = (install("team-a"), install("team-b"));
    let both: Vec<_> = one.intersection(&other).collect();
    assert!(both.is_empty(), "{both:?}");
    let has_role = |namespace: &str| {
        one.iter().any(|(kind, within, _)| kind == "Role" && within.as_deref() == Some(namespace))
    };
    assert!(["team-a", "shared", "default"].into_iter().all(has_role), "{one:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cluster_scoped_kinds_there_is_no_cluster_role() {
    let scene = Scene::new("narrower").await;
    let objects = rendered(&scene, &["--set", "rbac.clusterScopedKinds=false"]);
    assert!(!objects.iter().any(|object| kind(object).starts_with("ClusterRole")));
    for object in &objects {
        assert_eq!(object.namespace().as_deref(), Some(scene.namespace.as_str()), "{}", kind(object));
    }
    apply(&scene.client, &objects).await;
    let account = (scene.namespace.as_str(), "narrow-polyscaler");
    let on_kinds = ("list", "example.com", "businessscalings");
    assert!(!may(&scene.client, account, on_kinds, "").await);
    for kind in resources::KINDS.iter().filter(|kind| kind.scope == resources::Scope::Namespaced) {
        for verb in ["get", "list", "watch"] {
            let asked = (verb, kind.group, kind.plural);
            assert!(may(&scene.client, account, asked, &scene.namespace).await, "{asked:?} at home");
            assert!(!may(&scene.client, account, asked, "").await, "{asked:?} everywhere");
        }
    }
    // The operator gets the kinds that are left.
    let deployment = only(&objects, "Deployment");
    let deployments: Api<Deployment> = scene.namespaced();
    let found = deployments.get(&deployment.name_any()).await.unwrap();
    let env = found.spec.unwrap().template.spec.unwrap().containers.remove(0).env.unwrap();
    let kinds = env.into_iter().find(|variable| variable.name == "POLYSCALER_KINDS");
    let namespaced = resources::KINDS.iter().filter(|kind| kind.scope == resources::Scope::Namespaced);
    let wanted: Vec<&str> = namespaced.map(|kind| kind.kind).collect();
    assert_eq!(kinds.and_then(|variable| variable.value).unwrap_or_default(), wanted.join(","));

    if wanted.is_empty() {
        return;
    }
    let deployment = wait_until_rolled_out(&scene.client, &scene.namespace, "narrow-polyscaler").await;
    let pod = Pod::start(control_plane::shared(), &scene.client, &deployment).await;
    pod.wait_until_probes_succeed(&deployment).await;
    // That kind is the only one that is watched all the same, for whoever has a role of their own for it.
    let log = pod.process.last_lines(1000);
    let mut others = log.lines().filter(|line| !line.contains("clustertriggerauthentications"));
    assert!(!others.any(|line| line.contains("forbid")), "{log}");
    pod.end().await;
}
