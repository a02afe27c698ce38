//! The HPA controller's rules over time, each with counts worked out by hand from what its documentation and its code say.

use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::Startup;
use engine::{AbsenceReason, Memory, Observation, Plan, Query, Reading, Scale, Target, Time, decide};
use serde_json::{Value, json};

/// One sync: seconds since the start, the value of each metric, and the count that is asked for afterwards.
type Sync<'a> = (i64, &'a [Option<f64>], u32);

/// An HPA on a target whose pods are ready at once.
struct World {
    plan: Plan,
    memory: Memory,
    replicas: u32,
}

impl World {
    fn new(spec: Value, start: u32) -> Self {
        let spec: HpaSpec = serde_json::from_value(spec).expect("a spec");
        let hpa = Hpa::compile(&spec, "spec").expect("a sound spec");
        let [api_version, kind, namespace, name] =
            ["apps/v1", "Deployment", "shop", "web"].map(str::to_owned);
        let queries = hpa.metrics.iter().map(|_| Query::new("external", "", ()));
        let target = Target { api_version, kind, namespace, name };
        let plan = hpa.plan(target, queries, Startup::default(), Duration::from_secs(15));
        Self { plan, memory: Memory::default(), replicas: start }
    }

    /// Syncs in their order; each count must be as it says.
    fn follow(&mut self, syncs: &[Sync<'_>]) {
        for (second, values, wanted) in syncs {
            let now = Time::from_seconds(1_800_000_000 + second);
            let reading = |value: &Option<f64>| match value {
                Some(value) => Reading::of(*value, now),
                None => Reading::absent(AbsenceReason::BadStatus, "no metrics returned"),
            };
            let replicas = self.replicas;
            let scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
            let readings = values.iter().map(reading).collect();
            let observation = Observation { scales: vec![Some(scale)], readings, ..Observation::default() };
            let decision = decide(&self.plan, &mut self.memory, &observation, now);
            self.memory.applied(&self.plan, &decision, now);
            let decided = &decision.members[0];
            assert_eq!(decided.to, *wanted, "at {second} s: {}", decided.explanation());
            self.replicas = decided.to;
        }
    }

    /// Somebody else sets the replicas.
    fn set(&mut self, replicas: u32) {
        self.replicas = replicas;
    }
}

/// Syncs of an HPA on a target that starts with so many replicas.
fn follow(spec: Value, start: u32, syncs: &[Sync<'_>]) {
    World::new(spec, start).follow(syncs);
}

/// An HPA for so many of a metric at each replica.
fn spec(averages: &[&str], more: Value) -> Value {
    let metric = |average: &&str| {
        json!({ "type": "External", "external": { "metric": { "name": "m" },
                "target": { "type": "AverageValue", "averageValue": average } } })
    };
    let metrics: Vec<Value> = averages.iter().map(metric).collect();
    let mut spec = json!({ "minReplicas": 1, "maxReplicas": 100, "metrics": metrics });
    if let Value::Object(fields) = more {
        spec.as_object_mut().expect("an object").extend(fields);
    }
    spec
}

#[test]
fn without_behavior_it_doubles_or_goes_to_four_and_waits_300_s_before_it_scales_in() {
    follow(
        spec(&["10"], json!({})),
        1,
        &[
            (0, &[Some(500.0)], 4),
            (15, &[Some(500.0)], 8),
            (30, &[Some(200.0)], 16),
            (45, &[Some(200.0)], 32),
            // What was asked for within the last 300 s counts, be it above what there is.
            (60, &[Some(10.0)], 50),
            (314, &[Some(10.0)], 50),
            (316, &[Some(10.0)], 20),
            (346, &[Some(10.0)], 1),
        ],
    );
}

#[test]
fn with_behavior_windows_bring_the_count_between_their_smallest_and_largest() {
    let behavior = json!({ "behavior": {
        "scaleUp": { "stabilizationWindowSeconds": 60, "policies": [{ "type": "Pods", "value": 100, "periodSeconds": 15 }] },
        "scaleDown": { "stabilizationWindowSeconds": 120 },
    } });
    follow(
        spec(&["10"], behavior),
        4,
        &[
            (0, &[Some(40.0)], 4),
            (15, &[Some(90.0)], 4),
            (45, &[Some(70.0)], 4),
            // The first 4, and the count at the first sight of the target, are out of the window.
            (61, &[Some(80.0)], 7),
            (75, &[Some(20.0)], 7),
            (180, &[Some(20.0)], 7),
            (182, &[Some(20.0)], 2),
        ],
    );
}

#[test]
fn policies_count_what_was_changed_within_their_periods() {
    let behavior = json!({ "behavior": {
        "scaleUp": { "policies": [{ "type": "Pods", "value": 2, "periodSeconds": 60 },
                                  { "type": "Percent", "value": 50, "periodSeconds": 60 }] },
        "scaleDown": { "stabilizationWindowSeconds": 0, "selectPolicy": "Min",
                       "policies": [{ "type": "Pods", "value": 3, "periodSeconds": 30 },
                                    { "type": "Percent", "value": 10, "periodSeconds": 30 }] },
    } });
    follow(
        spec(&["1"], behavior),
        10,
        &[
            // 50 percent of 10 are more than 2.
            (0, &[Some(90.0)], 15),
            (30, &[Some(90.0)], 15),
            // Exactly as old as the period is out of it; 22.5 is rounded up.
            (60, &[Some(90.0)], 23),
            // Of what the period began with: 23 − 8 added = 15; 10 percent less is 13.5, cut off to 13, and 3 less is 12;
            // but nothing is scaled in beyond 23 itself.
            (89, &[Some(1.0)], 13),
            (119, &[Some(1.0)], 11),
        ],
    );
}

#[test]
fn a_disabled_direction_stays_and_a_tolerance_has_its_direction() {
    let behavior = json!({ "behavior": {
        "scaleUp": { "tolerance": "0.5", "policies": [{ "type": "Pods", "value": 100, "periodSeconds": 15 }] },
        "scaleDown": { "selectPolicy": "Disabled", "tolerance": 0 },
    } });
    follow(
        spec(&["10"], behavior),
        4,
        &[(0, &[Some(60.0)], 4), (15, &[Some(60.001)], 7), (30, &[Some(1.0)], 7), (45, &[Some(104.0)], 7)],
    );
    let behavior =
        json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0, "tolerance": "0.25" } } });
    follow(
        spec(&["10"], behavior),
        4,
        &[(0, &[Some(30.0)], 4), (15, &[Some(29.999)], 3), (30, &[Some(33.0)], 3), (45, &[Some(33.1)], 4)],
    );
}

