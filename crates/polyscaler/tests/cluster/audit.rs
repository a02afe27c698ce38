//! The audit trail: every decision as a JSON line, carried out or not.

use serde_json::{Value, json};
use testbed::wait;

use crate::harness::{LIMIT, Scene};

fn entries(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_a_line() {
    let scene = Scene::new("audit").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({ "cooldownSeconds": 600 });
    scene.business_scaling("web", spec).await;
    let operator = scene.operator(&["--audit-file", file.to_str().unwrap()]).await;
    operator.wait_for_polls("unchanged", 1.0).await;
    scene.users("/users", 3000);
    target.wait_for(6).await;
    scene.users("/users", "none");
    scene.requests("/users", 2).await;

    let has = |what: &'static str, holds: fn(&Value) -> bool| {
        let file = file.clone();
        async move {
            let look = || async {
                let all = entries(&file);
                if all.iter().any(holds) {
                    Ok(())
                } else {
                    Err(format!("{} entries: {:?}", all.len(), all.last()))
                }
            };
            wait::until(what, LIMIT, look).await.unwrap();
        }
    };
    has("a decision that changes nothing", |entry| {
        entry["from"] == 2 && entry["to"] == 2 && entry["recommended"] == 2
    })
    .await;
    has("the scale", |entry| {
        entry["applied"] == true
            && entry["uid"].as_str().is_some_and(|uid| !uid.is_empty())
            && entry["to"] == 6
            && entry["mode"] == "act"
            && entry["steps"][0] == "linear 2→6 (3000 in 1000..5000)"
            && entry["metrics"] == json!([{ "name": "users", "value": 3000.0 }])
    })
    .await;
    has("a poll without a reading", |entry| {
        entry["metrics"][0]["absent"].is_string() && entry["recommended"].is_null() && entry["from"] == 6
    })
    .await;

    // Whoever rotates logs moves the file away; the trail goes on in a new one.
    let moved = folder.path().join("audit.jsonl.1");
    std::fs::rename(&file, &moved).unwrap();
    has("a new file after a rotation", |entry| entry["name"].is_string()).await;
    operator.terminate(LIMIT).await;
    assert!(std::fs::read_to_string(&file).unwrap().ends_with('\n'), "the last line is whole");
}
