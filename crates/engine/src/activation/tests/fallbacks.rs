//! What is published in place of a metric that fails.

use super::*;

fn fallback(behavior: FallbackBehavior) -> Activation {
    let fallback = ActivationFallback { failure_threshold: 1, replicas: 6, behavior };
    Activation { fallback: Some(fallback), ..activation() }
}

/// Polls so often that a fallback counts.
fn fail(world: &mut World, values: &[Option<f64>]) {
    world.poll(1000, values);
    world.poll(1030, values);
}

#[test]
fn contract_4_2_what_is_read_is_published_with_its_time() {
    let mut world = World::new(activation(), 3);
    world.poll(1000, &[Some(30.0), None]);
    let failure = Absence { reason: AbsenceReason::Timeout, message: "no response".to_owned() };
    assert_eq!(
        world.last.published,
        [
            Published {
                metric: "s0-prometheus".into(),
                value: Ok(30.0),
                at: at(1000),
                is_fallback: false,
                for_one_pod: None,
            },
            Published {
                metric: "s1-prometheus".into(),
                value: Err(failure.clone()),
                at: at(1000),
                is_fallback: false,
                for_one_pod: None,
            },
        ]
    );
    let activity = &world.activity().triggers[1];
    assert_eq!(
        (activity.failures, activity.failure.as_ref(), activity.falls_back),
        (1, Some(&failure), false)
    );
}

#[test]
fn contract_4_5_more_failures_than_the_threshold_bring_it_about() {
    let mut world = World::new(fallback(FallbackBehavior::Static), 3);
    world.poll(1000, &[None, Some(0.0)]);
    assert!(world.published("s0-prometheus").value.is_err(), "as many as the threshold are not enough");
    world.poll(1030, &[None, Some(0.0)]);
    assert_eq!(world.published("s0-prometheus").value, Ok(60.0));
    assert!(world.published("s0-prometheus").is_fallback && world.activity().triggers[0].falls_back);
    assert!(world.activity().is_active);
    world.poll(1060, &[None, Some(0.0)]);
    assert_eq!(world.activity().triggers[0].failures, 2, "counted no further");
    world.poll(1090, &[Some(4.0), Some(0.0)]);
    assert_eq!(world.published("s0-prometheus").value, Ok(4.0));
    assert_eq!(world.activity().triggers[0].failures, 0);
    world.poll(1120, &[None, Some(0.0)]);
    assert!(world.published("s0-prometheus").value.is_err(), "one success resets the count");
}

#[test]
fn contract_4_5_each_behavior_by_the_replicas_that_there_are() {
    use FallbackBehavior::*;
    for (behavior, at_3, at_9) in [
        (Static, 60.0, 60.0),
        (CurrentReplicas, 30.0, 90.0),
        (CurrentReplicasIfHigher, 60.0, 90.0),
        (CurrentReplicasIfLower, 30.0, 60.0),
    ] {
        for (replicas, value) in [(3, at_3), (9, at_9)] {
            let mut world = World::new(fallback(behavior), replicas);
            fail(&mut world, &[None, Some(0.0)]);
            assert_eq!(world.published("s0-prometheus").value, Ok(value), "{behavior:?} at {replicas}");
        }
    }
}

#[test]
fn contract_4_5_current_replicas_that_are_none_wake_nobody() {
    let mut world = World::new(fallback(FallbackBehavior::CurrentReplicas), 0);
    fail(&mut world, &[None, Some(0.0)]);
    assert_eq!(world.scale.unwrap().replicas, 0);
    let mut world = World::new(fallback(FallbackBehavior::Static), 0);
    fail(&mut world, &[None, Some(0.0)]);
    assert_eq!(world.scale.unwrap().replicas, 1);
}

#[test]
fn contract_4_5_a_value_needs_pods_that_are_ready() {
    let mut by_value = fallback(FallbackBehavior::Static);
    by_value.triggers[0].target = MetricTarget::new(TargetType::Value, 10.0).unwrap();
    assert!(by_value.counts_ready_pods(true) && !by_value.counts_ready_pods(false));
    assert!(!fallback(FallbackBehavior::Static).counts_ready_pods(true));
    let without = Activation { fallback: None, ..by_value.clone() };
    assert!(!without.counts_ready_pods(true));
    let mut world = World::new(by_value, 4);
    fail(&mut world, &[None, Some(0.0)]);
    assert_eq!(world.published("s0-prometheus").value, Ok(15.0));
    world.scale = Some(Scale { replicas: 4, status_replicas: 4, ready: None });
    assert_eq!(world.poll(1060, &[None, Some(0.0)]), "");
    assert!(world.published("s0-prometheus").value.is_err());
}

#[test]
fn contract_5_what_is_read_has_three_places_and_is_not_negative() {
    let below = Activation { triggers: vec![trigger(0, -10.0), trigger(1, -10.0)], ..activation() };
    let mut world = World::new(below, 0);
    let text = world.poll(1000, &[Some(-5.0), Some(0.62451)]);
    assert_eq!(text, "activation 0→1 (s0-prometheus -5 > -10 and 1 more)", "activity goes by what was read");
    assert_eq!(world.published("s0-prometheus").value, Ok(0.0));
    assert_eq!(world.published("s1-prometheus").value, Ok(0.625));
}
