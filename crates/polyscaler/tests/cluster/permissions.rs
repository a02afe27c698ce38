//! The rights that the operator needs, and what it says where one is missing.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::wait;

use crate::cluster::webhook::Hook;
use crate::harness::{LIMIT, Operator, Scene, control_plane};

const WEBHOOK_GROUP: &str = "admissionregistration.k8s.io";
const WEBHOOK_CONFIGURATIONS: &str = "validatingwebhookconfigurations";

/// Every right, by what it is for.
fn rights() -> Vec<(&'static str, Value)> {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let others = resources::KINDS.iter().filter(|kind| kind.kind != "BusinessScaling");
    let others =
        others.map(|kind| (kind.plural, rule(kind.group, &[kind.plural], &["get", "list", "watch"])));
    let rights = vec![
        ("objects", rule("example.com", &["businessscalings"], &["get", "list", "watch"])),
        ("hpas", rule("autoscaling", &["horizontalpodautoscalers"], &["list", "watch"])),
        ("lease", rule("coordination.k8s.io", &["leases"], &["get", "create", "update"])),
        ("targets", rule("apps", &["deployments"], &["get", "list", "watch"])),
        ("read scale", rule("apps", &["deployments/scale"], &["get"])),
        ("write scale", rule("apps", &["deployments/scale"], &["update"])),
        ("status", rule("example.com", &["businessscalings/status"], &["patch"])),
        ("events", rule("events.k8s.io", &["events"], &["create"])),
        ("secrets", rule("", &["secrets"], &["get"])),
        ("create certificate", rule("", &["secrets"], &["create"])),
        ("write certificate", rule("", &["secrets"], &["patch"])),
        ("read webhook", rule(WEBHOOK_GROUP, &[WEBHOOK_CONFIGURATIONS], &["get"])),
        ("write webhook", rule(WEBHOOK_GROUP, &[WEBHOOK_CONFIGURATIONS], &["patch"])),
    ];
    others.chain(rights).collect()
}

/// Gives the scene's user all rights but those named.
async fn grant_all_but(scene: &Scene, missing: &[&str]) {
    let roles: Api<ClusterRole> = Api::all(scene.client.clone());
    let rules: Vec<Value> =
        rights().into_iter().filter(|(name, _)| !missing.contains(name)).map(|(_, rule)| rule).collect();
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": scene.namespace }, "rules": rules,
    });
    let params = PatchParams::apply("tests").force();
    roles.patch(&scene.namespace, &params, &Patch::Apply(role)).await.unwrap();
}

/// Has the operators of the scene run as a user of their own, with all rights but those named.
pub(crate) async fn run_with_all_but(scene: &mut Scene, missing: &[&str]) {
    grant_all_but(scene, missing).await;
    let bindings: Api<ClusterRoleBinding> = Api::all(scene.client.clone());
    let binding = serde_json::from_value(json!({
        "metadata": { "name": scene.namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": scene.namespace },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": scene.namespace }],
    }))
    .unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    scene.kubeconfig = control_plane::shared().kubeconfig_for(&scene.namespace, &[]).unwrap();
}

