//! Policies that rest on the advice of someone outside.

use engine::policy::{Adviser, External};
use engine::{Group, Role};

use super::*;
use crate::scripted::Said;

/// A group of `web`, which follows its adviser and can bear 1000 users a replica.
fn advised() -> Plan {
    let mut web = member("web");
    web.role = Role { capacity: Some(1000.0), ..Role::of("web") };
    let adviser = Adviser { address: "http://policy:50051".to_owned(), timeout: Duration::from_secs(5) };
    Plan {
        members: vec![web],
        policy: Arc::new(External::new(adviser)),
        group: Some(Group::default()),
        ..plan()
    }
}

/// The line of the only member, and the number of questions with such a result.
fn reported(world: &World, finished: &Finished, result: &str) -> (String, bool) {
    let explanation = polled(finished.outcome.as_ref().unwrap()).decision.members[0].explanation();
    let counted = format!("polyscaler_advices_total{{result=\"{result}\"}} 1\n");
    (explanation, world.services.metrics.render().contains(&counted))
}

#[tokio::test(start_paused = true)]
async fn the_adviser_sees_what_was_read_and_is_followed() {
    let world = world(2);
    world.oracle.says(Said::Counts(vec![Some(4)]));
    let finished = polls(&world, advised(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 4);
    let (asked, state) = world.oracle.asked().remove(0);
    assert_eq!(asked, "http://policy:50051 for Anything default/web");
    assert_eq!(
        (state.at, state.members[0].replicas, state.members[0].demand),
        (world.now(), Some(2), Some(3000.0))
    );
    assert_eq!(reported(&world, &finished, "ok"), ("external 2→4 (it said so)".to_owned(), true));
    // What it recommends beyond the bounds is held back like any other recommendation.
    world.oracle.says(Said::Counts(vec![Some(1000)]));
    polls(&world, advised(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 10);
    // A member that it does not speak of stays.
    world.oracle.says(Said::Counts(vec![None]));
    polls(&world, advised(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 10);
}

#[tokio::test(start_paused = true)]
async fn without_advice_nothing_is_scaled_in_and_the_condition_says_why() {
    let world = world(9);
    let finished = polls(&world, advised(), Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(ready(&finished), "false MetricConnectionFailed");
    let message = finished.outcome.as_ref().unwrap().health().message;
    assert_eq!(message, "policy external: connection refused");
    let (explanation, counted) = reported(&world, &finished, "MetricConnectionFailed");
    assert!(explanation.starts_with("absent external (connection refused)") && counted, "{explanation}");
}

#[tokio::test(start_paused = true)]
async fn advice_with_an_absent_reading_scales_out_and_not_in() {
    let world = world(5);
    world.sampler.answer("web", Answer::Absent);
    world.oracle.says(Said::Counts(vec![Some(3)]));
    polls(&world, advised(), Memory::default()).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(world.oracle.asked()[0].1.metrics[0].value, None, "absence is no number");
    world.oracle.says(Said::Counts(vec![Some(7)]));
    polls(&world, advised(), Memory::default()).await;
    assert_eq!(world.cluster.replicas("web"), 7);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_poll_waits_for_no_adviser() {
    let world = world(2);
    world.oracle.says(Said::Never);
    let (job, revoke) = job(advised(), Memory::default(), world.now());
    let polling = tokio::spawn(poll(world.services.clone(), job));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.oracle.asked().len(), 1);
    revoke.send_replace(true);
    assert!(polling.await.unwrap().outcome.is_none());
    assert_eq!(world.cluster.writes(), []);
}
