//! Direct mode: both what a ScaledObject does and what its HPA does, in one decision.

use serde_json::{Value, json};

use super::*;
use crate::hpa::HpaSpec;
use crate::pod_metric::fixture::{NOW, percent_of_cpu, pods};

/// With the `behavior` of an HPA, and `metrics` beside those of triggers.
fn direct(activation: Activation, behavior: Value, metrics: &[Value]) -> World {
    let external = json!({ "type": "External", "external": {
        "metric": { "name": "s0-prometheus" }, "target": { "type": "AverageValue", "averageValue": "10" },
    }});
    let metrics: Vec<&Value> = std::iter::once(&external).chain(metrics).collect();
    let spec = json!({
        "minReplicas": activation.min.max(1), "maxReplicas": activation.max, "metrics": metrics, "behavior": behavior,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
    });
    let hpa = Hpa::compile(&serde_json::from_value::<HpaSpec>(spec).unwrap(), "spec").unwrap();
    let max = activation.max;
    let mut world = World::new(Activation { direct: Some(Box::new(hpa.clone())), ..activation }, 0);
    world.plan.limits = hpa.limits;
    world.plan.members[0].bounds = Bounds::new(0, max).unwrap();
    world
}

fn plain(activation: Activation) -> World {
    direct(activation, Value::Null, &[])
}

fn at_replicas(mut world: World, replicas: u32) -> World {
    world.scale = Some(ready(replicas));
    world
}

#[test]
fn a_value_is_multiplied_by_the_pods_that_are_ready_so_they_are_counted() {
    let mut by_value = activation();
    by_value.triggers[0].target = MetricTarget::new(TargetType::Value, 10.0).unwrap();
    assert!(!by_value.counts_ready_pods(false), "its HPA counts them");
    assert!(plain(by_value).plan.policy.counts_ready_pods(false));
    assert!(!plain(activation()).plan.policy.counts_ready_pods(true));
}

#[test]
fn straight_from_zero_to_what_is_needed() {
    let mut world = plain(activation());
    assert_eq!(
        world.poll(1000, &[Some(65.0), Some(0.0)]),
        "activation 0→1 (s0-prometheus 65 > 0), hpa 1→7 (s0-prometheus 65/10)"
    );
    let mut world = plain(activation());
    let text = world.poll(1000, &[Some(3.0), Some(6.0)]);
    assert_eq!(text, "activation 0→1 (s0-prometheus 3 > 0 and 1 more), hpa 1 (s0-prometheus 3/10)");
    let mut world = plain(Activation { min: 3, ..activation() });
    let text = world.poll(1000, &[Some(3.0), Some(0.0)]);
    assert_eq!(text, "activation 0→3 (s0-prometheus 3 > 0), hpa 3 (s0-prometheus 3/10)");
    let mut world = plain(activation());
    let text = world.poll(1000, &[Some(3000.0), Some(0.0)]);
    assert!(text.ends_with("hpa 1→300 (s0-prometheus 3000/10), bounds 300→10 (10 at most)"), "{text}");
}

#[test]
fn a_value_that_is_not_shared_wakes_one() {
    let mut by_value = activation();
    by_value.triggers[0].target = MetricTarget::new(TargetType::Value, 10.0).unwrap();
    by_value.triggers[1].target = MetricTarget::new(TargetType::Value, 10.0).unwrap();
    let mut world = plain(by_value);
    assert_eq!(world.poll(1000, &[Some(65.0), Some(0.0)]), "activation 0→1 (s0-prometheus 65 > 0)");
    assert_eq!(
        world.poll(1030, &[Some(65.0), Some(0.0)]),
        "activation 1 (s0-prometheus 65 > 0), hpa 1→7 (s0-prometheus 65/10 × 1 ready), rate 7→4 (twice the replicas, or 4, at most)"
    );
}

