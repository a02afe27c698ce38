use serde_json::Value;

use super::*;
use crate::Query;

fn metric(name: &str, type_: TargetType, target: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        query: Query::new("http", "", ()),
        minimum: Some(0.0),
        target: MetricTarget::new(type_, target),
        member: None,
    }
}

/// The recommendation of `slo` and its basis, as printed.
fn recommended(slo: Slo, metrics: &[Metric], values: &[Option<f64>], scale: Scale) -> Option<(u32, String)> {
    let scales = [Some(scale)];
    let view = View { metrics, scales: &scales, values, ..View::default() };
    let recommended = slo.recommend(&view, 0, &mut PolicyMemories::default());
    recommended.map(|one| (one.replicas, one.basis.to_string()))
}

fn replicas(replicas: u32) -> Scale {
    Scale { replicas, status_replicas: replicas, ready: Some(replicas) }
}

fn ready(replicas: u32, ready: u32) -> Scale {
    Scale { replicas, status_replicas: replicas, ready: Some(ready) }
}

#[test]
fn an_average_counts_exactly() {
    let metrics = [metric("load", TargetType::AverageValue, 100.0)];
    let cases = [(0.0, 0), (1.0, 1), (100.0, 1), (100.1, 2), (700.0, 7), (701.0, 8), (1e300, u32::MAX)];
    for (value, count) in cases {
        let (asked, _) = recommended(Slo::default(), &metrics, &[Some(value)], replicas(4)).unwrap();
        assert_eq!(asked, count, "at {value}");
    }
    let (_, basis) = recommended(Slo::default(), &metrics, &[Some(700.0)], replicas(4)).unwrap();
    assert_eq!(basis, "700/100");
}

#[test]
fn a_tolerance_that_is_asked_for_counts_for_averages_too() {
    let metrics = [metric("load", TargetType::AverageValue, 100.0)];
    let slo = Slo::new(Some(0.1));
    let cases = [
        (440.0, 4, "440/100 within 0.1"),
        (441.0, 5, "441/100"),
        (360.0, 4, "360/100 within 0.1"),
        (359.0, 4, "359/100"),
    ];
    for (value, count, basis) in cases {
        assert_eq!(recommended(slo, &metrics, &[Some(value)], replicas(4)), Some((count, basis.to_owned())));
    }
}

#[test]
fn a_value_moves_the_ready_replicas_in_proportion() {
    let metrics = [metric("latency", TargetType::Value, 0.2)];
    let cases = [
        (0.4, replicas(4), Some((8, "0.4/0.2 × 4 ready"))),
        (0.1, replicas(4), Some((2, "0.1/0.2 × 4 ready"))),
        (0.21, replicas(4), Some((4, "0.21/0.2 within 0.1"))),
        (0.22, replicas(4), Some((4, "0.22/0.2 within 0.1"))),
        (0.23, replicas(4), Some((5, "0.23/0.2 × 4 ready"))),
        (0.3, ready(4, 2), Some((4, "0.3/0.2, only 2 ready so far"))),
        (0.6, ready(4, 2), Some((6, "0.6/0.2 × 2 ready"))),
        (0.6, ready(4, 0), Some((4, "0.6/0.2, only 0 ready so far"))),
        (0.1, ready(4, 0), None),
        (0.6, replicas(0), Some((3, "0.6/0.2 × 1 ready"))),
        (0.2, replicas(0), Some((1, "0.2/0.2 × 1 ready"))),
        (0.0, replicas(0), Some((0, "0/0.2 × 1 ready"))),
    ];
    for (value, scale, expected) in cases {
        let expected = expected.map(|(count, basis)| (count, basis.to_owned()));
        assert_eq!(
            recommended(Slo::default(), &metrics, &[Some(value)], scale),
            expected,
            "{value} at {scale:?}"
        );
    }
}

#[test]
fn the_largest_recommendation_wins_and_says_whose_it_is() {
    let metrics =
        [metric("requests", TargetType::AverageValue, 100.0), metric("queue", TargetType::AverageValue, 5.0)];
    let asked = |values: [Option<f64>; 2]| recommended(Slo::default(), &metrics, &values, replicas(4));
    assert_eq!(asked([Some(700.0), Some(20.0)]), Some((7, "requests 700/100".to_owned())));
    assert_eq!(asked([Some(100.0), Some(20.0)]), Some((4, "queue 20/5".to_owned())));
    assert_eq!(asked([None, Some(20.0)]), Some((4, "queue 20/5".to_owned())));
    assert_eq!(asked([None, None]), None);
}

#[test]
fn its_settings_are_judged() {
    let compile = |config: Value| crate::POLICIES.compile("slo", &config, "spec.policy.config");
    assert_eq!(compile(serde_json::json!({"tolerance": 0.2})).unwrap().name(), "slo");
    assert_eq!(compile(Value::Null).unwrap().name(), "slo");
    let problems = compile(serde_json::json!({"tolerance": -1})).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "spec.policy.config.tolerance: Invalid value: -1: must be a number from 0 to 1"
    );
}
