//! Leading, not leading, and taking over.

use super::*;

#[tokio::test(start_paused = true)]
async fn who_no_longer_leads_reads_writes_and_reports_nothing() {
    let running = Loop::leading(&[&web()]).await;
    pass(30).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    assert_eq!(running.world.services.board.objects().len(), 1);
    running.lead(false).await;
    let before = (running.asked("web"), running.writes(), running.world.book.len());
    running.world.sampler.answer("web", Answer::Value(9000.0));
    running.apply(&web().with("intervalSeconds", 5)).await;
    pass(300).await;
    assert_eq!((running.asked("web"), running.writes(), running.world.book.len()), before);
    assert_eq!(running.world.services.board.objects(), [], "what it last saw is not the present state");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_runs_when_leadership_is_lost_writes_nothing() {
    let running = Loop::leading(&[]).await;
    running.world.cluster.set("web", 2);
    running.world.cluster.reads_take(Duration::from_secs(2));
    running.apply(&web()).await;
    pass(1).await;
    assert_eq!(running.asked("web"), 1);
    running.lead(false).await;
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn without_the_lease_nothing_is_done_even_before_the_loop_hears() {
    let running = Loop::leading(&[]).await;
    running.world.cluster.set("web", 2);
    running.world.lease.set(None);
    running.apply(&web()).await;
    running.apply(&Object::new("invalid").with("intervalSeconds", 0)).await;
    pass(60).await;
    assert_eq!((running.asked("web"), running.writes(), running.world.book.len()), (0, 0, 0));
    // The lease was renewed so late that nobody was informed of its loss.
    running.world.lease.set(Some(Duration::from_secs(8)));
    pass(1).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    assert_eq!(running.world.book.reason("invalid"), "InvalidSpec");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_during_a_poll_stops_its_write_and_its_record() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.reads_take(Duration::from_secs(2));
    pass(1).await;
    running.world.lease.set(None);
    pass(60).await;
    assert_eq!((running.asked("web"), running.writes(), running.world.book.len()), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_outlives_the_lease_is_logged_and_not_recorded() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.writes_take(Duration::from_secs(5));
    pass(2).await;
    assert_eq!(running.writes(), 1);
    running.lead(false).await;
    pass(10).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    assert_eq!(running.world.book.len(), 0);
    let actions = running.world.services.activity.actions();
    assert_eq!((actions.len(), actions[0].applied, actions[0].to), (1, true, 6));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_back_is_not_used_before_the_loop_hears() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.writes_take(Duration::from_secs(5));
    running.until(|running| running.writes() == 1).await;
    running.lead(false).await;
    pass(10).await;
    let asked = running.asked("web");
    running.world.lease.set(Some(Duration::from_secs(8)));
    pass(60).await;
    assert_eq!(running.asked("web"), asked, "another replica may have led: what it remembers comes first");
}

/// An object with a cooldown that this replica scales; then another one leads and scales.
async fn led_by_another() -> (Loop, Object) {
    let object = web().cooldown(600);
    let running = Loop::leading(&[&object]).await;
    pass(2).await;
    assert_eq!(running.writes(), 1);
    pass(700).await;
    running.lead(false).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    (running, object)
}

async fn keeps_the_cooldown(running: &Loop, left: u64) {
    running.lead(true).await;
    let before = running.writes();
    pass(left - 15).await;
    assert_eq!(running.writes(), before, "the cooldown of the other replica's scale runs");
    pass(30).await;
    assert_eq!((running.writes(), running.world.cluster.replicas("web")), (before + 1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_in_the_status_is_kept() {
    let (running, object) = led_by_another().await;
    running.world.cluster.forget_last_scaled();
    running.apply(&object.remembering(json!({ "lastScale": running.ago(100).to_string() }))).await;
    keeps_the_cooldown(&running, 500).await;
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_in_the_status_that_comes_with_a_new_spec_is_kept() {
    let (running, object) = led_by_another().await;
    running.world.cluster.forget_last_scaled();
    let changed = object.with("intervalSeconds", 5);
    running.apply(&changed.remembering(json!({ "lastScale": running.ago(100).to_string() }))).await;
    keeps_the_cooldown(&running, 500).await;
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_that_only_the_target_knows_is_kept() {
    let (running, _) = led_by_another().await;
    running.world.cluster.scaled_by_another("web", 6, running.ago(100));
    keeps_the_cooldown(&running, 500).await;
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_of_its_own_is_kept_though_a_late_status_does_not_know_it() {
    let object = web().cooldown(600);
    let running = Loop::leading(&[&object]).await;
    running.world.cluster.forget_last_scaled();
    pass(100).await;
    assert_eq!(running.writes(), 1);
    running.lead(false).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    running.apply(&object.remembering(json!({ "lastScale": "2023-11-01T00:00:00Z" }))).await;
    keeps_the_cooldown(&running, 500).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_recommendation_in_the_status_is_taken_to_have_held_until_the_takeover() {
    let object = web().with("safety", json!({ "scaleDownStabilizationSeconds": 300 }));
    let running = Loop::start();
    running.world.cluster.set("web", 10);
    running.send(Event::Synced).await;
    running.apply(&object).await;
    let recommendations = json!([{ "replicas": 10, "last": running.ago(0).to_string() }]);
    running
        .apply(&object.remembering(json!({ "members": { "Deployment default/web": recommendations } })))
        .await;
    // A status is not written while recommendations stay the same, so it may be old.
    pass(1000).await;
    running.lead(true).await;
    pass(280).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
    pass(40).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
}

#[tokio::test(start_paused = true)]
async fn a_panic_during_the_takeover_loses_no_cooldown() {
    let (running, _) = led_by_another().await;
    running.world.cluster.scaled_by_another("web", 6, running.ago(100));
    running.world.sampler.answer("web", Answer::Panic);
    running.lead(true).await;
    pass(50).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    let before = running.writes();
    pass(400).await;
    assert_eq!(running.writes(), before);
    pass(100).await;
    assert_eq!(running.writes(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_from_before_does_not_overwrite_what_another_leader_remembered() {
    let window = json!({ "scaleDownStabilizationSeconds": 300 });
    let object = web().with("safety", window);
    let running = Loop::leading(&[&object]).await;
    running.world.cluster.writes_take(Duration::from_secs(5));
    running.until(|running| running.writes() == 1).await;
    running.lead(false).await;
    // Another leader recommended 10 meanwhile, and so may not scale in for 300 s.
    let recommendations = json!([{ "replicas": 10, "last": running.world.now().to_string() }]);
    running
        .apply(&object.remembering(json!({ "members": { "Deployment default/web": recommendations } })))
        .await;
    running.lead(true).await;
    pass(10).await;
    running.world.cluster.set("web", 10);
    pass(250).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
    pass(100).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
}
