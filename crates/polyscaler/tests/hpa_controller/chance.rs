//! Chance by a seed, so that a run can be had again.

use serde_json::{Value, json};

/// A stream of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64, index: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9).wrapping_add(index.wrapping_mul(0xd134_2543_de82_ef95)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least `least`, and below `end`.
    pub(super) fn between(&mut self, least: i64, end: i64) -> i64 {
        least + (self.next() % (end - least).unsigned_abs()) as i64
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn is(&mut self, share: f64) -> bool {
        self.share() < share
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.between(0, choices.len() as i64) as usize]
    }
}

/// Names of the metrics from outside.
pub(super) const EXTERNAL: &str = "load";

/// What an HPA is measured by, and how its target is treated.
pub(super) struct Drawn {
    /// `autoscaling/v2`, without the target.
    pub(super) spec: Value,
    /// The replicas at the start.
    pub(super) replicas: i32,
    /// How many pods a rolling update may have beyond them.
    pub(super) surge: i64,
    /// Milliseconds from a pod's place on a node to its being ready.
    pub(super) ready_delay: i64,
    /// Whether pods take a while to end.
    pub(super) lingers: bool,
}

/// One HPA and its target.
pub(super) fn drawn(chance: &mut Chance) -> Drawn {
    let (min, max) = (chance.between(1, 4), chance.between(8, 25));
    let mut metrics = vec![at_pods(chance)];
    if chance.is(0.35) {
        metrics.push(from_outside(chance));
    }
    let mut spec = json!({ "minReplicas": min, "maxReplicas": max, "metrics": metrics });
    // Without it an older rule holds.
    if chance.is(0.75) {
        spec["behavior"] = json!({ "scaleUp": rules(chance), "scaleDown": rules(chance) });
    }
    Drawn {
        spec,
        replicas: chance.between(min, min + 5) as i32,
        surge: chance.one_of(&[0, 50, 100]).max(25),
        ready_delay: chance.one_of(&[0, 0, 1500, 4000]),
        lingers: chance.is(0.3),
    }
}

fn at_pods(chance: &mut Chance) -> Value {
    let name = chance.one_of(&["cpu", "cpu", "cpu", "memory"]);
    let target = match (chance.is(0.6), name) {
        (true, _) => json!({ "type": "Utilization", "averageUtilization": chance.one_of(&[50, 80, 120]) }),
        (false, "cpu") => {
            json!({ "type": "AverageValue", "averageValue": chance.one_of(&["250m", "400m", "1"]) })
        }
        (false, _) => json!({ "type": "AverageValue", "averageValue": chance.one_of(&["256Mi", "300M"]) }),
    };
    if chance.is(0.3) {
        let container = chance.one_of(&["app", "side"]);
        json!({ "type": "ContainerResource",
                "containerResource": { "name": name, "container": container, "target": target } })
    } else {
        json!({ "type": "Resource", "resource": { "name": name, "target": target } })
    }
}

fn from_outside(chance: &mut Chance) -> Value {
    let target = if chance.is(0.5) {
        json!({ "type": "AverageValue", "averageValue": format!("{}m", chance.between(5_000, 60_000)) })
    } else {
        json!({ "type": "Value", "value": format!("{}m", chance.between(50_000, 400_000)) })
    };
    json!({ "type": "External", "external": { "metric": { "name": EXTERNAL }, "target": target } })
}

fn rules(chance: &mut Chance) -> Value {
    let policy = |chance: &mut Chance| {
        let (type_, value) = if chance.is(0.5) {
            ("Pods", chance.between(1, 6))
        } else {
            ("Percent", chance.between(10, 200))
        };
        json!({ "type": type_, "value": value, "periodSeconds": chance.between(1, 16) })
    };
    let mut rules = json!({ "selectPolicy": chance.one_of(&["Max", "Max", "Min"]) });
    if chance.is(0.6) {
        rules["policies"] = (0..chance.between(1, 3)).map(|_| policy(chance)).collect();
    }
    if chance.is(0.8) {
        rules["stabilizationWindowSeconds"] = chance.one_of(&[0, 0, 3, 8, 15]).into();
    }
    if chance.is(0.3) {
        rules["tolerance"] = format!("{}m", chance.between(0, 250)).into();
    }
    rules
}