async fn wait_until_it_waits_for(operator: &Operator, words: &[&str]) {
    let look = || async {
        match operator.readyz().await {
            Ok((503, text)) if words.iter().all(|word| text.contains(word)) => Ok(()),
            Ok((status, text)) => Err(format!("{status} {text}")),
            Err(error) => Err(error),
        }
    };
    wait::until(&format!("readiness names {words:?}"), LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_may_not_be_kept_is_reported_once_and_holds_up_nothing() {
    let mut scene = Scene::new("rights").await;
    let target = scene.podless_deployment("web", 2).await;
    run_with_all_but(&mut scene, &["status", "events"]).await;
    let operator = scene.begin_operator(&[], &[]);
    operator.wait_until_ready().await;
    scene.users("/users", 1000);
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    for (users, replicas) in [(3000, 6), (1000, 2), (5000, 10), (3000, 6)] {
        scene.users("/users", users);
        target.wait_for(replicas).await;
    }
    let status = "grant patch on businessscalings.example.com/status";
    assert_eq!(operator.wait_for_lines(status, 1).await, 1, "{}", operator.log());

    grant_all_but(&scene, &["events"]).await;
    scaling.wait_for_field("desiredReplicas", 6).await;
    operator.wait_for_lines("permission granted", 1).await;
    scene.users("/users", 5000);
    target.wait_for(10).await;
    assert_eq!(operator.wait_for_lines("grant create on events", 1).await, 1, "{}", operator.log());

    // What cannot be written is not waited for at the end.
    grant_all_but(&scene, &["status", "events"]).await;
    for (users, replicas) in [(1000, 2), (5000, 10), (1000, 2)] {
        scene.users("/users", users);
        target.wait_for(replicas).await;
    }
    operator.terminate(LIMIT).await;
    assert!(!operator.log().contains("took too long"), "{}", operator.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_right_is_named_where_people_look() {
    let mut scene = Scene::new("rights").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let mut spec = scene.spec("web", "/users");
    spec["headersFrom"] = json!({ "secretRef": { "name": "token" } });
    let secrets: Api<Secret> = scene.namespaced();
    let secret =
        serde_json::from_value(json!({ "metadata": { "name": "token" }, "stringData": { "X-Key": "1" } }));
    secrets.create(&PostParams::default(), &secret.unwrap()).await.unwrap();

    let later = ["objects", "hpas", "lease", "targets", "secrets", "read scale", "write scale"];
    run_with_all_but(&mut scene, &later).await;
    let operator = scene.begin_operator(&[], &[]);
    let start = ["businessscalings", "horizontalpodautoscalers", "leases", "grant"];
    wait_until_it_waits_for(&operator, &start).await;
    assert_eq!(operator.healthz().await.unwrap().0, 200, "a restart would not help");
    assert!(!operator.log().contains("kube_runtime"), "a missing right is reported once: {}", operator.log());

    // Each right takes effect without a restart.
    grant_all_but(&scene, &["targets", "secrets", "read scale", "write scale"]).await;
    let scaling = scene.business_scaling("web", spec).await;
    let message = scaling.wait_for("ScalingActive", "False", "SecretUnavailable").await;
    assert!(message.contains("grant get on secrets"), "{message}");
    wait_until_it_waits_for(&operator, &["deployments.apps", "grant list and watch"]).await;
    let look = || async {
        let message = scaling.wait_for("AbleToScale", "False", "FailedGetScale").await;
        if message.contains("grant list and watch on deployments.apps") { Ok(()) } else { Err(message) }
    };
    wait::until("the right in a condition", LIMIT, look).await.unwrap();
    grant_all_but(&scene, &["read scale", "write scale"]).await;
    let message = scaling.wait_for("Ready", "False", "TargetForbidden").await;
    assert!(message.contains("deployments/scale") && message.contains("web"), "{message}");
    grant_all_but(&scene, &["write scale"]).await;
    let message = scaling.wait_for("AbleToScale", "False", "TargetForbidden").await;
    assert!(message.contains("deployments/scale"), "{message}");
    assert_eq!(target.asked().await, 2);

    grant_all_but(&scene, &[]).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "from 2 to 6").await;
    operator.wait_until_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_right_of_the_webhook_is_named() {
    let mut scene = Scene::new("rights").await;
    let hook = Hook::install(&scene).await;
    run_with_all_but(&mut scene, &["create certificate", "read webhook", "write webhook"]).await;
    let flags = hook.flags(&hook.port);
    let operator = scene.begin_operator(&[&flags[0], &flags[1]], &[]);
    // The Secret is applied, and what does not exist yet is created by that.
    wait_until_it_waits_for(&operator, &["certificate", "grant create on secrets"]).await;
    let read = format!("grant get on {WEBHOOK_CONFIGURATIONS}.{WEBHOOK_GROUP}");
    operator.wait_for_lines(&read, 1).await;

    grant_all_but(&scene, &["write webhook"]).await;
    operator.wait_until_ready().await;
    let write = format!("grant patch on {WEBHOOK_CONFIGURATIONS}.{WEBHOOK_GROUP}");
    operator.wait_for_lines(&write, 1).await;
    assert_eq!(hook.bundle().await, "");

    grant_all_but(&scene, &[]).await;
    let trusted = || async {
        let bundle = hook.bundle().await;
        if bundle.contains("BEGIN CERTIFICATE") { Ok(()) } else { Err(operator.log()) }
    };
    wait::until("the API server trusts the certificate", LIMIT, trusted).await.unwrap();
}
