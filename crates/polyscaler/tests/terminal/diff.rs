//! What manifests would decide, without a write.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Said, say};
use crate::harness::Scene;

/// A folder with one file of these objects.
fn file(folder: &TempDir, objects: &[Value]) -> String {
    let path = folder.path().join("manifest.yaml");
    let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
    std::fs::write(&path, documents.join("\n---\n")).unwrap();
    path.display().to_string()
}

fn diff(scene: &Scene, objects: &[Value]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    say(scene, &["diff", "-f", &file(&folder, objects)])
}

fn business_scaling(scene: &Scene, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "example.com/v1", "kind": "BusinessScaling",
        "metadata": { "name": scene.full_name(name) },
        "spec": spec,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_say_what_they_would_decide_and_nothing_is_written() {
    let scene = Scene::new("diff").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 9000);
    let recorder = target.record().await;
    let web = business_scaling(&scene, "web", scene.spec("web", "/users"));
    let said = diff(&scene, std::slice::from_ref(&web));
    said.expect(
        1,
        &[
            "(new)",
            &format!("Deployment {}/web: 2 → 10", scene.namespace),
            "linear 2→10 (9000 above 1000..5000)",
        ],
    );
    let existing = scene.existing(&scene.full_name("web"));
    assert!(existing.api.get_opt(&existing.name).await.unwrap().is_none(), "it is not created");
    assert_eq!(recorder.replicas(), [0; 0], "and nothing is scaled");

    // Of one that exists, what it would decide by another spec, beside what it decided.
    scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(10).await;
    scaling.wait_for_field("currentReplicas", 10).await;
    diff(&scene, std::slice::from_ref(&web)).expect(0, &["10, no change", "in the cluster: linear 10"]);
    let mut other = web.clone();
    other["spec"]["scaleThresholds"] = json!({ "maxReplicas": 4 });
    diff(&scene, std::slice::from_ref(&other)).expect(1, &["10 → 4"]);
    other["metadata"]["annotations"] = json!({ "polyscaler.dev/mode": "observe" });
    diff(&scene, std::slice::from_ref(&other)).expect(0, &["10 → 4", "recorded and not applied"]);
    assert_eq!(target.asked().await, 10);

    // What cannot be said has a status of its own.
    let second = business_scaling(&scene, "second", scene.spec("web", "/users"));
    diff(&scene, std::slice::from_ref(&second)).expect(2, &["TargetConflict", &scaling.name]);
    let lost = business_scaling(&scene, "lost", scene.spec("lost", "/users"));
    diff(&scene, &[web.clone(), lost]).expect(2, &["10, no change", "TargetNotFound"]);
    let mut invalid = web.clone();
    invalid["spec"]["scaleThresholds"] = json!({ "maxReplicas": 0 });
    diff(&scene, &[invalid]).expect(2, &["invalid: spec.scaleThresholds"]);
    // Two of the files that are after one target: the first would have it.
    scene.podless_deployment("free", 2).await;
    let two = ["first", "other"].map(|name| business_scaling(&scene, name, scene.spec("free", "/users")));
    diff(&scene, &two)
        .expect(2, &["2 → 10", "TargetConflict", &format!("BusinessScaling {}", scene.full_name("first"))]);
    let nothing =
        diff(&scene, &[json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x" } })]);
    assert_eq!(nothing.status, 2);
    assert!(nothing.stderr.contains("nothing to compare"), "{nothing:?}");
}
