//! Triggers whose sources judge by themselves and name their metrics.

use serde_json::{Value, json};

use super::*;
use crate::{MetricValue, ScalerMetric};

/// One open trigger at `s0`, and one that is not.
fn open() -> Activation {
    let mut activation = activation();
    let open = Trigger { metric: "s0".into(), is_open: true, ..trigger(0, 0.0) };
    activation.triggers[0] = open;
    activation
}

fn answer(active: bool, metrics: &[(&str, f64, f64)], second: i64) -> Vec<Reading> {
    let metric = |&(name, target, value): &(&str, f64, f64)| ScalerMetric {
        name: name.to_owned(),
        target,
        value: MetricValue::new(value).unwrap(),
    };
    let metrics = metrics.iter().map(metric).collect();
    vec![Reading::Scaler { active, metrics, at: at(second) }, Reading::of(0.0, at(second))]
}

fn failure(second: i64) -> Vec<Reading> {
    vec![Reading::absent(AbsenceReason::Timeout, "no response"), Reading::of(0.0, at(second))]
}

fn named(world: &World) -> Vec<(usize, String, f64)> {
    let named = open().open_metrics(&world.memory, &target());
    named.into_iter().map(|open| (open.trigger, open.metric.to_string(), open.target.value())).collect()
}

#[test]
fn contract_6_10_it_is_active_by_the_word_of_its_source() {
    let mut world = World::new(open(), 0);
    let text = world.read(1000, answer(false, &[("queue", 5.0, 90.0)], 1000));
    assert_eq!(text, "activation 0 (inactive)", "whatever the value is");
    let text = world.read(1030, answer(true, &[("queue", 5.0, 0.0), ("age", 60.0, 0.0)], 1030));
    assert_eq!(text, "activation 0→1 (s0-queue by its scaler)");
    assert_eq!(world.published("s0-queue").value, Ok(0.0));
    assert_eq!(world.published("s0-age").at, at(1030));
    assert_eq!(world.last.absences, []);
}

#[test]
fn contract_6_10_what_it_has_named_is_remembered() {
    let mut world = World::new(open(), 1);
    assert_eq!(named(&world), []);
    world.read(1000, failure(1000));
    assert_eq!(world.published("s0").value.as_ref().unwrap_err().message, "no response");
    world.read(1030, answer(true, &[("queue", 5.0, 7.0), ("age", 60.0, 1.0)], 1030));
    let both = [(0, "s0-queue".to_owned(), 5.0), (0, "s0-age".to_owned(), 60.0)];
    assert_eq!(named(&world), both);
    world.read(1060, failure(1060));
    assert_eq!(named(&world), both);
    assert_eq!(world.activity().triggers.len(), 3, "both fail, and the other trigger");
    assert!(world.published("s0-queue").value.is_err() && world.published("s0-age").value.is_err());
    assert_eq!(world.last.absences.len(), 1, "it is one source that fails");
    world.read(1090, answer(true, &[], 1090));
    assert_eq!(named(&world), both);
    assert_eq!(world.published("s0-age").value.as_ref().unwrap_err().message, "the scaler names no metric");
    world.read(1120, answer(true, &[("age", 30.0, 1.0)], 1120));
    assert_eq!(named(&world), [(0, "s0-age".to_owned(), 30.0)]);
}

#[test]
fn contract_6_10_its_metrics_fall_back_with_their_own_targets() {
    let fallback =
        ActivationFallback { failure_threshold: 0, replicas: 3, behavior: FallbackBehavior::Static };
    let mut world = World::new(Activation { fallback: Some(fallback), ..open() }, 0);
    world.read(1000, answer(false, &[("queue", 5.0, 7.0), ("age", 60.0, 1.0)], 1000));
    let text = world.read(1030, failure(1030));
    assert_eq!(text, "fallback s0 (3 replicas in its place), activation 0→1 (s0-queue falls back)");
    assert_eq!(world.published("s0-queue").value, Ok(15.0));
    assert_eq!(world.published("s0-age").value, Ok(180.0));
}

#[test]
fn contract_6_10_the_hpa_that_is_kept_has_what_was_named() {
    let entry = |name: &str, average: &str| {
        json!({ "type": "External", "external": {
            "metric": { "name": name, "selector": { "matchLabels": { "scaledobject.keda.sh/name": "web" } } },
            "target": { "type": "AverageValue", "averageValue": average },
        }})
    };
    let of = |metrics: Value| KeptHpa {
        spec: json!({ "maxReplicas": 9, "metrics": metrics }),
        ..KeptHpa::default()
    };
    let hpa = of(json!([entry("s0", "1"), entry("s1-prometheus", "10")]));
    let mut world = World::new(open(), 1);
    let policy = world.plan.policy.clone();
    assert_eq!(policy.complete(&hpa, &target(), &world.memory), None, "it stays as it is until it is known");
    world.read(1000, answer(true, &[("queue", 5000.0, 7.0), ("age", 0.0625, 1.0)], 1000));
    let completed =
        of(json!([entry("s0-queue", "5k"), entry("s0-age", "62m"), entry("s1-prometheus", "10")]));
    assert_eq!(policy.complete(&hpa, &target(), &world.memory).as_deref(), Some(&completed));
    let composite = of(json!([entry("composite-metric", "1")]));
    let kept = policy.complete(&composite, &target(), &Memory::default());
    assert_eq!(kept.as_deref(), Some(&composite), "a formula stands for all");
}

#[test]
fn contract_6_10_a_target_that_no_hpa_takes_fails() {
    let mut world = World::new(open(), 0);
    assert_eq!(world.read(1000, answer(true, &[("queue", 0.0, 7.0)], 1000)), "");
    assert_eq!(named(&world), []);
    let failure = world.published("s0-queue").value.as_ref().unwrap_err();
    assert_eq!(failure.message, "the scaler aims for 0 in queue: not above 0");
}
