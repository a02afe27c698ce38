//! The CRD: KEDA's, schema for schema.

use super::*;

#[test]
fn the_crd_is_as_it_was() {
    insta::assert_snapshot!(crate::crd_yaml(&KIND.crd(&engine::POLICIES)));
}

fn crd() -> Value {
    serde_json::to_value(KIND.crd(&engine::POLICIES)).unwrap()
}

/// The schema of the object's part `part`.
fn schema(part: &str) -> Value {
    crd().pointer(&format!("/spec/versions/0/schema/openAPIV3Schema/properties/{part}")).unwrap().clone()
}

#[test]
fn contract_1_1_names_and_columns_are_kedas() {
    let crd = crd();
    let columns = crd.pointer("/spec/versions/0/additionalPrinterColumns").unwrap().as_array().unwrap();
    let text = |column: &Value, field: &str| column[field].as_str().unwrap().to_owned();
    let lines = columns
        .iter()
        .map(|one| format!("{} {} {}", text(one, "name"), text(one, "type"), text(one, "jsonPath")))
        .collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            "ScaleTargetKind string .status.scaleTargetKind",
            "ScaleTargetName string .spec.scaleTargetRef.name",
            "Min integer .spec.minReplicaCount",
            "Max integer .spec.maxReplicaCount",
            "Ready string .status.conditions[?(@.type==\"Ready\")].status",
            "Active string .status.conditions[?(@.type==\"Active\")].status",
            "Fallback string .status.conditions[?(@.type==\"Fallback\")].status",
            "Paused string .status.conditions[?(@.type==\"Paused\")].status",
            "Triggers string .status.triggersTypes",
            "Authentications string .status.authenticationsTypes",
            "Age date .metadata.creationTimestamp",
        ]
    );
    assert!(columns.iter().all(|column| column.get("priority").is_none()));
    let spec = &crd["spec"];
    assert_eq!((&spec["group"], &spec["scope"]), (&json!("keda.sh"), &json!("Namespaced")));
    let names = &spec["names"];
    assert_eq!(
        (&names["plural"], &names["singular"], &names["kind"], &names["shortNames"]),
        (&json!("scaledobjects"), &json!("scaledobject"), &json!("ScaledObject"), &json!(["so"]))
    );
    assert_eq!((names.get("categories"), spec.get("conversion")), (None, None));
    let versions = spec["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[0]["name"]), (1, &json!("v1alpha1")));
    assert_eq!((&versions[0]["served"], &versions[0]["storage"]), (&json!(true), &json!(true)));
    assert_eq!(versions[0]["subresources"], json!({ "status": {} }), "and no scale");
    assert_eq!(versions[0]["schema"]["openAPIV3Schema"]["required"], json!(["spec"]));
}

