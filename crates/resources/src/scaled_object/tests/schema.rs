//! The CRD: KEDA's, schema for schema.

use super::*;

#[test]
fn the_crd_is_as_it_was() {
    insta::assert_snapshot!(crate::crd_yaml(&KIND.crd(&engine::POLICIES)));
}

#[test]
fn the_columns_are_kedas() {
    let crd = serde_json::to_value(KIND.crd(&engine::POLICIES)).unwrap();
    let columns = crd.pointer("/spec/versions/0/additionalPrinterColumns").unwrap().as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "ScaleTargetKind",
            "ScaleTargetName",
            "Min",
            "Max",
            "Ready",
            "Active",
            "Fallback",
            "Paused",
            "Triggers",
            "Authentications",
            "Age"
        ]
    );
    assert!(columns.iter().all(|column| column.get("priority").is_none()));
    assert_eq!(crd.pointer("/spec/names/shortNames"), Some(&json!(["so"])));
    assert_eq!(crd.pointer("/spec/names/categories"), None);
}

#[test]
fn fields_are_judged_as_kedas_crd_does() {
    for (pointer, value, wanted) in [
        (
            "/spec/pollingInterval",
            json!(0),
            "spec.pollingInterval in body should be greater than or equal to 1",
        ),
        (
            "/spec/cooldownPeriod",
            json!(-1),
            "spec.cooldownPeriod in body should be greater than or equal to 0",
        ),
        ("/spec/initialCooldownPeriod", json!(-1), "in body should be greater than or equal to 0"),
        (
            "/spec/minReplicaCount",
            json!(-1),
            "spec.minReplicaCount in body should be greater than or equal to 0",
        ),
        (
            "/spec/maxReplicaCount",
            json!(0),
            "spec.maxReplicaCount in body should be greater than or equal to 1",
        ),
        ("/spec/scaleTargetRef", json!({}), "spec.scaleTargetRef.name: Required value"),
        ("/spec/scaleTargetRef/name", json!(""), "should be at least 1 chars long"),
        ("/spec/triggers/0/type", json!(""), "should be at least 1 chars long"),
        ("/spec/triggers/0/metadata", Value::Null, "spec.triggers[0].metadata: Required value"),
        (
            "/spec/triggers/0/metadata/threshold",
            json!(10),
            "spec.triggers[0].metadata.threshold in body must be of type string: \"integer\"",
        ),
        ("/spec/fallback", json!({ "replicas": 1 }), "spec.fallback.failureThreshold: Required value"),
        (
            "/spec/fallback",
            json!({ "replicas": 1, "failureThreshold": 1, "behavior": "none" }),
            "supported values: \"static\", \"currentReplicas\", \"currentReplicasIfHigher\", \"currentReplicasIfLower\", \
             \"scalingModifiers\"",
        ),
        (
            "/spec/advanced",
            json!({ "horizontalPodAutoscalerConfig": { "behavior": { "scaleUp": { "stabilizationWindowSeconds": 3601 } } } }),
            "should be less than or equal to 3600",
        ),
        (
            "/spec/advanced",
            json!({ "horizontalPodAutoscalerConfig": { "behavior": { "scaleUp": { "policies": [{}] } } } }),
            "policies[0].periodSeconds: Required value",
        ),
    ] {
        let found = problems(&with(pointer, value), &CONTEXT);
        assert!(found.iter().any(|problem| problem.contains(wanted)), "{wanted}: {found:#?}");
    }
}
