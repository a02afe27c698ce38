//! One metric that a formula makes of all.

use super::*;

fn composite(formula: &str) -> Activation {
    let mut activation = activation();
    for (trigger, name) in activation.triggers.iter_mut().zip(["a", "b"]) {
        trigger.name = Some(name.to_owned());
    }
    activation.composite = Some(Box::new(Composite {
        formula: Formula::compile(formula, &["a", "b"]).unwrap(),
        target: 2.0,
        type_: TargetType::AverageValue,
        activation_target: 5.0,
        is_whole: true,
    }));
    activation
}

fn falling_back(formula: &str, behavior: FallbackBehavior) -> Activation {
    let fallback = ActivationFallback { failure_threshold: 0, replicas: 6, behavior };
    Activation { fallback: Some(fallback), ..composite(formula) }
}

fn composed(world: &World) -> Result<f64, String> {
    world.published(Composite::METRIC).value.clone().map_err(|absence| absence.message)
}

#[test]
fn contract_4_3_it_is_active_by_the_formula_alone() {
    let mut world = World::new(composite("a + b"), 0);
    assert_eq!(world.poll(1000, &[Some(4.0), Some(1.0)]), "activation 0 (inactive)");
    assert!(world.activity().triggers[0].is_active && !world.activity().is_active);
    assert_eq!(world.poll(1030, &[Some(4.0), Some(1.5)]), "activation 0→1 (composite-metric 5.5 > 5)");
    assert_eq!(composed(&world), Ok(5.5));
    assert_eq!(world.published("s0-prometheus").value, Ok(4.0));
}

#[test]
fn contract_4_7_its_value_is_cut_off_at_thousandths_and_may_be_negative() {
    let mut world = World::new(composite("a / 3 - b"), 0);
    world.poll(1000, &[Some(2.0), Some(0.0)]);
    assert_eq!(composed(&world), Ok(0.666));
    assert_eq!(world.poll(1030, &[Some(2.0), Some(1.0)]), "activation 0 (inactive)");
    assert_eq!(composed(&world), Ok(-0.333));
}

#[test]
fn contract_4_3_any_error_makes_it_inactive() {
    let mut world = World::new(composite("a + b"), 4).active_until(0);
    assert_eq!(world.poll(1000, &[Some(40.0), None]), "");
    assert_eq!(composed(&world), Err("no response".to_owned()));
    assert_eq!(world.activity().formula_failure.as_ref().unwrap().message, "no response");
    let mut world = World::new(composite("a / b"), 4).active_until(0);
    assert_eq!(world.poll(1000, &[Some(40.0), Some(0.0)]), "");
    assert_eq!(composed(&world), Err("the formula: its result is inf".to_owned()));
}

#[test]
fn contract_4_5_a_fallback_takes_the_place_of_the_formula() {
    let mut world = World::new(falling_back("a + b", FallbackBehavior::Static), 0);
    let text = world.poll(1000, &[None, Some(99.0)]);
    assert_eq!(
        text,
        "fallback s0-prometheus (6 replicas in its place), activation 0→1 (composite-metric 12 > 5)"
    );
    assert_eq!(composed(&world), Ok(12.0));
    assert!(world.activity().formula_falls_back && world.published(Composite::METRIC).is_fallback);
}

#[test]
fn contract_4_5_a_target_that_is_no_whole_number_leaves_a_fallback_without_effect() {
    let mut activation = falling_back("a + b", FallbackBehavior::Static);
    activation.composite.as_mut().unwrap().is_whole = false;
    let mut world = World::new(activation, 4);
    assert_eq!(world.poll(1000, &[None, Some(99.0)]), "");
    assert_eq!(composed(&world), Err("no response".to_owned()));
}

#[test]
fn contract_4_5_the_formula_may_decide_what_stands_in() {
    let mut world = World::new(falling_back("a ?? b ?? 8", FallbackBehavior::ScalingModifiers), 0);
    let text = world.poll(1000, &[None, Some(7.0)]);
    assert_eq!(text, "fallback s0-prometheus (nil in the formula), activation 0→1 (composite-metric 7 > 5)");
    assert_eq!(
        world.poll(1030, &[None, Some(3.0)]),
        "fallback s0-prometheus (nil in the formula), activation 1 (inactive, cooldown 300 s left)"
    );
    world.poll(1060, &[None, None]);
    assert_eq!(composed(&world), Ok(8.0));
    let mut world = World::new(falling_back("a ?? nil", FallbackBehavior::ScalingModifiers), 0);
    world.poll(1000, &[None, Some(7.0)]);
    assert_eq!(composed(&world), Ok(12.0), "without a result, what the fallback's replicas come to");
    assert!(world.activity().formula_falls_back);
}

#[test]
fn contract_4_5_a_formula_without_a_result_and_without_a_fallback_fails() {
    let mut world = World::new(composite("b > 1 ? a : nil"), 2);
    world.poll(1000, &[Some(1.0), Some(0.0)]);
    assert_eq!(composed(&world), Err("the formula has no result, and there is no fallback".to_owned()));
}

#[test]
fn contract_4_5_a_value_in_the_place_of_a_formula_is_divided_by_ready_pods() {
    let mut activation = falling_back("a + b", FallbackBehavior::CurrentReplicas);
    activation.composite.as_mut().unwrap().type_ = TargetType::Value;
    let mut world = World::new(activation, 4);
    world.scale = Some(Scale { replicas: 4, status_replicas: 4, ready: Some(3) });
    world.poll(1000, &[None, Some(0.0)]);
    assert_eq!(composed(&world), Ok(2.666));
}
