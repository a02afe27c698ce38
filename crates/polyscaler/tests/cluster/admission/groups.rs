//! ScalingGroups that both refuse, and that both take.

use serde_json::{Value, json};

fn valid() -> Value {
    json!({
        "apiVersion": "polyscaler.dev/v1alpha1", "kind": "ScalingGroup",
        "metadata": { "name": "judged", "namespace": "default" },
        "spec": {
            "members": [
                { "name": "webui", "targetRef": { "name": "teastore-webui" }, "maxReplicas": 10, "capacity": 100 },
                { "targetRef": { "name": "auth" }, "minReplicas": 2, "maxReplicas": 8, "weight": 0.5 },
                { "name": "db", "targetRef": { "kind": "StatefulSet", "name": "db" }, "maxReplicas": 4 },
            ],
            "metrics": [{
                "name": "requests", "type": "http", "member": "webui",
                "config": { "url": "http://load/requests", "valuePath": "$.n" },
            }],
            "callGraph": [
                { "from": "webui", "to": "auth" },
                { "from": "auth", "to": "db", "callsPerCall": 1.5 },
            ],
            "budget": { "maxPods": 20, "maxCostPerHour": 5, "costPerPodHour": 0.1 },
        },
    })
}

/// The valid object in which each field at a JSON pointer under `/spec` holds another value; null removes it.
fn with(fields: &[(&str, Value)]) -> Value {
    let mut object = valid();
    for (pointer, value) in fields {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = object["spec"].pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
        match (parent, value) {
            (Value::Array(items), value) => items.push(value.clone()),
            (parent, Value::Null) => drop(parent.as_object_mut().unwrap().remove(field)),
            (parent, value) => parent[field] = value.clone(),
        }
    }
    object
}

fn one(pointer: &str, value: Value) -> Value {
    with(&[(pointer, value)])
}

/// The valid object with one more member, beside the given fields.
fn member(fields: Value) -> Value {
    let mut member = json!({ "targetRef": { "name": "more" }, "maxReplicas": 5 });
    member.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    one("/members/-", member)
}

fn call(from: &str, to: &str) -> Value {
    one("/callGraph/-", json!({ "from": from, "to": to }))
}

fn budget(budget: Value) -> Value {
    one("/budget", budget)
}