#[test]
fn a_policy_of_scale_up_holds_a_wake_back_and_its_defaults_do_not() {
    let policies = json!([{ "type": "Pods", "value": 2, "periodSeconds": 60 }]);
    let mut world = direct(activation(), json!({ "scaleUp": { "policies": policies } }), &[]);
    let text = world.poll(1000, &[Some(65.0), Some(0.0)]);
    let expected =
        "activation 0→1 (s0-prometheus 65 > 0), hpa 1→7 (s0-prometheus 65/10), rate 7→3 (behavior allows 3)";
    assert_eq!(text, expected);
    let mut world = direct(activation(), json!({ "scaleDown": { "stabilizationWindowSeconds": 0 } }), &[]);
    world.poll(1000, &[Some(65.0), Some(0.0)]);
    assert_eq!(world.scale.unwrap().replicas, 7);
}

#[test]
fn above_zero_it_follows_the_hpa_with_its_limits() {
    let mut world = at_replicas(plain(activation()), 2);
    assert_eq!(
        world.poll(1000, &[Some(90.0), Some(0.0)]),
        "activation 2 (s0-prometheus 90 > 0), hpa 2→9 (s0-prometheus 90/10), rate 9→4 (twice the replicas, or 4, at most)"
    );
    world.poll(1030, &[Some(90.0), Some(0.0)]);
    assert_eq!(world.scale.unwrap().replicas, 8);
    assert_eq!(
        world.poll(1060, &[Some(20.0), Some(0.0)]),
        "activation 8 (s0-prometheus 20 > 0), hpa 8→2 (s0-prometheus 20/10), stabilization 2→9 (300 s window)",
        "without behavior the largest count of the window is caught up, as by the HPA controller"
    );
    assert_eq!(
        world.poll(1400, &[Some(20.0), Some(0.0)]),
        "activation 9 (s0-prometheus 20 > 0), hpa 9→2 (s0-prometheus 20/10)"
    );
}

#[test]
fn it_is_switched_off_whatever_the_window_holds() {
    let mut world = at_replicas(plain(activation()), 6);
    world.poll(1000, &[Some(60.0), Some(0.0)]);
    assert_eq!(
        world.poll(1030, &[Some(0.0), Some(0.0)]),
        "activation 6 (inactive, cooldown 300 s left), hpa 6→1 (s0-prometheus 0/10), stabilization 1→6 (300 s window)"
    );
    assert_eq!(world.poll(1330, &[Some(0.0), Some(0.0)]), "activation 6→0 (inactive for 300 s)");
    assert_eq!(world.poll(1360, &[Some(0.0), Some(0.0)]), "activation 0 (inactive)");
    let text = world.poll(1390, &[Some(30.0), Some(0.0)]);
    assert_eq!(text, "activation 0→1 (s0-prometheus 30 > 0), hpa 1→3 (s0-prometheus 30/10)");
}

#[test]
fn scale_down_that_is_disabled_does_not_keep_it_from_zero() {
    let mut world =
        at_replicas(direct(activation(), json!({ "scaleDown": { "selectPolicy": "Disabled" } }), &[]), 6);
    assert_eq!(world.poll(1000, &[Some(0.0), Some(0.0)]), "activation 6→0 (never active)");
}

#[test]
fn an_idle_count_is_kept_and_left() {
    let idle = || Activation { idle: Some(1), min: 3, ..activation() };
    let mut world = at_replicas(plain(idle()), 1);
    assert_eq!(world.poll(1000, &[Some(0.0), Some(0.0)]), "activation 1 (inactive)");
    let text = world.poll(1030, &[Some(40.0), Some(0.0)]);
    assert_eq!(text, "activation 1→3 (s0-prometheus 40 > 0), hpa 3→4 (s0-prometheus 40/10)");
    let mut world = at_replicas(plain(Activation { min: 3, ..activation() }), 2);
    assert!(world.poll(1000, &[Some(0.0), Some(0.0)]).starts_with("activation 2→3 (inactive, 3 at least)"));
}

