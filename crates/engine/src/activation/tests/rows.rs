//! Each row of the table.

use super::*;

const ACTIVE: &[Option<f64>] = &[Some(30.0), Some(0.0)];
const INACTIVE: &[Option<f64>] = &[Some(0.0), Some(5.0)];
const PARTIAL: &[Option<f64>] = &[Some(30.0), None];
const FAILING: &[Option<f64>] = &[Some(0.0), None];

fn with_min(min: u32) -> Activation {
    Activation { min, ..activation() }
}

fn with_idle(idle: u32, min: u32) -> Activation {
    Activation { idle: Some(idle), ..with_min(min) }
}

fn falling_back(replicas: u32) -> Activation {
    let fallback = ActivationFallback { failure_threshold: 3, replicas, behavior: FallbackBehavior::Static };
    Activation { fallback: Some(fallback), ..activation() }
}

#[test]
fn contract_4_4_active_from_zero_to_one_or_to_the_minimum() {
    assert_eq!(once(activation(), 0, ACTIVE), "activation 0→1 (s0-prometheus 30 > 0)");
    assert_eq!(once(with_min(3), 0, ACTIVE), "activation 0→3 (s0-prometheus 30 > 0)");
    let both = [Some(30.0), Some(5.5)];
    assert_eq!(once(activation(), 0, &both), "activation 0→1 (s0-prometheus 30 > 0 and 1 more)");
    assert_eq!(once(activation(), 0, &[Some(0.0), Some(5.5)]), "activation 0→1 (s1-prometheus 5.5 > 5)");
}

#[test]
fn contract_4_4_active_from_idle_to_the_minimum() {
    assert_eq!(once(with_idle(0, 2), 0, ACTIVE), "activation 0→2 (s0-prometheus 30 > 0)");
    assert_eq!(once(with_idle(1, 3), 1, ACTIVE), "activation 1→3 (s0-prometheus 30 > 0)");
    assert_eq!(once(with_idle(1, 3), 2, ACTIVE), "activation 2→3 (s0-prometheus 30 > 0)");
}

#[test]
fn contract_4_4_active_within_the_bounds_is_the_business_of_the_hpa() {
    for (activation, replicas) in
        [(activation(), 4), (with_min(3), 2), (with_idle(0, 2), 2), (activation(), 99)]
    {
        let text = once(activation, replicas, ACTIVE);
        assert_eq!(text, format!("activation {replicas} (s0-prometheus 30 > 0)"));
    }
}

#[test]
fn contract_4_4_forced_whatever_the_triggers_say() {
    let forced = Activation { forced: true, ..activation() };
    for values in [INACTIVE, ACTIVE, FAILING, &[None, None]] {
        assert_eq!(once(forced.clone(), 0, values), "activation 0→1 (forced)");
    }
    let mut world = World::new(forced, 0);
    world.poll(1000, INACTIVE);
    assert!(world.activity().is_active && world.activity().is_forced);
    assert_eq!(world.activity().last_active, Some(at(1000)));
}

#[test]
fn contract_4_2_triggers_at_pods_alone_are_always_active() {
    let only = Activation { only_pods: true, triggers: vec![], ..with_min(2) };
    assert_eq!(once(only.clone(), 0, &[]), "activation 0→2 (always active)");
    assert_eq!(once(only, 5, &[]), "activation 5 (always active)");
}

#[test]
fn contract_4_4_a_paused_direction_is_kept() {
    let mut world = World::new(activation(), 0).paused(Pause::ScaleOut);
    let text = world.poll(1000, ACTIVE);
    assert_eq!(text, "activation 0→1 (s0-prometheus 30 > 0), paused 1→0 (scale-out is paused)");
    let mut world = World::new(activation(), 4).paused(Pause::ScaleIn);
    assert_eq!(world.poll(1000, INACTIVE), "activation 4→0 (never active), paused 0→4 (scale-in is paused)");
    let mut world = World::new(activation(), 4).paused(Pause::Everything);
    assert_eq!(world.poll(1000, INACTIVE), "activation 4→0 (never active), paused 0→4 (scaling is paused)");
}

#[test]
fn contract_4_4_active_beside_an_error_scales_out_and_counts_as_active() {
    let mut world = World::new(activation(), 0);
    assert_eq!(world.poll(1000, PARTIAL), "activation 0→1 (s0-prometheus 30 > 0)");
    assert_eq!(world.last.absences.len(), 1);
    assert_eq!(world.activity().last_active, Some(at(1000)));
    assert_eq!(world.poll(1030, PARTIAL), "activation 1 (s0-prometheus 30 > 0)");
}

#[test]
fn contract_4_4_inactive_with_an_error_waits_for_the_fallback() {
    let mut world = World::new(falling_back(2), 4).active_until(0);
    for second in [1000, 1030, 1060] {
        assert_eq!(world.poll(second, FAILING), "");
        assert_eq!(world.scale.unwrap().replicas, 4);
    }
    assert_eq!(
        world.poll(1090, FAILING),
        "fallback s1-prometheus (2 replicas in its place), activation 4 (s1-prometheus falls back)"
    );
}

