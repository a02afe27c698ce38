use engine::Problem;
use serde_json::json;

use super::*;
use crate::Context;
use crate::lenient::{Lenient, question};

fn context(admitting: bool, allow_cross_namespace: bool) -> Context<'static> {
    Context {
        catalog: &Lenient,
        policies: &engine::POLICIES,
        allow_cross_namespace,
        admitting,
        resolved: None,
    }
}

/// A shop of which each member is called by another, but for its entry.
fn shop() -> Value {
    json!({
        "members": [
            { "targetRef": { "name": "webui" }, "maxReplicas": 10, "capacity": 100 },
            { "name": "auth", "targetRef": { "name": "shop-auth" }, "minReplicas": 2, "maxReplicas": 8, "weight": 0.5 },
            { "name": "db", "targetRef": { "kind": "StatefulSet", "name": "db" }, "maxReplicas": 4, "capacity": 300,
              "costPerPodHour": 0.4 },
        ],
        "metrics": [
            { "name": "requests", "type": "prometheus", "config": { "query": "q" }, "member": "webui" },
            { "type": "usage", "member": "db", "targetValue": 60 },
        ],
        "callGraph": [
            { "from": "webui", "to": "auth" },
            { "from": "webui", "to": "db", "callsPerCall": 0.5 },
            { "from": "auth", "to": "db", "callsPerCall": 2 },
        ],
        "budget": { "maxPods": 20, "maxCostPerHour": 5, "costPerPodHour": 0.1 },
    })
}

fn object(spec: Value) -> Value {
    json!({ "apiVersion": "polyscaler.dev/v1alpha1", "kind": "ScalingGroup",
            "metadata": { "name": "shop", "namespace": "shop" }, "spec": spec })
}

/// The shop in which each pointer holds another value. Null removes what is there, and into a list is inserted.
fn with(fields: &[(&str, Value)]) -> Value {
    let mut spec = shop();
    for (pointer, value) in fields {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = spec.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
        match (parent, value) {
            (Value::Array(items), Value::Null) => drop(items.remove(field.parse().unwrap())),
            (Value::Array(items), value) => items.insert(field.parse().unwrap(), value.clone()),
            (parent, Value::Null) => drop(parent.as_object_mut().unwrap().remove(field)),
            (parent, value) => parent[field] = value.clone(),
        }
    }
    object(spec)
}