#[test]
fn while_one_trigger_fails_it_scales_out_and_never_in() {
    let mut world = at_replicas(plain(activation()), 4);
    assert_eq!(world.poll(1000, &[Some(20.0), None]), "activation 4 (s0-prometheus 20 > 0)");
    let text = world.poll(1400, &[Some(70.0), None]);
    assert_eq!(text, "activation 4 (s0-prometheus 70 > 0), hpa 4→7 (s0-prometheus 70/10)");
    let mut world = at_replicas(plain(activation()), 4);
    assert_eq!(world.poll(1000, &[None, None]), "");
    let mut world = at_replicas(plain(Activation { min: 3, ..activation() }), 2);
    assert_eq!(world.poll(1000, &[None, None]), "activation 2→3 (inactive, 3 at least)", "as by any HPA");
}

#[test]
fn a_fallback_counts_as_the_value() {
    let fallback =
        ActivationFallback { failure_threshold: 0, replicas: 2, behavior: FallbackBehavior::Static };
    let falling = Activation { fallback: Some(fallback), ..activation() };
    let mut world = at_replicas(plain(falling.clone()), 6);
    let text = world.poll(1400, &[None, Some(0.0)]);
    assert_eq!(
        text,
        "fallback s0-prometheus (2 replicas in its place), activation 6 (s0-prometheus falls back), \
         hpa 6→2 (s0-prometheus 20/10), stabilization 2→6 (300 s window)"
    );
    assert!(world.poll(1800, &[None, Some(0.0)]).ends_with("hpa 6→2 (s0-prometheus 20/10)"));
    let mut world = plain(falling);
    world.poll(1000, &[None, Some(0.0)]);
    assert_eq!(world.scale.unwrap().replicas, 2, "also from 0");
}

#[test]
fn a_formula_is_the_only_number() {
    let mut composed = activation();
    composed.triggers[0].name = Some("a".to_owned());
    composed.composite = Some(Box::new(Composite {
        formula: Formula::compile("a / 2", &["a"]).unwrap(),
        target: 4.0,
        type_: TargetType::AverageValue,
        activation_target: 0.0,
        is_whole: true,
    }));
    let mut world = plain(composed);
    let text = world.poll(1000, &[Some(50.0), Some(500.0)]);
    assert_eq!(text, "activation 0→1 (composite-metric 25 > 0), hpa 1→7 (composite-metric 25/4)");
}

#[test]
fn what_pods_use_joins() {
    let cpu = json!({ "type": "Resource", "resource": {
        "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 },
    }});
    let mut world = at_replicas(direct(activation(), Value::Null, &[cpu]), 2);
    world.plan.metrics.push(Metric {
        name: "cpu".to_owned(),
        query: Query::new("cpu", "", ()),
        minimum: None,
        target: MetricTarget::new(TargetType::AverageValue, 50.0),
        member: None,
    });
    // The pods of the fixture live at their own time.
    let second = NOW.as_millis() / 1000 - at(0).as_millis() / 1000;
    let number = |value| Reading::of(value, NOW);
    let measured = Reading::Pods { measure: percent_of_cpu(), pods: pods(2, 80).into(), at: NOW };
    let text = world.read(second, vec![number(15.0), number(0.0), measured]);
    assert_eq!(text, "activation 2 (s0-prometheus 15 > 0), hpa 2→4 (cpu 80%/50% × 2 pods)");
    let nobody = || Reading::absent(AbsenceReason::NoPods, "no pods");
    let mut world = at_replicas(world, 0);
    let text = world.read(second + 30, vec![number(15.0), number(0.0), nobody()]);
    assert_eq!(text, "activation 0→1 (s0-prometheus 15 > 0), hpa 1→2 (s0-prometheus 15/10)");
    let mut world = at_replicas(world, 6);
    world.read(second + 500, vec![number(15.0), number(0.0), nobody()]);
    assert_eq!(
        (world.scale.unwrap().replicas, world.last.absences.len()),
        (6, 1),
        "what pods use is not known"
    );
}
