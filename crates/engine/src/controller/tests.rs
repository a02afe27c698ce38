use super::*;
use crate::cycle::next_decision;
use crate::hpa::{Hpa, HpaSpec};
use crate::pod_metric::Startup;
use crate::{AbsenceReason, Mode, Query, Reading, Scale, Target};
use serde_json::{Value, json};

/// A target that the controller scales, and that is looked at every 15 s.
struct World {
    plan: Plan,
    memory: Memory,
    now: Time,
    scale: Scale,
    seen: ControllerSeen,
}

impl World {
    fn new(behavior: Value) -> Self {
        let target = json!({ "type": "AverageValue", "averageValue": 10 });
        let metric =
            json!({ "type": "External", "external": { "metric": { "name": "queue" }, "target": target } });
        let spec = json!({ "maxReplicas": 40, "metrics": [metric], "behavior": behavior });
        let spec: HpaSpec = serde_json::from_value(spec).unwrap();
        let [api_version, kind, namespace, name] =
            ["apps/v1", "Deployment", "shop", "web"].map(str::to_owned);
        let target = Target { api_version, kind, namespace, name };
        let queries = [Query::new("external", "", ())];
        let hpa = Hpa::compile(&spec, "spec").unwrap();
        let mut plan = hpa.plan(target, queries, Startup::default(), Duration::from_secs(15));
        plan.mode = Mode::Observe;
        plan.actuation = Actuation::Controller { hpa: "web".to_owned() };
        let seen = ControllerSeen { desired: Some(4), ..ControllerSeen::default() };
        let scale = Scale { replicas: 4, status_replicas: 4, ready: Some(4) };
        Self { plan, memory: Memory::default(), now: Time::from_seconds(1_800_000_000), scale, seen }
    }

    /// The controller has asked for so many, just now.
    fn controller(&mut self, replicas: u32) {
        self.seen.desired = Some(replicas);
        if replicas != self.scale.replicas {
            self.seen.last_scale = Some(self.now);
            self.scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
        }
    }

    /// What is decided at this value, and how the controller's count compares.
    fn look(&mut self, value: Option<f64>) -> (u32, String) {
        let reading = match value {
            Some(value) => Reading::of(value, self.now),
            None => Reading::absent(AbsenceReason::Timeout, "no response"),
        };
        let observation = Observation {
            scales: vec![Some(self.scale)],
            readings: vec![reading],
            controller: Some(self.seen.clone()),
            ..Observation::default()
        };
        let next = next_decision(&self.plan, &mut self.memory, &observation, &[], self.now);
        assert_eq!(next.violations, []);
        let decided = &next.decision.members[0];
        self.now = self.now.plus(Duration::from_secs(15));
        (decided.to, decided.steps.last().unwrap().to_string())
    }
}

#[test]
fn it_agrees_where_its_count_lies_between_the_last_two_decided_here() {
    let mut world = World::new(Value::Null);
    assert_eq!(world.look(Some(40.0)), (4, "controller 4, not compared yet".to_owned()));
    // The load has grown after its sync.
    assert_eq!(world.look(Some(70.0)), (7, "controller 4, as decided here".to_owned()));
    world.controller(7);
    assert_eq!(world.look(Some(70.0)), (7, "controller 7, as decided here".to_owned()));
}

#[test]
fn its_own_writes_count_for_rates_and_those_of_others_do_not() {
    let behavior =
        json!({ "scaleUp": { "policies": [{ "type": "Pods", "value": 3, "periodSeconds": 60 }] } });
    let mut world = World::new(behavior);
    world.look(Some(40.0));
    world.controller(6);
    // Two of three are gone.
    assert_eq!(world.look(Some(200.0)).0, 7);
    // Somebody scales by hand: the controller has no event of it.
    world.scale = Scale { replicas: 10, status_replicas: 10, ready: Some(10) };
    assert_eq!(world.look(Some(200.0)).0, 11);
}

#[test]
fn where_they_differ_the_step_says_why() {
    let mut world = World::new(json!({ "scaleDown": { "stabilizationWindowSeconds": 60 } }));
    world.look(Some(40.0));
    world.look(Some(40.0));
    // The controller knows a higher count of before.
    world.controller(9);
    let (_, words) = world.look(Some(40.0));
    assert_eq!(words, "controller 9, differs: watched for 30 s of a window of 60 s");
    let mut world = World::new(json!({ "scaleDown": { "stabilizationWindowSeconds": 0 } }));
    world.look(Some(40.0));
    world.look(Some(40.0));
    world.controller(9);
    world.scale.replicas = 4;
    world.scale.status_replicas = 6;
    assert_eq!(world.look(Some(24.0)).1, "controller 9, differs: it counts 6 pods where 4 are asked for");
    world.scale.status_replicas = 4;
    let unexplained = "controller 9, differs: the metrics moved between its sync and this decision, or its flags are others";
    assert_eq!(world.look(Some(24.0)).1, unexplained);
    assert_eq!(world.look(None).1, "controller 9, differs: queue cannot be read here");
    world.seen.failure = Some(("FailedGetExternalMetric".to_owned(), "no metrics returned".to_owned()));
    let words = "controller 9, it cannot decide: FailedGetExternalMetric, no metrics returned";
    assert_eq!(world.look(Some(40.0)).1, words);
    let since = world.memory.beside.as_ref().unwrap().differs_since;
    assert_eq!(since, Some(Time::from_seconds(1_800_000_030)), "since the first that differed");
}

#[test]
fn a_plan_that_acts_is_compared_with_nobody() {
    let mut world = World::new(Value::Null);
    world.plan.actuation = Actuation::Scale;
    assert_eq!(world.look(Some(70.0)).1, "hpa 4→7 (queue 70/10)");
    assert_eq!(world.memory.beside, None);
}
