//! One object: what was decided, by what numbers, what holds it back, and what would change it.

use serde_json::{Value, json};

use super::say;
use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_explained_with_what_would_change_it() {
    let scene = Scene::new("why").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3200);
    scene.operator(&[]).await;
    let web = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    web.wait_for_field("currentReplicas", 6).await;
    web.wait_for_event("Normal", "SuccessfulRescale", "from 2 to 6").await;
    let object = format!("businessscaling/{}", web.name);
    let said = say(&scene, &["why", &object]);
    said.expect(
        0,
        &[
            &format!("BusinessScaling {}, scales Deployment/web, Active", web.name),
            "ready since",
            "6 replicas (2 to 10 allowed)",
            "linear 6 (3200 in 1000..5000)",
            "3200  low 1000, high 5000",
            "3200 asks for 6 replicas: from 3500 on for 7, from 2999 down for 5",
            "2 → 6",
            "linear 2→6 (3200 in 1000..5000)",
            "SuccessfulRescale",
        ],
    );

    // More than is allowed: the maximum holds it back.
    web.patch_spec(json!({ "scaleThresholds": { "maxReplicas": 7 } })).await;
    scene.users("/users", 9000);
    target.wait_for(7).await;
    scene.metrics.set("/users", testbed::Answer::html("<p>log in</p>"));
    web.wait_for("Ready", "False", "MetricMalformed").await;
    let said = say(&scene, &["why", &object]);
    said.expect(
        1,
        &["not ready since", "Held back by", "MetricMalformed", "have the source answer with a number"],
    );
    let json = say(&scene, &["why", &object, "-o", "json"]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&report["bounds"], &report["metrics"][0]["value"]), (&json!([2, 7]), &Value::Null));
    assert_eq!(report["scales"][0]["to"], 7);

    let missing = say(&scene, &["why", "businessscaling/nobody"]);
    assert_eq!(missing.status, 2);
    assert!(missing.stderr.contains("there is no BusinessScaling called nobody"), "{missing:?}");
    let unknown = say(&scene, &["why", "deployment/web"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("known are businessscaling"), "{unknown:?}");
}
