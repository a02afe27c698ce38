//! A ScalingGroup as its users see it: several Deployments that one decision moves.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use testbed::{fixtures, wait};

use crate::cluster::permissions::run_with_all_but;
use crate::harness::{LIMIT, Operator, Scaling, Scene, Target, condition, seconds};

const KIND: (&str, &str, &str) = ("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups");

/// What arrives at the shop's entry.
fn arrive(scene: &Scene, calls: impl Into<Value>) {
    scene.metrics.set_json("/calls", &json!({ "value": calls.into() }));
}

/// A member with 1 to 10 replicas, each of which bears 100 calls.
fn member(name: &str) -> Value {
    json!({ "targetRef": { "name": name }, "maxReplicas": 10, "capacity": 100 })
}

/// A group that is entered at `webui`, which calls `auth` as often as it is called, and `db` twice.
fn shop(scene: &Scene) -> Value {
    json!({
        "members": [member("webui"), member("auth"), member("db")],
        "metrics": [{
            "name": "calls", "type": "http", "member": "webui",
            "config": { "url": scene.metrics.url("/calls"), "valuePath": "$.value" },
        }],
        "policy": { "type": "bottleneck" },
        "callGraph": [{ "from": "webui", "to": "auth" }, { "from": "webui", "to": "db", "callsPerCall": 2 }],
        "intervalSeconds": 1, "safety": {},
    })
}

/// The group, and its Deployments with 1 replica each.
async fn shop_of(scene: &Scene, spec: Value) -> (Scaling, [Target; 3]) {
    let targets = [
        scene.podless_deployment("webui", 1).await,
        scene.podless_deployment("auth", 1).await,
        scene.podless_deployment("db", 1).await,
    ];
    (scene.object(KIND, "shop", spec).await, targets)
}

async fn wait_for_all(targets: &[Target; 3], replicas: [i32; 3]) {
    for (target, replicas) in targets.iter().zip(replicas) {
        target.wait_for(replicas).await;
    }
}

/// Waits until the last action is as wanted; returns it.
async fn wait_for_action(group: &Scaling, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let look = || async {
        let action = group.api.get(&group.name).await.map_err(|error| error.to_string())?;
        let action = action.data["status"]["lastAction"].clone();
        if is_so(&action) { Ok(action) } else { Err(action.to_string()) }
    };
    wait::until(what, LIMIT, look).await.unwrap()
}

/// Each member of an action as name, replicas before and after, and writes tried.
fn moves(action: &Value) -> Vec<(&str, i64, i64, i64)> {
    let members = action["members"].as_array().unwrap();
    let number = |member: &Value, field: &str| member[field].as_i64().unwrap();
    members
        .iter()
        .map(|member| {
            let name = member["name"].as_str().unwrap();
            (name, number(member, "from"), number(member, "to"), number(member, "attempts"))
        })
        .collect()
}

async fn expect_no_finalizers(group: &Scaling, targets: &[Target; 3]) {
    let mut objects: Vec<DynamicObject> = vec![group.get().await];
    for target in targets {
        objects.push(target.get().await);
    }
    assert!(objects.iter().all(|object| object.metadata.finalizers.is_none()));
}

