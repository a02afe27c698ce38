//! When the workload is looked at, and what is made of it.

use std::sync::Arc;
use std::sync::Mutex;

use engine::{Pause, Target};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use resources::scaled_object;
use serde_json::json;
use tokio::time::advance;

use super::*;
use crate::scripted::{World, plan};

/// A workload whose containers have these resources, and how often it was read.
struct Scripted(Mutex<(Result<Option<Value>, String>, u32)>);

impl Scripted {
    fn new(resources: Value) -> Arc<Self> {
        let new = Arc::new(Self(Mutex::new((Ok(None), 0))));
        new.has(resources);
        new
    }

    fn has(&self, resources: Value) {
        let containers = json!([{ "name": "app", "resources": resources }]);
        let workload = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
        self.0.lock().unwrap().0 = Ok(Some(workload));
    }

    fn answers(&self, answer: Result<Option<Value>, String>) {
        self.0.lock().unwrap().0 = answer;
    }

    fn looks(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

impl Workloads for Scripted {
    fn workload<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<Value>, String>> {
        assert_eq!(target.name, "web");
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        let answer = state.0.clone();
        async { answer }.boxed()
    }

    fn limit_ranges<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

fn object() -> Value {
    let cpu = json!({ "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50" } });
    json!({ "metadata": { "namespace": "shop" }, "spec": { "scaleTargetRef": { "name": "web" }, "triggers": [cpu] } })
}

struct Scene {
    world: World,
    workloads: Arc<Scripted>,
    check: WorkloadCheck,
}

impl Scene {
    fn new(resources: Value) -> Self {
        let mut world = World::new();
        let workloads = Scripted::new(resources);
        world.services.workloads = Some(workloads.clone());
        let check = WorkloadCheck::of(&scaled_object::KIND, &object()).unwrap();
        Self { world, workloads, check }
    }

    async fn look(&self, hpa: Option<&HpaScaling>) -> Vec<String> {
        let looked = self.check.look(&self.world.services, &plan(), hpa).await;
        looked.warnings().map(|warning| warning.to_string()).collect()
    }
}

fn said(is_active: bool, reason: &str) -> HpaScaling {
    HpaScaling { is_active, reason: reason.to_owned(), message: String::new() }
}

#[tokio::test(start_paused = true)]
async fn contract_2_rule_5_a_container_without_a_request_is_said_until_it_has_one() {
    let scene = Scene::new(json!({}));
    let said = scene.look(None).await;
    let wanted = "spec.triggers[0]: the scaledobject has a cpu trigger but the container app doesn't have the cpu \
                  request defined";
    assert!(said.len() == 1 && said[0].starts_with(wanted), "{said:?}");
    assert!(said[0].ends_with("set resources.requests.cpu of the container"), "{said:?}");
    scene.workloads.has(json!({ "requests": { "cpu": "10m" } }));
    assert_eq!(scene.look(None).await, said, "it is known for a while");
    advance(WHILE_MISSING).await;
    scene.workloads.answers(Err("no answer".to_owned()));
    let unseen = scene.look(None).await;
    assert_eq!(
        (unseen.len(), &unseen[0]),
        (2, &said[0]),
        "what was missing counts as missing until it is seen"
    );
    scene.workloads.has(json!({ "requests": { "cpu": "10m" } }));
    advance(WHILE_MISSING).await;
    assert_eq!(scene.look(None).await, [""; 0]);
    assert_eq!(scene.workloads.looks(), 3);
}

#[tokio::test(start_paused = true)]
async fn while_all_is_well_nobody_is_asked() {
    let scene = Scene::new(json!({ "limits": { "cpu": "1" } }));
    for hpa in [None, Some(said(true, "ValidMetricFound")), Some(said(false, "ScalingDisabled"))] {
        for _ in 0..3 {
            assert_eq!(scene.look(hpa.as_ref()).await, [""; 0]);
            advance(WHILE_FAILING).await;
        }
    }
    assert_eq!(scene.workloads.looks(), 1);
    // An HPA that fails may do so as the workload has changed.
    scene.workloads.has(json!({}));
    let failing = said(false, "FailedGetResourceMetric");
    assert_eq!(scene.look(Some(&failing)).await.len(), 1);
    assert_eq!(scene.workloads.looks(), 2);
    // A new leader knows nothing of what the last one saw.
    scene.check.forget();
    assert_eq!(scene.look(None).await.len(), 1);
    assert_eq!(scene.workloads.looks(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_said_and_nothing_is_said_of_what_is_not_there() {
    let scene = Scene::new(json!({}));
    scene.workloads.answers(Err("grant get on deployments.apps".to_owned()));
    let said = scene.look(None).await;
    assert_eq!(
        said,
        [
            "spec.triggers: whether the containers of Deployment shop/web have the requests that triggers need is not \
          known: grant get on deployments.apps"
        ]
    );
    advance(WHILE_MISSING).await;
    scene.workloads.answers(Ok(None));
    assert_eq!(scene.look(None).await, [""; 0], "the poll says that");
    scene.workloads.has(json!({}));
    let paused = Plan { brakes: engine::Brakes { pause: Pause::Everything, ..Default::default() }, ..plan() };
    assert!(scene.check.look(&scene.world.services, &paused, None).await.lacks.is_empty());
    assert!(WorkloadCheck::of(&scaled_object::KIND, &json!({ "spec": 7 })).is_none());
}
