//! Every object in a line, and what fails.

use serde_json::{Value, json};

use super::say;
use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_a_line_and_what_fails_is_said_by_reason() {
    let scene = Scene::new("status").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    say(&scene, &["status"]).expect(0, &["no object in namespace"]);
    let web = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    web.wait_for_field("currentReplicas", 6).await;
    let said = say(&scene, &["status"]);
    said.expect(
        0,
        &["OBJECT", &web.name, "Deployment/web", "Active", "True", "linear 6", "1 object, 0 not ready"],
    );

    let lost = scene.business_scaling("lost", scene.spec("lost", "/users")).await;
    let other = scene.business_scaling("other", scene.spec("other", "/users")).await;
    for failing in [&lost, &other] {
        failing.wait_for("Ready", "False", "TargetNotFound").await;
    }
    let said = say(&scene, &["status"]);
    said.expect(1, &["3 objects, 2 not ready", "2 objects  TargetNotFound", "to do: create the target"]);
    let json = say(&scene, &["status", "-o", "json"]);
    json.expect(1, &[]);
    let objects: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(objects.as_array().unwrap().len(), 3);
    let of_web =
        objects.as_array().unwrap().iter().find(|object| object["name"] == web.name.as_str()).unwrap();
    assert_eq!((&of_web["current"], &of_web["desired"]), (&json!(6), &json!(6)));
    assert_eq!(of_web["conditions"][0]["type"], "Ready");

    let elsewhere = say(&scene, &["status", "--context", "no-such-context"]);
    assert_eq!(elsewhere.status, 2, "{elsewhere:?}");
    assert!(elsewhere.stderr.contains("no-such-context"), "{elsewhere:?}");
}
