use serde_json::{Value, json};

use super::*;
use crate::fixture::Shop;
use crate::policy::Bottleneck;
use crate::{Limits, Memory, Scale, decide};

fn shop(calls: Option<f64>) -> Shop {
    let shop = Shop::default().member("webui", Some(100.0)).bounds(1, 8).replicas(4).cost(0.1);
    let shop =
        shop.member("db", None).weight(0.5).bounds(2, 3).replicas(2).member("cache", Some(9.0)).missing();
    let shop = shop.member("far", Some(10.0)).replicas(3).refused().call("webui", "db", 2.0);
    let shop = shop.call("webui", "cache", 1.0).call("webui", "far", 1.0);
    shop.metric("requests", Some("webui"), Some(50.0), calls).budget(Some(30), None)
}

fn state(shop: &Shop) -> State {
    let plan = shop.plan(Bottleneck::default(), Limits::default());
    State::of(&plan, &shop.observation(), Time::from_seconds(90))
}

#[test]
fn a_state_says_all_that_is_known() {
    let mut shop = shop(Some(500.0));
    shop.scales[0] = Some(Scale { replicas: 4, status_replicas: 3, ready: Some(2) });
    shop.scales[1] = Some(Scale { replicas: 2, status_replicas: 1, ready: None });
    let seen = state(&shop);
    let expected = json!({
        "at": "1970-01-01T00:01:30Z",
        "intervalSeconds": 15.0,
        "members": [
            {"name": "webui", "replicas": 4, "ready": 2, "min": 1, "max": 8, "weight": 1.0, "capacity": 100.0,
             "demand": 500.0, "load": 2.5, "need": 5, "costPerPodHour": 0.1},
            {"name": "db", "replicas": 2, "ready": 1, "min": 2, "max": 3, "weight": 0.5,
             "demand": 1000.0, "need": 3, "costPerPodHour": 0.0},
            {"name": "cache", "min": 1, "max": 100, "weight": 1.0, "capacity": 9.0,
             "demand": 500.0, "need": 56, "costPerPodHour": 0.0},
            {"name": "far", "min": 1, "max": 100, "weight": 1.0, "capacity": 10.0,
             "demand": 500.0, "need": 50, "costPerPodHour": 0.0},
        ],
        "metrics": [{"name": "requests", "member": "webui", "value": 500.0, "target": 50.0}],
        "budget": {"maxPods": 30},
    });
    assert_eq!(serde_json::to_value(&seen).unwrap(), expected);
    assert_eq!(serde_json::from_value::<State>(expected).unwrap(), seen);
}

#[test]
fn what_is_absent_is_absent_and_not_zero() {
    let mut shop = shop(None);
    shop.group.budget = None;
    shop.metrics[0].member = None;
    let seen = serde_json::to_value(state(&shop)).unwrap();
    assert_eq!(seen["metrics"], json!([{"name": "requests", "target": 50.0}]));
    assert_eq!(seen.get("budget"), None);
    for member in seen["members"].as_array().unwrap() {
        let known = |field: &str| member.get(field).is_some();
        assert!(!known("demand") && !known("load") && !known("need"), "{member}");
    }
    assert_eq!(serde_json::from_value::<State>(seen).unwrap(), state(&shop));
}

#[test]
fn a_lower_bound_is_no_need() {
    let shop = shop(Some(500.0)).metric("rows", Some("cache"), None, None);
    assert_eq!(
        state(&shop).members.iter().map(|member| member.need).collect::<Vec<_>>()[1..3],
        [Some(3), None]
    );
}

#[test]
fn an_act_names_the_members_that_were_decided() {
    let shop = shop(Some(700.0));
    let plan = shop.plan(Bottleneck::default(), Limits::default());
    let decision = decide(&plan, &mut Memory::default(), &shop.observation(), Time::default());
    let act = Act::of(&plan, &decision);
    let reported: Value = serde_json::to_value(&act).unwrap();
    assert_eq!(reported, json!({"webui": 7, "db": 3}));
    assert_eq!(serde_json::from_value::<Act>(reported).unwrap(), act);
}

/// A state of one member with 2 to 8 pods.
fn one(replicas: Option<u32>, ready: Option<u32>, need: Option<u32>) -> MemberState {
    MemberState {
        name: "web".to_owned(),
        replicas,
        ready,
        min: 2,
        max: 8,
        weight: 1.0,
        capacity: None,
        demand: None,
        load: None,
        need,
        cost_per_pod_hour: 0.0,
    }
}

fn of(members: Vec<MemberState>) -> Option<f64> {
    let (metrics, budget) = (Vec::new(), None);
    reward(&State { at: Time::default(), interval_seconds: 15.0, members, metrics, budget })
}

#[test]
fn shortage_and_surplus_cost() {
    let cases = [
        ((4, 4, 4), 0.0),
        ((4, 3, 4), -SHORTAGE_WEIGHT / 4.0),
        ((4, 0, 4), -SHORTAGE_WEIGHT),
        ((5, 5, 4), -0.2),
        ((8, 2, 4), -SHORTAGE_WEIGHT / 2.0 - 0.5),
        // Bounds are not the policy's fault.
        ((8, 8, 20), 0.0),
        ((2, 2, 0), 0.0),
        ((0, 0, 0), -SHORTAGE_WEIGHT),
    ];
    for ((replicas, ready, need), expected) in cases {
        let got = of(vec![one(Some(replicas), Some(ready), Some(need))]);
        assert_eq!(got, Some(expected), "{replicas} {ready} {need}");
    }
    let idle = MemberState { min: 0, ..one(Some(0), Some(0), Some(0)) };
    assert_eq!(of(vec![idle]), Some(0.0));
    let asked = MemberState { min: 0, ..one(Some(3), Some(0), Some(0)) };
    assert_eq!(of(vec![asked]), Some(-1.0));
}

#[test]
fn the_mean_is_over_those_that_are_known() {
    let (good, short) = (one(Some(4), Some(4), Some(4)), one(Some(2), Some(2), Some(4)));
    assert_eq!(of(vec![good.clone(), short]), Some(-SHORTAGE_WEIGHT / 4.0));
    let (unknown, missing) = (one(Some(9), Some(9), None), one(None, None, Some(4)));
    assert_eq!(of(vec![good, unknown.clone(), missing.clone()]), Some(0.0));
    assert_eq!(of(vec![unknown, missing]), None);
    assert_eq!(of(Vec::new()), None);
}