/// How many Events report that the Deployment `name` was scaled. The others name it as well: it calls them.
async fn rescales(group: &Scaling, scene: &Scene, name: &str) -> usize {
    let begin = format!("scaled Deployment {}/{name} from ", scene.namespace);
    let events = group.events().await;
    events.iter().filter(|event| event.note.as_ref().is_some_and(|note| note.starts_with(&begin))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_below_grow_in_the_same_action_as_the_entry() {
    let scene = Scene::new("group").await;
    arrive(&scene, 100);
    let (group, targets) = shop_of(&scene, shop(&scene)).await;
    let operator = scene.operator(&[]).await;
    // At 100 calls the entry is right as it is, and only the one that is called twice moves.
    wait_for_all(&targets, [1, 1, 2]).await;
    group.wait_for("Ready", "True", "Ready").await;
    let mut recorders = Vec::new();
    for target in &targets {
        recorders.push(target.record().await);
    }
    arrive(&scene, 400);
    wait_for_all(&targets, [4, 4, 8]).await;
    for (recorder, replicas) in recorders.iter().zip([4, 4, 8]) {
        recorder.expect(&[replicas]).await;
    }
    let action = wait_for_action(&group, "all in one action", |action| {
        action["members"].as_array().is_some_and(|all| all.len() == 3)
    })
    .await;
    assert_eq!(moves(&action), [("webui", 1, 4, 1), ("auth", 1, 4, 1), ("db", 2, 8, 1)]);
    assert!(action["writtenAfterSeconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(action["readyAfterSeconds"], Value::Null, "these Deployments make no pods");
    let done = [("kind", "ScalingGroup")];
    assert!(operator.metric("polyscaler_group_write_seconds_count", &done).await >= 2.0);

    arrive(&scene, 0);
    wait_for_all(&targets, [1, 1, 1]).await;
    expect_no_finalizers(&group, &targets).await;
    arrive(&scene, 300);
    wait_for_all(&targets, [3, 3, 6]).await;
    // What is deleted leaves its targets as they are.
    group.delete().await;
    arrive(&scene, 0);
    let gone = || async {
        let objects = operator.metric("polyscaler_objects", &[("kind", "ScalingGroup")]).await;
        (objects == 0.0).then_some(()).ok_or(objects)
    };
    wait::until("the group is gone", LIMIT, gone).await.unwrap();
    wait_for_all(&targets, [3, 3, 6]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_drawn_within_bounds_and_a_seed_repeats_them() {
    let scene = Scene::new("drawn").await;
    let (group, targets) = shop_of(
        &scene,
        json!({
            "members": [member("webui"), member("auth"), member("db")],
            "policy": { "type": "random", "config": { "seed": 7 } },
            "intervalSeconds": 1, "safety": {},
        }),
    )
    .await;
    let recorder = targets[0].record().await;
    let operator = scene.operator(&[]).await;
    recorder.wait_for(4).await;
    let first = recorder.replicas();
    assert!(first.iter().all(|replicas| (1..=10).contains(replicas)), "{first:?}");
    group.delete().await;
    operator.terminate(seconds(20.0)).await;
    // The same seed and a new object: the same counts, but for draws that change nothing.
    targets[0].set(1).await;
    let recorder = targets[0].record().await;
    let again = json!({
        "members": [member("webui"), member("auth"), member("db")],
        "policy": { "type": "random", "config": { "seed": 7 } },
        "intervalSeconds": 1, "safety": {},
    });
    scene.object(KIND, "shop", again).await;
    let _operator = scene.operator(&[]).await;
    let changes = recorder.wait_for(4).await;
    let replicas: Vec<i64> = changes.iter().map(|change| change.to).collect();
    assert_eq!(replicas[..4], first[..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_refused_and_unscalable_members_are_reported_and_the_rest_goes_on() {
    let scene = Scene::new("partial").await;
    let elsewhere = Scene::new("elsewhere").await;
    arrive(&scene, 300);
    let mut spec = shop(&scene);
    let members = spec["members"].as_array_mut().unwrap();
    members.push(member("later"));
    members.push(json!({
        "targetRef": { "apiVersion": "v1", "kind": "ConfigMap", "name": "settings" }, "maxReplicas": 10,
    }));
    members.push(json!({
        "name": "foreign", "namespace": elsewhere.namespace,
        "targetRef": { "name": "foreign" }, "minReplicas": 3, "maxReplicas": 10,
    }));
    let foreign = elsewhere.podless_deployment("foreign", 1).await;
    let recorder = foreign.record().await;
    let (group, targets) = shop_of(&scene, spec).await;
    let operator = scene.operator(&[]).await;
    wait_for_all(&targets, [3, 3, 6]).await;
    let reason = |status: &Value, name: &str| {
        let mut members = status["members"].as_array().into_iter().flatten();
        let member = members.find(|member| member["name"] == name)?;
        member["reason"].as_str().map(str::to_owned)
    };
    let look = || async {
        let status = group.status().await;
        let reasons = ["webui", "later", "settings", "foreign"].map(|name| reason(&status, name));
        let wanted = [None, Some("TargetNotFound"), Some("TargetNotScalable"), Some("CrossNamespace")];
        if reasons == wanted.map(|reason| reason.map(str::to_owned)) {
            Ok(())
        } else {
            Err(status.to_string())
        }
    };
    wait::until("each member has its reason", LIMIT, look).await.unwrap();
    let status = group.status().await;
    assert_eq!(condition(&status, "AbleToScale")["status"], "False");
    assert_eq!(condition(&status, "Ready")["status"], "False");
    assert!(condition(&status, "Ready")["message"].as_str().unwrap().contains("later"), "{status}");

    // Picked up when it is there, and the others follow all the same.
    let later = scene.podless_deployment("later", 12).await;
    later.wait_for(10).await;
    arrive(&scene, 100);
    wait_for_all(&targets, [1, 1, 2]).await;
    operator.wait_for_polls("target_unavailable", 1.0).await;
    recorder.expect(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_maximum_and_edited_by_hand() {
    let scene = Scene::new("hand").await;
    arrive(&scene, 800);
    let (group, targets) = shop_of(&scene, shop(&scene)).await;
    let _operator = scene.operator(&[]).await;
    wait_for_all(&targets, [8, 8, 10]).await;
    group.wait_for("ScalingLimited", "True", "TooManyReplicas").await;
    group.wait_for("Ready", "True", "Ready").await;
    let recorder = targets[0].record().await;
    for replicas in [3, 10, 1] {
        targets[1].set(replicas).await;
        targets[1].wait_for(8).await;
    }
    recorder.expect(&[]).await;
    group.wait_for("Ready", "True", "Ready").await;
}

/// Lets the scene's user do this in the scene's namespace, too.
async fn grant(scene: &Scene, name: &str, rules: Value) {
    let roles: Api<Role> = scene.namespaced();
    let role = json!({ "metadata": { "name": name }, "rules": rules });
    roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    let bindings: Api<RoleBinding> = scene.namespaced();
    let binding = json!({
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": scene.namespace }],
    });
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
}

fn may_scale(names: &[&str]) -> Value {
    json!([
        { "apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["update"], "resourceNames": names },
        { "apiGroups": ["polyscaler.dev"], "resources": ["scalinggroups/status"], "verbs": ["patch"] },
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_member_is_tried_again_within_the_interval_by_the_same_decision() {
    let mut scene = Scene::new("forbidden").await;
    arrive(&scene, 300);
    run_with_all_but(&mut scene, &["write scale"]).await;
    grant(&scene, "some", may_scale(&["webui", "db"])).await;
    let mut spec = shop(&scene);
    // So that no other poll falls into the test, and no other decision may scale.
    spec["intervalSeconds"] = json!(86_400);
    spec["safety"] = json!({ "cooldownSeconds": 3600 });
    let (group, targets) = shop_of(&scene, spec).await;
    let operator = scene.operator(&[]).await;
    wait_for_all(&targets, [3, 1, 6]).await;
    let message = group.wait_for("AbleToScale", "False", "TargetForbidden").await;
    assert!(message.contains("auth"), "{message}");
    group.wait_for("Ready", "False", "TargetForbidden").await;
    operator.wait_for_metric("polyscaler_group_retries_total", &[("result", "refused")], 1.0).await;
    assert_eq!(targets[1].asked().await, 1);

    grant(&scene, "rest", may_scale(&["auth"])).await;
    wait_for_all(&targets, [3, 3, 6]).await;
    group.wait_for("Ready", "True", "Ready").await;
    assert_eq!(scene.metrics.seen("/calls").count, 1, "nothing was decided again");
    let action =
        wait_for_action(&group, "all written", |action| action["writtenAfterSeconds"].is_number()).await;
    let moves = moves(&action);
    assert_eq!((moves[0], moves[2]), (("webui", 1, 3, 1), ("db", 1, 6, 1)));
    assert!(moves[1].3 >= 2, "{moves:?}");
    let scaled = format!("scaled Deployment {}/auth from 1 to 3", scene.namespace);
    group.wait_for_event("Normal", "SuccessfulRescale", &scaled).await;
    assert_eq!(rescales(&group, &scene, "webui").await, 1, "what was reported is not reported again");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_groups_that_share_a_member_the_younger_is_refused() {
    let scene = Scene::new("shared").await;
    arrive(&scene, 300);
    let (older, targets) = shop_of(&scene, shop(&scene)).await;
    let other = scene.podless_deployment("other", 1).await;
    let recorder = other.record().await;
    let mut spec = shop(&scene);
    spec["members"] = json!([member("other"), member("auth")]);
    spec["metrics"][0]["member"] = json!("other");
    spec["callGraph"] = json!([{ "from": "other", "to": "auth" }]);
    // Where both are of the same second, the name decides.
    let younger = scene.object(KIND, "shop-two", spec).await;
    let operator = scene.operator(&[]).await;
    wait_for_all(&targets, [3, 3, 6]).await;
    let message = younger.wait_for("Ready", "False", "TargetConflict").await;
    let place = format!("member auth: Deployment {}/auth is already scaled by ScalingGroup", scene.namespace);
    assert!(message.starts_with(&place) && message.contains("/shop;"), "{message}");
    operator.wait_for_polls("conflict", 2.0).await;
    recorder.expect(&[]).await;
    older.delete().await;
    other.wait_for(3).await;
    younger.wait_for("Ready", "True", "Ready").await;
    targets[0].wait_for(3).await;
}

/// The group's Deployments with pods that take `delay` to become ready.
async fn slow_shop(scene: &Scene, delay: Duration) -> [Target; 3] {
    let mut targets = Vec::new();
    for name in ["webui", "auth", "db"] {
        let deployment = fixtures::deployment(name, &scene.namespace, 1);
        let target = scene.create_deployment(fixtures::with_ready_delay(deployment, delay)).await;
        targets.push(target);
    }
    for target in &targets {
        target.wait_until_ready(1).await;
    }
    targets.try_into().unwrap_or_else(|_| unreachable!("three"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_until_all_are_ready_is_in_the_status_without_another_poll() {
    let scene = Scene::new("slow").await;
    arrive(&scene, 200);
    let delay = seconds(3.0);
    let targets = slow_shop(&scene, delay).await;
    let mut spec = shop(&scene);
    spec["intervalSeconds"] = json!(86_400);
    let operator = scene.operator(&[]).await;
    let group = scene.object(KIND, "shop", spec).await;
    wait_for_all(&targets, [2, 2, 4]).await;
    let action = wait_for_action(&group, "all ready", |action| action["readyAfterSeconds"].is_number()).await;
    for member in action["members"].as_array().unwrap().iter().chain([&action]) {
        assert!(member["readyAfterSeconds"].as_f64().unwrap() >= delay.as_secs_f64(), "{action}");
        assert!(member["writtenAfterSeconds"].as_f64() < member["readyAfterSeconds"].as_f64(), "{action}");
    }
    assert_eq!(scene.metrics.seen("/calls").count, 1);
    let labels = [("kind", "ScalingGroup")];
    assert_eq!(operator.metric("polyscaler_group_ready_seconds_count", &labels).await, 1.0);
    assert!(operator.log().contains("group is ready"), "{}", operator.log());
    let ready: Vec<Value> = group.status().await["members"].as_array().unwrap().clone();
    assert_eq!(
        ready.iter().map(|member| member["readyReplicas"].clone()).collect::<Vec<_>>(),
        [2, 2, 4].map(Value::from)
    );
    let scaled = format!("scaled Deployment {}/webui from 1 to 2", scene.namespace);
    group.wait_for_event("Normal", "SuccessfulRescale", &scaled).await;
    assert_eq!(rescales(&group, &scene, "webui").await, 1, "that all are ready is no second scale");
}

async fn wait_until_leads(operator: &Operator) {
    let look = || async { operator.leads().await.then_some(()) };
    wait::until("it leads", LIMIT, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_dies_amid_an_action_is_followed_by_one_that_goes_on_with_it() {
    let scene = Scene::new("amid").await;
    // Longer than it takes another to lead.
    let delay = seconds(20.0);
    arrive(&scene, 200);
    let targets = slow_shop(&scene, delay).await;
    let args = ["--lease-duration=10s"];
    let leader = scene.operator(&args).await;
    wait_until_leads(&leader).await;
    let follower = scene.operator(&args).await;
    let mut recorders = Vec::new();
    for target in &targets {
        recorders.push(target.record().await);
    }
    let group = scene.object(KIND, "shop", shop(&scene)).await;
    let begun = wait_for_action(&group, "it is recorded", |action| action["members"].is_array()).await;
    leader.kill().await;
    wait_until_leads(&follower).await;
    let ended = wait_for_action(&group, "all ready", |action| action["readyAfterSeconds"].is_number()).await;
    assert_eq!((&ended["time"], moves(&ended)), (&begun["time"], moves(&begun)), "the same action");
    assert!(ended["readyAfterSeconds"].as_f64().unwrap() >= delay.as_secs_f64(), "{ended}");
    for (recorder, replicas) in recorders.iter().zip([2, 2, 4]) {
        recorder.expect(&[replicas]).await;
    }
    assert_eq!(follower.writes("scale", "done").await, 0.0);
    assert!(follower.log().contains("group is ready"));
    expect_no_finalizers(&group, &targets).await;
}
