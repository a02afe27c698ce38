//! A step of the load on seven services that call each other: a group follows it in one action.
//! Scalers of their own need several, as a service that is saturated hides the demand of those
//! that it calls.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use testbed::teastore::{self, COUNT, SERVICES, Site};
use testbed::wait;

use crate::harness::{Operator, Scaling, Scene};

/// Until a new pod is ready. Nothing can be seen of the demand below the entry for so long.
const READY_AFTER: Duration = Duration::from_secs(3);

/// For seven Deployments whose pods are waited for one after the other, on a busy machine.
const LIMIT: Duration = Duration::from_secs(240);

const FEW: f64 = 100.0;
const MANY: f64 = 500.0;

const GROUP: (&str, &str, &str) = ("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups");
const SCALER: (&str, &str, &str) = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");

/// The application with what scales it, at peace with a low load.
async fn at_peace(
    scene: &Scene,
    kind: (&str, &str, &str),
    scalers: fn(&str, &str, u32) -> Vec<Value>,
) -> (Site, Vec<Scaling>, Operator) {
    let interval = Duration::from_secs(1);
    let site = Site::open(scene.client.clone(), &scene.namespace, FEW, interval, |_| READY_AFTER);
    let site = site.await.unwrap();
    let mut objects = Vec::new();
    for manifest in scalers(&scene.namespace, &site.url(), 1) {
        let name = manifest["metadata"]["name"].as_str().unwrap();
        objects.push(scene.object(kind, name, manifest["spec"].clone()).await);
    }
    let operator = scene.operator(&["--max-actions=1000"]).await;
    for object in &objects {
        object.wait_for("Ready", "True", "Ready").await;
    }
    assert_eq!(operator.activity().await, Vec::<Value>::new(), "it has what it needs");
    (site, objects, operator)
}

/// Takes the load up in one step; what was done until every service could bear it, oldest first. On a
/// busy machine the API server may take too long to answer, and a write is tried again.
async fn step_up(site: &Site, operator: &Operator) -> Vec<Value> {
    site.set_load(MANY);
    let satisfied = || std::future::ready(site.satisfied());
    wait::until("every service to bear its load", LIMIT, satisfied).await.unwrap();
    let mut actions = operator.activity().await;
    actions.reverse();
    for action in &actions {
        let unanswered = action["error"].as_str().is_some_and(|error| error.contains("did not answer"));
        assert!(action["applied"] == true || unanswered, "{actions:#?}");
    }
    actions
}

fn needs() -> [u32; COUNT] {
    let demands = teastore::demands(MANY);
    std::array::from_fn(|place| SERVICES[place].need(demands[place]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_follows_a_step_in_one_action() {
    let scene = Scene::new("together").await;
    let group =
        |namespace: &str, url: &str, interval| vec![teastore::scaling_group(namespace, url, interval)];
    let (site, objects, operator) = at_peace(&scene, GROUP, group).await;
    let actions = step_up(&site, &operator).await;
    assert!(actions.len() >= COUNT, "{actions:#?}");
    let decisions: BTreeSet<&str> =
        actions[..COUNT].iter().map(|action| action["timestamp"].as_str().unwrap()).collect();
    assert_eq!(decisions.len(), 1, "{actions:#?}");
    for (service, need) in SERVICES.iter().zip(needs()) {
        let target = format!("Deployment/{}", service.deployment());
        let asked: BTreeSet<u64> = actions
            .iter()
            .filter(|action| action["target"] == target)
            .map(|action| action["to"].as_u64().unwrap())
            .collect();
        assert_eq!(asked, BTreeSet::from([need.into()]), "{actions:#?}");
    }
    assert_eq!(site.pods().await.unwrap().replicas, needs());
    let reported = || async {
        let action = objects[0].status().await["lastAction"].clone();
        if action["readyAfterSeconds"].is_number() { Ok(action) } else { Err(action.to_string()) }
    };
    let action = wait::until("the action's timing", LIMIT, reported).await.unwrap();
    assert_eq!(action["members"].as_array().map(Vec::len), Some(COUNT), "{action:#}");
    let ready = action["readyAfterSeconds"].as_f64().unwrap();
    assert!(ready > READY_AFTER.as_secs_f64() - 1.0, "{action:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn independent_scalers_follow_a_step_one_after_the_other() {
    let scene = Scene::new("apart").await;
    let (site, _, operator) = at_peace(&scene, SCALER, teastore::general_scalers).await;
    let begun = site.now();
    let actions = step_up(&site, &operator).await;
    assert!(actions.len() >= COUNT, "{actions:#?}");
    let entry = "Deployment/teastore-webui";
    assert_eq!(actions[0]["target"], entry, "nobody else sees more calls yet: {actions:#?}");
    assert_eq!(actions[0]["to"], needs()[0]);
    let when = |action: &Value| action["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let hidden = actions[1..].iter().map(|action| when(action).duration_since(when(&actions[0])));
    // Times are reported in milliseconds, and pods become ready as some clock strikes.
    let least = READY_AFTER.as_secs_f64() - 1.0;
    assert!(hidden.into_iter().all(|after| after.as_secs_f64() > least), "{actions:#?}");
    assert!(site.figures(begun, site.now()).actions >= 2);
    assert_eq!(site.pods().await.unwrap().replicas, needs());
}
