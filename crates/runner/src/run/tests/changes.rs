//! Objects that change, go and come while they are polled.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_status_does_not_wake() {
    let running = Loop::leading(&[&web()]).await;
    pass(25).await;
    let before = running.asked("web");
    for _ in 0..20 {
        running.apply(&web().remembering(json!({ "lastScale": running.ago(0).to_string() }))).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    settle().await;
    assert!(running.asked("web") <= before + 1, "one regular poll may fall into that time");
}

#[tokio::test(start_paused = true)]
async fn a_new_status_does_not_replace_what_the_leader_remembers() {
    let object = web().with("safety", json!({ "scaleDownStabilizationSeconds": 600 }));
    let running = Loop::leading(&[&object]).await;
    running.until(|running| running.world.cluster.replicas("web") == 6).await;
    running.world.cluster.set("web", 8);
    let recommendations = json!([{ "replicas": 10, "last": running.ago(0).to_string() }]);
    running
        .apply(&object.remembering(json!({ "members": { "Deployment default/web": recommendations } })))
        .await;
    pass(20).await;
    assert_eq!(running.world.cluster.replicas("web"), 6, "it never recommended 10 itself");
}

#[tokio::test(start_paused = true)]
async fn a_new_spec_ends_a_poll_that_hangs_and_is_polled_soon() {
    let running = Loop::leading(&[&web()]).await;
    running.world.sampler.answer("web", Answer::Never);
    pass(60).await;
    assert_eq!((running.asked("web"), running.asked("other")), (1, 0));
    let changed = running.world.now();
    running.apply(&web().source("other")).await;
    pass(2).await;
    assert!(running.world.sampler.asked("other")[0].at.since(changed) <= Duration::from_millis(100));
    assert_eq!(running.world.cluster.replicas("web"), 6);
    assert_eq!(running.world.book.of("web").len(), 1, "the poll that was ended reported nothing");
    assert_eq!(running.world.book.of("web")[0].generation, 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_spec_keeps_the_memory() {
    let running = Loop::leading(&[&web().cooldown(600)]).await;
    running.world.cluster.forget_last_scaled();
    pass(25).await;
    assert_eq!(running.writes(), 1);
    running.apply(&web().cooldown(600).source("other")).await;
    running.world.sampler.answer("other", Answer::Value(9000.0));
    pass(300).await;
    assert_eq!(running.writes(), 1);
    assert!(running.asked("other") > 25);
}

#[tokio::test(start_paused = true)]
async fn a_new_target_is_asked_when_it_was_last_scaled() {
    let running = Loop::leading(&[&web().cooldown(600)]).await;
    pass(25).await;
    running.world.cluster.scaled_by_another("api", 2, running.world.now());
    running.apply(&web().cooldown(600).target("api")).await;
    pass(590).await;
    assert_eq!(running.world.cluster.replicas("api"), 2);
    pass(20).await;
    assert_eq!(running.world.cluster.replicas("api"), 6);
}

#[tokio::test(start_paused = true)]
async fn what_was_recommended_for_a_former_target_is_forgotten() {
    for writing in [false, true] {
        let object = web().with("safety", json!({ "scaleDownStabilizationSeconds": 600 }));
        let running = Loop::leading(&[&object]).await;
        running.world.cluster.set("api", 2);
        running.world.cluster.writes_take(Duration::from_secs(if writing { 5 } else { 0 }));
        running.until(|running| running.writes() == 1).await;
        running.apply(&object.target("api")).await;
        pass(30).await;
        let reported =
            running.world.book.of("web").into_iter().find(|outcome| outcome.generation == 3).unwrap();
        let members: Vec<_> =
            polled(&reported).memory.members.iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(members, ["Deployment default/api"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_object_asks_when_its_target_was_last_scaled() {
    let object = web().cooldown(600);
    let running = Loop::leading(&[&object]).await;
    pass(25).await;
    assert_eq!(running.writes(), 1);
    running.delete(&object).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    running.apply(&object.uid("anew")).await;
    pass(500).await;
    assert_eq!(running.writes(), 1, "its cooldown begins with what the old one did");
    pass(100).await;
    assert_eq!(running.writes(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_while_it_is_polled_is_not_scaled() {
    let running = Loop::leading(&[]).await;
    running.world.cluster.set("web", 2);
    running.world.cluster.reads_take(Duration::from_secs(2));
    running.apply(&web()).await;
    pass(1).await;
    assert_eq!(running.asked("web"), 1);
    running.delete(&web()).await;
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.len(), running.asked("web")), (0, 0, 1));
    assert_eq!(running.world.services.board.objects(), []);
    assert!(running.world.services.metrics.render().contains(r#"objects{kind="BusinessScaling"} 0"#));
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_while_it_is_written_shows_in_the_activity_alone() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.writes_take(Duration::from_secs(5));
    pass(2).await;
    assert_eq!(running.writes(), 1);
    running.delete(&web()).await;
    pass(10).await;
    assert_eq!(running.world.book.len(), 0);
    assert_eq!(running.world.services.board.objects(), []);
    let actions = running.world.services.activity.actions();
    assert_eq!((actions.len(), actions[0].applied), (1, true));
}

#[tokio::test(start_paused = true)]
async fn an_object_recreated_does_not_inherit_the_memory_of_the_old_one() {
    let object = web().cooldown(600);
    let running = Loop::leading(&[&object]).await;
    running.world.cluster.forget_last_scaled();
    running.world.cluster.writes_take(Duration::from_secs(5));
    pass(2).await;
    assert_eq!(running.writes(), 1);
    running.delete(&object).await;
    running.apply(&object.clone().uid("anew")).await;
    pass(10).await;
    assert_eq!(running.world.cluster.replicas("web"), 6, "the write of the old one still came through");
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(20).await;
    assert_eq!(running.world.cluster.replicas("web"), 10, "no cooldown holds the new one");
    let reported = running.world.book.of("web");
    assert!(
        reported
            .iter()
            .all(|outcome| polled(outcome).decision.members[0].to != 6 || !polled(outcome).wrote())
    );
    assert!(reported.iter().all(|outcome| outcome.uid == "anew"));
    let actions = running.world.services.activity.actions();
    let actions: Vec<(&str, u32)> = actions.iter().map(|action| (&*action.uid, action.to)).collect();
    assert_eq!(actions, [("anew", 10), ("web", 6)], "each reports its own object");
    assert!(running.world.services.metrics.render().contains(r#"objects{kind="BusinessScaling"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn an_object_recreated_is_reported_even_without_a_deletion_in_between() {
    let object = web().cooldown(600);
    let running = Loop::leading(&[&object]).await;
    running.world.cluster.forget_last_scaled();
    pass(25).await;
    running.apply(&object.clone().uid("anew")).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(25).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
}

#[tokio::test(start_paused = true)]
async fn an_annotation_takes_effect_without_a_new_generation() {
    let running = Loop::leading(&[&web()]).await;
    pass(25).await;
    assert_eq!((running.writes(), running.world.book.reason("web").as_str()), (1, "Ready"));
    running.apply(&web().mode("observe")).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.reason("web").as_str()), (1, "Observing"));
    running.apply(&web().mode("act")).await;
    pass(1).await;
    assert_eq!((running.writes(), running.world.book.reason("web").as_str()), (2, "Ready"));
}

#[tokio::test(start_paused = true)]
async fn the_end_lets_a_write_come_to_its_record() {
    let running = Loop::leading(&[&web()]).await;
    running.world.cluster.writes_take(Duration::from_secs(3));
    pass(1).await;
    assert_eq!(running.writes(), 1);
    let world = running.end().await;
    assert_eq!(world.cluster.replicas("web"), 6);
    assert!(polled(&world.book.of("web")[0]).wrote());
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_no_source_that_hangs() {
    let running = Loop::leading(&[&web()]).await;
    running.world.sampler.answer("web", Answer::Never);
    pass(1).await;
    let (asked, begun) = (running.asked("web"), running.world.now());
    let world = running.end().await;
    assert_eq!(asked, 1);
    assert!(world.now().since(begun) <= DRAIN);
}