#[test]
fn contract_4_4_inactive_with_an_error_and_no_fallback_is_left_alone() {
    for (activation, replicas) in [(activation(), 4), (with_min(3), 1), (with_idle(0, 2), 3)] {
        let mut world = World::new(activation, replicas).active_until(0);
        for second in [1000, 9000] {
            assert_eq!(world.poll(second, FAILING), "");
            assert_eq!(world.last.members[0].recommended, None);
            assert_eq!(world.scale.unwrap().replicas, replicas);
        }
    }
}

#[test]
fn contract_4_4_a_fallback_of_no_replicas_lets_an_error_through() {
    let mut world = World::new(falling_back(0), 4).active_until(0);
    let text = world.poll(1000, FAILING);
    assert_eq!(
        text,
        "fallback s1-prometheus (0 replicas in its place), activation 4→0 (inactive for 1000 s)"
    );
    for second in [1030, 1060, 1090, 1120] {
        // Also once it counts: as many as none are no reason to wake the target.
        let text = world.poll(second, FAILING);
        assert_eq!(text, "fallback s1-prometheus (0 replicas in its place), activation 0 (inactive)");
    }
    assert_eq!(world.published("s1-prometheus").value, Ok(0.0));
}

#[test]
fn contract_4_4_inactive_to_zero_after_the_cooldown() {
    let mut world = World::new(activation(), 3);
    assert_eq!(world.poll(0, ACTIVE), "activation 3 (s0-prometheus 30 > 0)");
    assert_eq!(world.poll(30, INACTIVE), "activation 3 (inactive, cooldown 300 s left)");
    assert_eq!(world.activity().last_active, Some(at(30)));
    assert_eq!(world.poll(210, INACTIVE), "activation 3 (inactive, cooldown 120 s left)");
    assert_eq!(world.activity().cooldown_left, Some(2 * MINUTE));
    assert_eq!(world.poll(329, INACTIVE), "activation 3 (inactive, cooldown 1 s left)");
    assert_eq!(world.poll(330, INACTIVE), "activation 3→0 (inactive for 300 s)");
    assert_eq!(world.poll(360, INACTIVE), "activation 0 (inactive)");
    assert_eq!(world.activity().cooldown_left, None);
}

#[test]
fn contract_4_4_inactive_to_the_idle_count_after_the_cooldown() {
    let mut world = World::new(with_idle(1, 3), 5).active_until(800);
    assert_eq!(world.poll(1000, INACTIVE), "activation 5 (inactive, cooldown 100 s left)");
    assert_eq!(world.poll(1100, INACTIVE), "activation 5→1 (inactive for 300 s)");
    assert_eq!(world.poll(1130, INACTIVE), "activation 1 (inactive)");
    let mut world = World::new(with_idle(0, 3), 5).active_until(0);
    assert_eq!(world.poll(1000, INACTIVE), "activation 5→0 (inactive for 1000 s)");
}

#[test]
fn contract_4_4_what_was_never_active_waits_only_for_the_initial_cooldown() {
    assert_eq!(once(activation(), 3, INACTIVE), "activation 3→0 (never active)");
    let patient = Activation { initial_cooldown: 20 * MINUTE, ..activation() };
    let mut world = World::new(patient, 3);
    assert_eq!(world.poll(1000, INACTIVE), "activation 3 (never active, cooldown 200 s left)");
    assert_eq!(world.activity().last_active, None);
    assert_eq!(world.poll(1200, INACTIVE), "activation 3→0 (never active)");
}

#[test]
fn contract_4_4_inactive_below_the_minimum_goes_to_the_minimum() {
    assert_eq!(once(with_min(2), 1, INACTIVE), "activation 1→2 (inactive, 2 at least)");
    assert_eq!(once(with_min(2), 0, INACTIVE), "activation 0→2 (inactive, 2 at least)");
    assert_eq!(once(with_min(2), 2, INACTIVE), "activation 2 (inactive)");
    assert_eq!(
        once(with_idle(0, 2), 0, INACTIVE),
        "activation 0 (inactive)",
        "with an idle count that is wanted"
    );
}

#[test]
fn a_target_that_is_not_found_is_judged_all_the_same() {
    let mut world = World::new(activation(), 3);
    world.scale = None;
    assert_eq!(world.poll(1000, ACTIVE), "");
    assert!(world.activity().is_active && world.last.members.is_empty());
    assert_eq!(world.published("s0-prometheus").value, Ok(30.0));
}

#[test]
fn contract_4_9_nothing_is_written_from_poll_to_poll_while_nothing_changes() {
    let values = [ACTIVE, INACTIVE, PARTIAL, FAILING, &[None, None]];
    for (activation, values) in
        [activation(), falling_back(2)].iter().flat_map(|one| values.map(|values| (one, values)))
    {
        let mut world = World::new(activation.clone(), 3).active_until(500);
        for second in 1000..1010 {
            world.poll(second, values);
        }
        let before = serde_json::to_value(&world.memory).unwrap();
        world.poll(2000, values);
        assert_eq!(serde_json::to_value(&world.memory).unwrap().get("policy"), before.get("policy"));
    }
}
