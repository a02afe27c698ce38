//! Objects that people hold back, and groups.

use serde_json::{Value, json};

use super::say;
use crate::harness::{Scaling, Scene};

fn spec(scene: &Scene, target: &str) -> Value {
    let metric = json!({ "name": "users", "type": "http", "targetValue": 100,
        "config": { "url": scene.metrics.url("/users"), "valuePath": "$.active_users" } });
    json!({ "targetDeployment": target, "minReplicas": 1, "maxReplicas": 10, "intervalSeconds": 1,
        "metrics": [metric], "safety": {} })
}

async fn scaler(scene: &Scene, name: &str) -> Scaling {
    scene.podless_deployment(name, 2).await;
    scene.general_scaler(name, spec(scene, name)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_have_set_is_named_with_what_ends_it() {
    let scene = Scene::new("held").await;
    scene.users("/users", 590);
    scene.operator(&[]).await;
    let paused = scaler(&scene, "paused").await;
    paused.annotate("polyscaler.dev/paused", Some("true")).await;
    paused.wait_for_field("mode", "Paused").await;
    let why = say(&scene, &["why", "gs/paused"]);
    why.expect(
        0,
        &[
            "Paused\n",
            "Held back by\n  Paused: scaling is paused by the annotation polyscaler.dev/paused",
            "users 590 asks for 6 replicas: from 600.1 on for 7, from 500 down for 5",
            "remove the annotation polyscaler.dev/paused",
        ],
    );
    let lines = why.stdout.lines().filter(|line| line.starts_with("  Paused: ")).count();
    assert_eq!(lines, 1, "{}", why.stdout);

    let overridden = scaler(&scene, "overridden").await;
    let sale =
        json!({ "minReplicas": 8, "maxReplicas": 40, "until": "2126-12-01T06:00:00Z", "reason": "sale" });
    overridden.annotate("polyscaler.dev/override", Some(&sale.to_string())).await;
    overridden.wait_for_field("currentReplicas", 8).await;
    say(&scene, &["why", "gs/overridden"]).expect(
        0,
        &[
            "8 replicas (8 to 40 allowed by the override min 8, max 40 until 2126-12-01T06:00:00Z: sale)",
            "TooFewReplicas: bounds 6→8 (8 at least)",
            "change or remove the annotation polyscaler.dev/override",
        ],
    );
    say(&scene, &["status"]).expect(0, &["Paused", "2 objects, 0 not ready"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_explained_as_a_whole() {
    let scene = Scene::new("groups").await;
    scene.users("/users", 600);
    scene.operator(&[]).await;
    for name in ["front", "back"] {
        scene.podless_deployment(name, 2).await;
    }
    let member = |name: &str, capacity: u32| json!({ "targetRef": { "name": name }, "maxReplicas": 10, "capacity": capacity });
    let group = json!({
        "members": [member("front", 100), member("back", 200)], "intervalSeconds": 1, "safety": {},
        "metrics": [{ "name": "users", "type": "http", "member": "front",
            "config": { "url": scene.metrics.url("/users"), "valuePath": "$.active_users" } }],
        "callGraph": [{ "from": "front", "to": "back" }],
    });
    let kind = ("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups");
    let group = scene.object(kind, "shop", group).await;
    group.wait_for_field("memberSummary", "front 6, back 3").await;
    say(&scene, &["why", "sg/shop"]).expect(
        0,
        &[
            "scales front 6, back 3, Active",
            "  9 replicas\n",
            "users 600 asks for 9 replicas in all: from 600.1 on for 11, from 500 down for 8",
        ],
    );
    let status = say(&scene, &["status"]);
    let row = status.stdout.lines().find(|line| line.contains("/shop")).unwrap();
    assert!(row.contains(" 9 "), "{row}");
}