pub(super) fn bad() -> Vec<Value> {
    let many = |count: usize| -> Value {
        let member = |index| json!({ "targetRef": { "name": format!("m-{index}") }, "maxReplicas": 5 });
        (0..count).map(member).collect()
    };
    vec![
        one("/members", Value::Null),
        with(&[
            ("/members", json!([])),
            ("/callGraph", json!([])),
            ("/metrics", json!([])),
            ("/policy", json!({ "type": "random" })),
        ]),
        with(&[("/members", many(65)), ("/callGraph", json!([])), ("/metrics", json!([]))]),
        one("/members/0/maxReplicas", Value::Null),
        one("/members/0/targetRef", Value::Null),
        one("/members/0/maxReplicas", json!(0)),
        one("/members/0/minReplicas", json!(-1)),
        one("/members/1/minReplicas", json!(9)),
        with(&[("/members/1/minReplicas", json!(9)), ("/members/2/minReplicas", json!(9))]),
        one("/members/0/weight", json!(0)),
        one("/members/0/weight", json!(-1)),
        one("/members/0/capacity", json!(0)),
        one("/members/0/capacity", json!("100")),
        one("/members/0/costPerPodHour", json!(-0.1)),
        one("/members/0/name", json!("web ui")),
        one("/members/0/name", json!("")),
        one("/members/0/namespace", json!("a/b")),
        one("/members/0/targetRef/kind", json!("k".repeat(64))),
        one("/members/0/targetRef/apiVersion", json!("v".repeat(318))),
        one("/members/0/replicas", json!(3)),
        member(json!({ "name": "auth" })),
        member(json!({ "targetRef": { "name": "auth" } })),
        member(json!({ "name": "again", "targetRef": { "name": "auth" } })),
        member(json!({ "name": "db", "targetRef": { "name": "db" }, "minReplicas": 6 })),
        one("/metrics/0/member", json!("teastore-webui")),
        one("/metrics/0/targetValue", json!(0)),
        one("/metrics/0/type", Value::Null),
        one("/metrics/0/fallback", json!({ "afterSeconds": 60 })),
        one("/metrics", (0..21).map(|index| json!({ "type": index.to_string() })).collect()),
        one("/policy", json!({ "type": "slo" })),
        with(&[("/policy", json!({ "type": "slo" })), ("/members/1/minReplicas", json!(9))]),
        one("/policy", json!({ "type": "bottleneck", "config": { "utilization": 0 } })),
        one("/policy", json!({ "type": "bottleneck", "config": { "utilization": 1.1 } })),
        one("/policy", json!({ "type": "random", "config": { "seed": -1 } })),
        one("/policy", json!({ "type": "random", "config": { "sed": 1 } })),
        one(
            "/policy",
            json!({ "type": "external", "config": { "address": "http://p:1", "timeoutSeconds": 31 } }),
        ),
        one("/policy", json!({ "type": "external", "config": { "address": "ftp://p:1" } })),
        call("webui", "cache"),
        call("cache", "webui"),
        call("db", "db"),
        call("webui", "auth"),
        with(&[
            ("/callGraph/-", json!({ "from": "webui", "to": "auth" })),
            ("/callGraph/-", json!({ "from": "webui", "to": "auth", "callsPerCall": 2 })),
            ("/callGraph/-", json!({ "from": "auth", "to": "auth" })),
        ]),
        one("/callGraph/0/callsPerCall", json!(0)),
        one("/callGraph/0/from", Value::Null),
        budget(json!({})),
        budget(json!({ "costPerPodHour": 0.1 })),
        budget(json!({ "maxPods": 0 })),
        budget(json!({ "maxPods": 3 })),
        budget(json!({ "maxCostPerHour": 5 })),
        budget(json!({ "maxCostPerHour": 0.39, "costPerPodHour": 0.1 })),
        budget(json!({ "maxCostPerHour": -1, "costPerPodHour": 0.1 })),
        budget(json!({ "maxPods": 3, "maxCostPerHour": 0.1, "costPerPodHour": 1 })),
        one("/intervalSeconds", json!(0)),
        one("/safety", json!({ "maxScaleUpRate": 0 })),
    ]
}

/// The largest group that there can be, of names as long as names can be and with as many calls as there can be,
/// between the members that are found last.
fn largest() -> Value {
    let name = |index: usize| format!("{}-{index:02}", "m".repeat(250));
    let member =
        |index| json!({ "name": name(index), "targetRef": { "name": name(index) }, "maxReplicas": 5 });
    let pairs = (1..64).rev().flat_map(|to| (0..to).rev().map(move |from| (from, to)));
    let call = |(from, to)| json!({ "from": name(from), "to": name(to) });
    with(&[
        ("/members", (0..64).map(member).collect()),
        ("/callGraph", pairs.take(256).map(call).collect()),
        ("/metrics", json!([])),
        ("/policy", json!({ "type": "random" })),
        ("/budget", json!({ "maxPods": 64, "maxCostPerHour": 6.4, "costPerPodHour": 0.1 })),
    ])
}

pub(super) fn good() -> Vec<Value> {
    vec![
        valid(),
        one("/budget", Value::Null),
        budget(json!({ "maxPods": 4 })),
        budget(json!({ "maxCostPerHour": 0.4, "costPerPodHour": 0.1 })),
        one("/members/1/minReplicas", json!(8)),
        one("/members/0/minReplicas", json!(0)),
        one("/members/0/namespace", json!("default")),
        one("/policy", json!({ "type": "bottleneck", "config": { "utilization": 0.8 } })),
        with(&[("/policy", json!({ "type": "random", "config": { "seed": 7 } })), ("/metrics", Value::Null)]),
        with(&[("/policy", json!({ "type": "proportional" })), ("/metrics/0/targetValue", json!(100))]),
        one("/policy", json!({ "type": "external", "config": { "address": "http://policy.shop:50051" } })),
        with(&[("/members/0/capacity", Value::Null), ("/metrics/0/targetValue", json!(100))]),
        one("/metrics/0/member", Value::Null),
        one("/metrics/0/fallback", json!({ "afterSeconds": 60, "replicas": 4 })),
        member(json!({ "capacity": 5 })),
        call("webui", "db"),
        // It is judged within what the API server spends on rules.
        largest(),
    ]
}