#[test]
fn of_several_metrics_the_most_counts_and_one_that_fails_forbids_scaling_in() {
    let behavior = json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0 } } });
    follow(
        spec(&["10", "1"], behavior),
        4,
        &[
            (0, &[Some(40.0), Some(6.0)], 6),
            (15, &[None, Some(3.0)], 6),
            (30, &[None, Some(8.0)], 8),
            (45, &[None, None], 8),
            (60, &[Some(30.0), Some(2.0)], 3),
        ],
    );
}

#[test]
fn zero_is_left_alone_unless_the_minimum_is_zero_and_bounds_come_first() {
    let behavior = json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0 } } });
    follow(spec(&["10"], behavior.clone()), 0, &[(0, &[Some(500.0)], 0)]);
    let mut sleeping = behavior.clone();
    sleeping["minReplicas"] = 0.into();
    follow(
        spec(&["10"], sleeping),
        0,
        &[(0, &[Some(0.0)], 0), (15, &[Some(0.001)], 1), (30, &[Some(500.0)], 5), (45, &[Some(0.0)], 0)],
    );
    let mut bounded = behavior;
    (bounded["minReplicas"], bounded["maxReplicas"]) = (3.into(), 8.into());
    // Above the maximum and below the minimum no metric is asked, and no rate counts.
    follow(spec(&["10"], bounded.clone()), 40, &[(0, &[None], 8), (15, &[Some(10.0)], 3)]);
    follow(spec(&["10"], bounded), 1, &[(0, &[Some(500.0)], 3), (15, &[Some(500.0)], 7)]);
}

#[test]
fn the_count_at_the_first_sight_is_0_where_a_target_was_switched_off_then() {
    // It is out of the window by the time that somebody switches the target on.
    let mut world = World::new(spec(&["10"], json!({})), 0);
    world.follow(&[(0, &[Some(20.0)], 0), (15, &[Some(20.0)], 0)]);
    world.set(5);
    world.follow(&[(301, &[Some(20.0)], 2)]);
    // Within the window of scaling out it holds that back.
    let behavior = json!({ "behavior": { "scaleUp": { "stabilizationWindowSeconds": 60 } } });
    let mut world = World::new(spec(&["10"], behavior), 0);
    world.follow(&[(0, &[Some(80.0)], 0)]);
    world.set(5);
    world.follow(&[(30, &[Some(80.0)], 5), (60, &[Some(80.0)], 8)]);
}
