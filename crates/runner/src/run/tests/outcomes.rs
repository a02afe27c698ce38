//! What is reported of healthy and failing objects, and how often.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_invalid_object_is_reported_once_and_stops_no_other() {
    let invalid = Object::new("invalid").with("intervalSeconds", 0);
    let running = Loop::leading(&[&invalid, &web()]).await;
    pass(120).await;
    let reported = running.world.book.of("invalid");
    assert_eq!((reported.len(), running.world.book.reason("invalid").as_str()), (1, "InvalidSpec"));
    assert!(reported[0].health().message.contains("spec.intervalSeconds"));
    assert_eq!(running.world.cluster.replicas("web"), 6);
    assert!(running.asked("web") >= 12);
    running.apply(&Object::new("invalid")).await;
    pass(1).await;
    assert_eq!(running.world.book.reason("invalid"), "Ready");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_becomes_invalid_while_it_is_polled_is_reported_last() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.writes_take(Duration::from_secs(5));
    pass(2).await;
    assert_eq!(running.writes(), 1);
    running.apply(&web().with("intervalSeconds", 0)).await;
    pass(60).await;
    let reported = running.world.book.of("web");
    assert_eq!((reported.len(), running.world.book.reason("web").as_str()), (1, "InvalidSpec"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_stops_no_other_and_is_polled_again() {
    let broken = Object::new("broken");
    let running = Loop::leading(&[&broken, &web()]).await;
    running.world.sampler.answer("broken", Answer::Panic);
    pass(60).await;
    assert!((6..=7).contains(&running.asked("broken")), "{}", running.asked("broken"));
    assert_eq!(running.world.book.of("broken").len(), 0);
    assert_eq!(running.world.cluster.replicas("web"), 6);
    running.world.sampler.answer("broken", Answer::Value(3000.0));
    pass(10).await;
    assert_eq!(running.world.cluster.replicas("broken"), 6);
    assert_eq!(running.world.book.reason("broken"), "Ready");
}

#[tokio::test(start_paused = true)]
async fn a_change_by_someone_else_is_looked_at_again_soon() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.meddle("web", 4);
    pass(2).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    let asked = running.world.sampler.asked("web");
    assert_eq!(asked[1].at.since(asked[0].at), Duration::from_millis(500));
    assert!(asked[1].not_before < asked[0].at, "the first reading will do");
    let reported: Vec<Reason> =
        running.world.book.of("web").iter().map(|outcome| outcome.health().reason).collect();
    assert_eq!(reported, [Reason::ScaleConflict, Reason::Ready]);
}

#[tokio::test(start_paused = true)]
async fn a_lasting_quarrel_is_looked_at_less_and_less() {
    let running = Loop::leading(&[&web().with("intervalSeconds", 3600)]).await;
    for _ in 0..100 {
        running.world.cluster.fail("web", Reason::ScaleConflict);
    }
    pass(100).await;
    assert_eq!(running.asked("web"), 8, "after 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 and 63.5 s");
    pass(3600).await;
    assert!(running.asked("web") <= 15);
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_starts_the_cooldown_where_it_was_carried_out() {
    let running = Loop::leading(&[&web().cooldown(600)]).await;
    running.world.cluster.fail("web", Reason::ScaleTimedOut);
    pass(5).await;
    assert_eq!(running.world.book.of("web")[0].health().reason, Reason::ScaleTimedOut);
    assert_eq!(running.world.cluster.replicas("web"), 6);
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(580).await;
    assert_eq!(running.writes(), 1);
    pass(30).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_goes_and_comes_is_found_again() {
    let running = Loop::leading(&[&web()]).await;
    pass(20).await;
    running.world.cluster.remove("web");
    pass(20).await;
    assert_eq!(running.world.book.reason("web"), "TargetNotFound");
    running.world.cluster.set("web", 3);
    pass(20).await;
    assert_eq!(
        (running.world.book.reason("web").as_str(), running.world.cluster.replicas("web")),
        ("Ready", 6)
    );
}

/// From, to and whether it was carried out, newest first.
fn actions(running: &Loop) -> Vec<(u32, u32, bool)> {
    let actions = running.world.services.activity.actions();
    actions.iter().map(|action| (action.from, action.to, action.applied)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_activity_has_every_scale_and_each_recommendation_once() {
    let running = Loop::leading(&[&web().mode("observe")]).await;
    pass(60).await;
    assert_eq!(actions(&running), [(2, 6, false)], "said once, though it was decided at every poll");
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(60).await;
    assert_eq!(actions(&running), [(2, 10, false), (2, 6, false)]);
    running.apply(&web().mode("observe").with("intervalSeconds", 5)).await;
    pass(60).await;
    assert_eq!(actions(&running).len(), 3, "a changed object says it again");
    running.apply(&web()).await;
    pass(20).await;
    assert_eq!(actions(&running)[0], (2, 10, true));
    running.world.sampler.answer("web", Answer::Value(0.0));
    for _ in 0..4 {
        running.world.cluster.fail("web", Reason::TargetForbidden);
    }
    running.world.cluster.fail("web", Reason::FailedUpdateScale);
    pass(60).await;
    let failed_and_done = [(10, 2, true), (10, 2, false), (10, 2, false), (2, 10, true), (2, 10, false)];
    assert_eq!(actions(&running), failed_and_done, "once for each reason, and no more than five are kept");
    let errors: Vec<_> =
        running.world.services.activity.actions().into_iter().map(|action| action.error).collect();
    assert_eq!(errors[1].as_deref(), Some("Deployment default/web: FailedUpdateScale"));
    assert_eq!((&errors[0], &errors[3]), (&None, &None));
}

#[tokio::test(start_paused = true)]
async fn the_board_shows_the_last_poll_of_each() {
    let running = Loop::leading(&[&web(), &Object::new("api")]).await;
    running.world.sampler.answer("api", Answer::Absent);
    pass(5).await;
    let shown = running.world.services.board.objects();
    let brief: Vec<_> = shown.iter().map(|object| (object.key.name.as_str(), object.ready)).collect();
    assert_eq!(brief, [("api", false), ("web", true)]);
    assert_eq!((shown[0].metrics[0].value, shown[1].metrics[0].value), (None, Some(3000.0)));
    let target = &shown[1].targets[0];
    assert_eq!((target.current, target.desired, target.recommended), (6, 6, Some(6)));
    running.delete(&web()).await;
    assert_eq!(running.world.services.board.objects().len(), 1, "what is gone is not shown");
}

#[tokio::test(start_paused = true)]
async fn what_polls_came_to_is_counted() {
    let running =
        Loop::leading(&[&web(), &Object::new("api"), &Object::new("bad").with("intervalSeconds", 0)]).await;
    running.world.sampler.answer("api", Answer::Absent);
    pass(25).await;
    let metrics = running.world.services.metrics.render();
    for line in [
        r#"polyscaler_objects{kind="BusinessScaling"} 3"#,
        r#"polyscaler_decisions_total{kind="BusinessScaling",outcome="scaled"} 1"#,
        r#"polyscaler_decisions_total{kind="BusinessScaling",outcome="invalid"} 1"#,
        r#"polyscaler_decisions_total{kind="BusinessScaling",outcome="metric_absent"} "#,
        r#"polyscaler_decisions_total{kind="BusinessScaling",outcome="unchanged"} "#,
        r#"polyscaler_writes_total{resource="scale",result="done"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
}