#[test]
fn contract_1_1_each_field_of_the_spec_has_kedas_type_and_limits() {
    let spec = schema("spec");
    let seconds = |minimum: f64| json!({ "type": "integer", "minimum": minimum, "maximum": 2_147_483_647.0 });
    let text = || json!({ "type": "string" });
    let behaviors = [
        "static",
        "currentReplicas",
        "currentReplicasIfHigher",
        "currentReplicasIfLower",
        "scalingModifiers",
    ];
    for (path, wanted) in [
        ("scaleTargetRef/properties/name", json!({ "type": "string", "minLength": 1 })),
        ("scaleTargetRef/properties/apiVersion", text()),
        ("scaleTargetRef/properties/kind", text()),
        ("scaleTargetRef/properties/envSourceContainerName", text()),
        ("pollingInterval", seconds(1.0)),
        ("initialCooldownPeriod", seconds(0.0)),
        ("cooldownPeriod", seconds(0.0)),
        ("idleReplicaCount", seconds(0.0)),
        ("minReplicaCount", seconds(0.0)),
        ("maxReplicaCount", seconds(1.0)),
        ("advanced/properties/restoreToOriginalReplicaCount", json!({ "type": "boolean" })),
        ("advanced/properties/horizontalPodAutoscalerConfig/properties/name", text()),
        ("advanced/properties/scalingModifiers/properties/formula", text()),
        ("advanced/properties/scalingModifiers/properties/target", text()),
        ("advanced/properties/scalingModifiers/properties/activationTarget", text()),
        (
            "advanced/properties/scalingModifiers/properties/metricType",
            json!({ "type": "string", "enum": ["AverageValue", "Value"] }),
        ),
        ("fallback/properties/failureThreshold", seconds(0.0)),
        ("fallback/properties/replicas", seconds(0.0)),
        ("fallback/properties/behavior", json!({ "type": "string", "enum": behaviors, "default": "static" })),
        ("triggers/items/properties/type", json!({ "type": "string", "minLength": 1 })),
        ("triggers/items/properties/name", text()),
        ("triggers/items/properties/metricType", text()),
        ("triggers/items/properties/useCachedMetrics", json!({ "type": "boolean" })),
        (
            "triggers/items/properties/metadata",
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        ),
        ("triggers/items/properties/authenticationRef/properties/name", text()),
        (
            "triggers/items/properties/authenticationRef/properties/kind",
            json!({ "type": "string", "enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"] }),
        ),
    ] {
        let mut found =
            spec.pointer(&format!("/properties/{path}")).unwrap_or_else(|| panic!("{path}")).clone();
        found.as_object_mut().unwrap().remove("description");
        assert_eq!(found, wanted, "{path}");
    }
    for (path, wanted) in [
        ("", json!(["scaleTargetRef", "triggers"])),
        ("/properties/scaleTargetRef", json!(["name"])),
        ("/properties/fallback", json!(["failureThreshold", "replicas"])),
        ("/properties/triggers/items", json!(["metadata", "type"])),
        ("/properties/triggers/items/properties/authenticationRef", json!(["name"])),
    ] {
        assert_eq!(spec.pointer(&format!("{path}/required")), Some(&wanted), "{path}");
    }
    assert_eq!(spec.pointer("/properties/triggers/minItems"), Some(&json!(1)));
    let defaults = spec.to_string().matches("\"default\":").count();
    assert_eq!(defaults, 1, "only the behavior of a fallback has one in the schema");
    assert_eq!(
        spec["x-kubernetes-validations"],
        json!([{
            "rule": "!has(self.minReplicaCount) || self.minReplicaCount <= (has(self.maxReplicaCount) ? \
                     self.maxReplicaCount : 100)",
            "message": "minReplicaCount must be less than or equal to maxReplicaCount",
        }])
    );
}

#[test]
fn contract_1_1_each_field_of_the_status_has_kedas_type() {
    let status = schema("status");
    let types: Vec<String> = status["properties"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, field)| format!("{name} {}", field["type"].as_str().unwrap()))
        .collect();
    assert_eq!(
        types,
        [
            "authenticationsTypes string",
            "compositeScalerName string",
            "conditions array",
            "externalMetricNames array",
            "health object",
            "hpaName string",
            "lastActiveTime string",
            "originalReplicaCount integer",
            "pausedReplicaCount integer",
            "resourceMetricNames array",
            "scaleTargetGVKR object",
            "scaleTargetKind string",
            "triggersActivity object",
            "triggersTypes string",
        ]
    );
    let condition = &status["properties"]["conditions"]["items"];
    assert_eq!(condition["required"], json!(["status", "type"]));
    let fields: Vec<&String> = condition["properties"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["message", "reason", "status", "type"], "no times and no generations");
    let gvkr = &status["properties"]["scaleTargetGVKR"]["required"];
    assert_eq!(gvkr, &json!(["group", "kind", "resource", "version"]));
    assert_eq!(status["properties"]["lastActiveTime"]["format"], "date-time");
    let health = status.pointer("/properties/health/additionalProperties/properties").unwrap();
    let health: Vec<&String> = health.as_object().unwrap().keys().collect();
    assert_eq!(health, ["numberOfFailures", "status"]);
    let mut activity = status.pointer("/properties/triggersActivity/additionalProperties").unwrap().clone();
    activity["properties"]["isActive"].as_object_mut().unwrap().remove("description");
    activity.as_object_mut().unwrap().remove("description");
    assert_eq!(activity, json!({ "type": "object", "properties": { "isActive": { "type": "boolean" } } }));
}

#[test]
fn contract_1_1_fields_are_judged_as_kedas_crd_does() {
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
