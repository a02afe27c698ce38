//! Brakes: what people pause or override for a time wins over bounds, rates, cooldown and readings.

use super::*;
use crate::{BoundsOverride, Brakes, Pause, cycle, cycle::NextDecision};

/// Rates and a cooldown that would hold everything back.
fn slow() -> Limits {
    Limits::default().with_pods_per_operation(Some(1), Some(1)).with_cooldown(Duration::from_secs(3600))
}

fn just_scaled() -> Memory {
    Memory { last_scale: Some(at(0)), ..Memory::default() }
}

/// Replicas and explanation of the next decision; none may violate an invariant.
fn next(plan: &Plan, memory: &mut Memory, replicas: u32, reading: Reading, now: Time) -> (u32, String) {
    let NextDecision { decision, violations } =
        cycle::next_decision(plan, memory, &seen(replicas, reading), &[], now);
    assert_eq!(violations, []);
    (decision.members[0].to, decision.members[0].explanation())
}

fn paused(limits: Limits, pause: Pause, replicas: u32, reading: Reading) -> (u32, String) {
    let plan = Plan { brakes: Brakes { pause, bounds: None }, ..plan(limits) };
    next(&plan, &mut just_scaled(), replicas, reading, at(1))
}

#[test]
fn what_is_paused_stays_and_says_what_it_would_do() {
    let linear = "linear 4→10 (9000 above 1000..5000)";
    assert_eq!(
        paused(Limits::default(), Pause::Everything, 4, users(9000.0)),
        (4, format!("{linear}, paused 10→4 (scaling is paused)"))
    );
    assert_eq!(
        paused(Limits::default(), Pause::Everything, 4, down()),
        (4, "absent users (connection refused), paused 4 (scaling is paused)".to_owned())
    );
    for outside in [0, 1, 30] {
        assert_eq!(paused(Limits::default(), Pause::Everything, outside, users(9000.0)).0, outside);
    }
}

#[test]
fn a_paused_count_wins_over_bounds_rate_cooldown_and_a_missing_reading() {
    for (replicas, count) in [(4, 3), (4, 0), (4, 30), (0, 3), (1, 1), (30, 12)] {
        for reading in [users(9000.0), users(0.0), down()] {
            let (to, why) = paused(slow(), Pause::At(count), replicas, reading);
            assert_eq!(to, count, "{replicas}→{count}: {why}");
            let step = format!("(scaling is paused at {count} replicas)");
            assert!(why.ends_with(&step), "{why}");
        }
    }
}

#[test]
fn one_direction_is_paused_also_against_the_bounds() {
    let free = Limits::default;
    for (pause, replicas, reading, to) in [
        (Pause::ScaleIn, 8, users(0.0), 8),
        (Pause::ScaleIn, 8, users(9000.0), 10),
        (Pause::ScaleIn, 12, users(0.0), 12),
        (Pause::ScaleIn, 12, users(9000.0), 12),
        (Pause::ScaleIn, 1, users(0.0), 2),
        (Pause::ScaleIn, 0, users(9000.0), 0),
        (Pause::ScaleOut, 8, users(9000.0), 8),
        (Pause::ScaleOut, 8, users(0.0), 2),
        (Pause::ScaleOut, 1, users(9000.0), 1),
        (Pause::ScaleOut, 1, down(), 1),
        (Pause::ScaleOut, 12, users(9000.0), 10),
    ] {
        let (decided, why) = paused(free(), pause, replicas, reading);
        assert_eq!(decided, to, "{pause} at {replicas}: {why}");
    }
    assert_eq!(
        paused(free(), Pause::ScaleIn, 8, users(0.0)).1,
        "linear 8→2 (0 below 1000..5000), paused 2→8 (scale-in is paused)"
    );
}

#[test]
fn what_a_pause_set_to_0_wakes_up_when_it_ends() {
    let held = Plan { brakes: Brakes { pause: Pause::At(0), bounds: None }, ..plan(Limits::default()) };
    let mut memory = Memory::default();
    assert_eq!(next(&held, &mut memory, 4, users(3000.0), at(0)).0, 0);
    memory.scaled(&held, 0, 4, 0, at(0));
    assert_eq!(next(&plan(Limits::default()), &mut memory, 0, users(3000.0), at(60)).0, 6);
}

#[test]
fn windows_go_on_during_a_pause() {
    let limits = Limits::default().with_windows(Duration::ZERO, Duration::from_secs(300));
    let held = Plan { brakes: Brakes { pause: Pause::Everything, bounds: None }, ..plan(limits.clone()) };
    let mut memory = Memory::default();
    assert_eq!(next(&held, &mut memory, 4, users(9000.0), at(0)).0, 4);
    assert_eq!(
        next(&plan(limits), &mut memory, 4, users(0.0), at(60)).0,
        4,
        "10 were recommended a minute ago"
    );
}

fn overridden(min: Option<u32>, max: Option<u32>, limits: Limits) -> Plan {
    let bounds = BoundsOverride::new(min, max, at(1000), "sale".to_owned());
    Plan { brakes: Brakes { pause: Pause::Nothing, bounds }, ..plan(limits) }
}

#[test]
fn an_override_says_so_and_ends_by_itself_at_its_instant() {
    let plan = overridden(Some(12), Some(40), slow());
    let over = "override min 12, max 40 until 1970-01-01T00:16:40Z: sale";
    let last = Time::from_millis(999_999);
    assert_eq!(
        next(&plan, &mut just_scaled(), 4, users(0.0), last),
        (
            12,
            format!(
                "{over}, bounds 4→12 (12 at least), linear 12→2 (0 below 1000..5000), bounds 2→12 (12 at least)"
            )
        )
    );
    assert_eq!(next(&plan, &mut just_scaled(), 4, down(), last).0, 12);
    let (to, why) = next(&plan, &mut just_scaled(), 12, users(0.0), at(1000));
    assert_eq!(to, 10, "{why}");
    assert!(!why.contains("override"), "{why}");
}

#[test]
fn an_override_wakes_what_may_sleep_and_not_what_is_switched_off() {
    let mut plan = overridden(Some(5), None, Limits::default());
    assert_eq!(next(&plan, &mut Memory::default(), 0, users(0.0), at(0)).0, 0, "someone has set it to 0");
    plan.members[0].bounds = Bounds::new(0, 10).unwrap();
    assert_eq!(next(&plan, &mut Memory::default(), 0, users(0.0), at(0)).0, 5);
}

#[test]
fn a_pause_wins_over_an_override() {
    let mut plan = overridden(Some(12), Some(40), Limits::default());
    plan.brakes.pause = Pause::At(3);
    assert_eq!(next(&plan, &mut Memory::default(), 8, users(0.0), at(0)).0, 3);
}
