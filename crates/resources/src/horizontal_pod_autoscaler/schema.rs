//! The fields of an HPA and their types, as the API server decodes them. What it requires it says by rules of its own.

use engine::PolicyTable;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Map, Value, json};

use crate::schema;

/// The grammar of amounts.
const QUANTITY: &str = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?$";

/// The schema in the form in which those of our kinds come.
pub(super) fn definition(_: &PolicyTable) -> CustomResourceDefinition {
    let version = json!({ "name": "v2", "served": true, "storage": true, "schema": { "openAPIV3Schema": object([
        ("spec", spec()),
    ]) } });
    let definition = json!({
        "metadata": { "name": "horizontalpodautoscalers.autoscaling" },
        "spec": {
            "group": "autoscaling",
            "names": { "kind": "HorizontalPodAutoscaler", "plural": "horizontalpodautoscalers" },
            "scope": "Namespaced",
            "versions": [version],
        },
    });
    serde_json::from_value(definition).unwrap_or_else(|error| unreachable!("it is plain data: {error}"))
}

fn spec() -> Value {
    object([
        ("scaleTargetRef", reference()),
        ("minReplicas", count()),
        ("maxReplicas", count()),
        ("metrics", list(metric())),
        ("behavior", object([("scaleUp", rules()), ("scaleDown", rules())])),
    ])
}

fn metric() -> Value {
    let resource = || [("name", text()), ("target", target())];
    let [name, aim] = resource();
    object([
        ("type", text()),
        ("resource", object(resource())),
        ("containerResource", object([name, ("container", text()), aim])),
        ("pods", object([("metric", id()), ("target", target())])),
        ("object", object([("describedObject", reference()), ("metric", id()), ("target", target())])),
        ("external", object([("metric", id()), ("target", target())])),
    ])
}

fn target() -> Value {
    object([
        ("type", text()),
        ("value", quantity()),
        ("averageValue", quantity()),
        ("averageUtilization", count()),
    ])
}

fn id() -> Value {
    let labels = json!({ "type": "object", "additionalProperties": text() });
    let expression = object([("key", text()), ("operator", text()), ("values", list(text()))]);
    let selector = object([("matchLabels", labels), ("matchExpressions", list(expression))]);
    object([("name", text()), ("selector", selector)])
}

fn reference() -> Value {
    object([("apiVersion", text()), ("kind", text()), ("name", text())])
}

fn rules() -> Value {
    let policy = object([("type", text()), ("value", count()), ("periodSeconds", count())]);
    object([
        ("stabilizationWindowSeconds", count()),
        ("selectPolicy", text()),
        ("policies", list(policy)),
        ("tolerance", quantity()),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields: Map<String, Value> =
        fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "type": "object", "properties": fields })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// A number of 32 bits.
fn count() -> Value {
    json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX })
}

/// An amount, as a text or a number.
fn quantity() -> Value {
    json!({ "format": schema::QUANTITY, "pattern": QUANTITY, "x-kubernetes-int-or-string": true })
}