fn problems(object: &Value) -> Vec<String> {
    let problems = KIND.compile(object, &context(true, false)).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_shop_makes_a_plan() {
    let plan = KIND.compile(&object(shop()), &context(true, false)).unwrap().plan;
    let names: Vec<&str> = plan.members.iter().map(|member| member.role.name.as_str()).collect();
    assert_eq!(names, ["webui", "auth", "db"]);
    let targets: Vec<String> = plan.members.iter().map(|member| member.target.to_string()).collect();
    assert_eq!(targets, ["Deployment shop/webui", "Deployment shop/shop-auth", "StatefulSet shop/db"]);
    let bounds: Vec<_> =
        plan.members.iter().map(|member| (member.bounds.min(), member.bounds.max())).collect();
    assert_eq!(bounds, [(1, 10), (2, 8), (1, 4)]);
    let roles: Vec<_> = plan
        .members
        .iter()
        .map(|member| (member.role.weight, member.role.capacity, member.role.cost_per_pod_hour))
        .collect();
    assert_eq!(roles, [(1.0, Some(100.0), 0.1), (0.5, None, 0.1), (1.0, Some(300.0), 0.4)]);
    assert!(plan.members.iter().all(|member| member.role.refusal.is_none()));
    let group = plan.group.unwrap();
    let edges: Vec<_> =
        group.graph.edges().iter().map(|edge| (edge.from, edge.to, edge.calls_per_call)).collect();
    assert_eq!(edges, [(0, 1, 1.0), (0, 2, 0.5), (1, 2, 2.0)]);
    let budget = group.budget.unwrap();
    assert_eq!((budget.max_pods, budget.max_cost_per_hour), (Some(20), Some(5.0)));
    assert_eq!((plan.policy.name(), plan.interval.as_secs()), ("bottleneck", 15));
}

#[test]
fn metrics_know_their_member() {
    let plan = KIND.compile(&object(shop()), &context(true, false)).unwrap().plan;
    let [requests, usage] = &plan.metrics[..] else { panic!("{:?}", plan.metrics) };
    assert_eq!((requests.name.as_str(), requests.member, requests.target), ("requests", Some(0), None));
    let asked = question(&requests.query);
    assert_eq!((asked.namespace.as_str(), asked.target.as_ref().unwrap().name.as_str()), ("shop", "webui"));
    assert_eq!((usage.name.as_str(), usage.member), ("usage", Some(2)));
    assert_eq!(usage.target.map(engine::MetricTarget::value), Some(60.0));
    assert_eq!(question(&usage.query).target.as_ref().unwrap().to_string(), "StatefulSet shop/db");
}

#[test]
fn what_contradicts_itself_is_refused_at_its_place() {
    let call = |from: &str, to: &str| json!({ "from": from, "to": to });
    let member = |fields: Value| {
        let mut member = json!({ "targetRef": { "name": "more" }, "maxReplicas": 5 });
        member.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        member
    };
    let cases = [
        (
            with(&[("/members/1/minReplicas", json!(9))]),
            "spec.members[1].minReplicas: Invalid value: minReplicas must not be above maxReplicas",
        ),
        (
            with(&[("/members/3", member(json!({ "name": "auth" })))]),
            "spec.members: Invalid value: names of members must be distinct",
        ),
        (
            with(&[("/members/3", member(json!({ "name": "shop", "targetRef": { "name": "webui" } })))]),
            "spec.members: Invalid value: a target can be a member only once",
        ),
        (
            with(&[(
                "/members/3",
                member(json!({ "name": "shop", "namespace": "shop", "targetRef": { "name": "webui" } })),
            )]),
            "spec.members[3].targetRef: Invalid value: Deployment shop/webui is already a member: webui",
        ),
        (
            with(&[("/members/0/namespace", json!("other"))]),
            "spec.members[0].namespace: Invalid value: \"other\": must be shop, the namespace of this object; the \
             operator's flag --allow-cross-namespace lifts this",
        ),
        (
            with(&[("/metrics/0/member", json!("shop-auth"))]),
            "spec.metrics: Invalid value: a metric's member must be the name of a member",
        ),
        (
            with(&[("/metrics/1/member", Value::Null)]),
            "spec.metrics[1].member: Required value: usage is measured at a target, so the metric needs a member",
        ),
        (with(&[("/metrics/0/type", json!("broken"))]), "spec.metrics[0].config.url: Required value"),
        (
            with(&[("/metrics/1/fallback", json!({ "behavior": "currentReplicasIfHigher" }))]),
            "spec.metrics[1].fallback: Invalid value: a fallback needs replicas, unless its behavior is currentReplicas",
        ),
        (
            with(&[("/callGraph/3", call("db", "cache"))]),
            "spec.callGraph: Invalid value: from and to must be names of members",
        ),
        (
            with(&[("/callGraph/3", call("cache", "db"))]),
            "spec.callGraph: Invalid value: from and to must be names of members",
        ),
        (
            with(&[("/callGraph/3", call("db", "db"))]),
            "spec.callGraph[3].to: Invalid value: a member must not call itself",
        ),
        (
            with(&[("/callGraph/3", call("auth", "db"))]),
            "spec.callGraph[3]: Duplicate value: {\"from\":\"auth\",\"to\":\"db\"}",
        ),
        (
            with(&[("/callGraph/3", call("db", "webui"))]),
            "spec.callGraph: Invalid value: calls must not form a cycle: webui → db → webui",
        ),
        (
            with(&[("/budget", json!({ "costPerPodHour": 1 }))]),
            "spec.budget: Invalid value: maxPods or maxCostPerHour must be set",
        ),
        (
            with(&[("/budget/maxPods", json!(3))]),
            "spec.budget.maxPods: Invalid value: the budget must allow minReplicas of all members: their sum must not be \
             above maxPods",
        ),
        (
            with(&[("/budget/maxCostPerHour", json!(0.69))]),
            "spec.budget.maxCostPerHour: Invalid value: the budget must cover minReplicas of all members: their cost \
             must not be above maxCostPerHour",
        ),
        (
            with(&[("/budget/costPerPodHour", Value::Null)]),
            "spec.budget.maxCostPerHour: Invalid value: maxCostPerHour needs costPerPodHour of the budget or of every \
             member",
        ),
        (
            with(&[("/members/0/name", json!("web ui"))]),
            "spec.members[0].name: Invalid value: \"web ui\": spec.members[0].name in body should match \
             '^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'",
        ),
    ];
    for (object, problem) in cases {
        let found = problems(&object);
        assert_eq!(found.first().map(String::as_str), Some(problem), "{found:?}");
    }
}

#[test]
fn what_is_just_within_is_taken() {
    let cases = [
        with(&[("/members/1/minReplicas", json!(8))]),
        with(&[("/budget/maxPods", json!(4))]),
        with(&[("/budget/maxCostPerHour", json!(0.7))]),
        with(&[("/budget", Value::Null)]),
        with(&[("/budget", json!({ "maxPods": 20 }))]),
        with(&[("/members/0/namespace", json!("shop"))]),
        with(&[("/callGraph/2", Value::Null), ("/callGraph/2", json!({ "from": "db", "to": "auth" }))]),
    ];
    for object in cases {
        assert_eq!(problems(&object), [""; 0], "{}", object["spec"]);
    }
}

#[test]
fn a_field_with_nothing_behind_it_is_as_if_it_were_not_there() {
    let mut bare = shop();
    let (mut kind, mut weight, mut price) = (bare.clone(), bare.clone(), bare.clone());
    for field in ["callGraph", "policy", "intervalSeconds", "safety", "budget"] {
        bare[field] = Value::Null;
    }
    bare["members"][0]["minReplicas"] = Value::Null;
    kind["members"][0]["targetRef"]["kind"] = Value::Null;
    weight["members"][1]["weight"] = Value::Null;
    price["members"][2]["costPerPodHour"] = Value::Null;
    bare["metrics"][0]["config"]["serverAddress"] = Value::Null;
    for spec in [bare, kind, weight, price] {
        assert_eq!(problems(&object(spec.clone())), [""; 0], "{spec}");
    }
    let mut missing = shop();
    missing["members"][0]["maxReplicas"] = Value::Null;
    assert_eq!(problems(&object(missing)), ["spec.members[0].maxReplicas: Required value"]);
}

#[test]
fn a_policy_says_what_it_lacks() {
    let cases = [
        (
            with(&[("/metrics", json!([]))]),
            "spec.metrics: Required value: this policy needs at least one metric",
        ),
        (
            with(&[("/members/0/capacity", Value::Null)]),
            "spec.members[0].capacity: Required value: demand enters here",
        ),
        (
            with(&[("/callGraph", json!([])), ("/metrics/0/member", Value::Null)]),
            "spec.metrics[0].member: Required value: no member calls webui, auth, db, so the metric must name \
             the one",
        ),
        (
            with(&[("/policy", json!({ "type": "proportional" }))]),
            "spec.metrics[0].targetValue: Required value: ",
        ),
        (
            with(&[("/policy", json!({ "type": "proportional" })), ("/metrics", json!([]))]),
            "spec.metrics: Required value: ",
        ),
        (
            with(&[("/policy", json!({ "config": { "utilization": 0 } }))]),
            "spec.policy.config.utilization: Invalid value: 0: spec.policy.config.utilization in body should be greater \
             than 0",
        ),
        (with(&[("/policy", json!({ "type": "slo" }))]), "spec.policy.type: Unsupported value: \"slo\""),
    ];
    for (object, problem) in cases {
        let found = problems(&object);
        assert!(found.first().is_some_and(|found| found.starts_with(problem)), "{found:?}");
    }
    assert_eq!(
        problems(&with(&[("/members/0/capacity", Value::Null), ("/metrics/0/targetValue", json!(100))])),
        [""; 0]
    );
    assert_eq!(
        problems(&with(&[("/policy", json!({ "type": "random" })), ("/metrics", json!([]))])),
        [""; 0]
    );
}

#[test]
fn the_operator_leaves_a_member_of_another_namespace_alone() {
    let object = with(&[("/members/0/namespace", json!("other"))]);
    let plan = KIND.compile(&object, &context(false, false)).unwrap().plan;
    let refusals: Vec<bool> = plan.members.iter().map(|member| member.role.refusal.is_some()).collect();
    assert_eq!(refusals, [true, false, false]);
    let refusal = plan.members[0].role.refusal.as_ref().unwrap();
    assert!(refusal.contains("--allow-cross-namespace"), "{refusal}");
    let usage = with(&[("/members/2/namespace", json!("other"))]);
    let plan = KIND.compile(&usage, &context(false, false)).unwrap().plan;
    assert_eq!(question(&plan.metrics[1].query).target, None, "nor is the usage of its pods read");
    for admitting in [true, false] {
        let plan = KIND.compile(&object, &context(admitting, true)).unwrap().plan;
        assert_eq!(plan.members[0].target.to_string(), "Deployment other/webui");
        assert_eq!(plan.members[0].role.refusal, None);
    }
}
