//! Who may scale a target when several want to.

use super::*;

fn elder() -> Object {
    Object::new("elder").target("web").created(1)
}

fn younger() -> Object {
    Object::new("younger").target("web").created(2)
}

/// Both objects want `web`; the elder one wants 10 replicas, the younger one 6.
async fn rivals(elder: &Object, younger: &Object) -> Loop {
    let running = Loop::leading(&[younger, elder]).await;
    running.world.cluster.set("web", 2);
    running.world.sampler.answer("elder", Answer::Value(9000.0));
    running
}

#[tokio::test(start_paused = true)]
async fn the_elder_scales_and_the_younger_says_who_does() {
    let running = rivals(&elder(), &younger()).await;
    pass(60).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
    assert_eq!((running.writes(), running.asked("younger")), (1, 0));
    let reported = running.world.book.of("younger");
    assert!(
        (6..=7).contains(&reported.len()),
        "at every interval, so that a status that was tampered with heals"
    );
    let condition = reported[0].health();
    assert_eq!(condition.reason, Reason::TargetConflict);
    assert!(condition.message.contains("already scaled by BusinessScaling elder"), "{}", condition.message);
    assert_eq!(running.world.book.reason("elder"), "Ready");
}

#[tokio::test(start_paused = true)]
async fn the_younger_takes_over_when_the_elder_goes() {
    for end in ["deleted", "observing", "elsewhere", "broken"] {
        let running = rivals(&elder(), &younger()).await;
        pass(60).await;
        match end {
            "deleted" => running.delete(&elder()).await,
            "observing" => running.apply(&elder().mode("observe")).await,
            "elsewhere" => running.apply(&elder().target("other")).await,
            _ => running.apply(&elder().with("intervalSeconds", 0)).await,
        }
        pass(1).await;
        assert_eq!(running.world.cluster.replicas("web"), 6, "{end}");
        assert_eq!(running.world.book.reason("younger"), "Ready", "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_keeps_the_cooldown_of_what_the_other_did() {
    let younger = younger().cooldown(600);
    // It has scaled before, so its own memory is no new one.
    let running = Loop::leading(&[&younger]).await;
    running.world.cluster.set("web", 2);
    pass(700).await;
    running.apply(&elder()).await;
    running.world.sampler.answer("elder", Answer::Value(9000.0));
    pass(60).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
    running.delete(&elder()).await;
    pass(500).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
    pass(100).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_target_while_polling_writes_nothing() {
    for rival in ["elder", "hpa"] {
        let running = Loop::leading(&[]).await;
        running.world.cluster.set("web", 2);
        running.world.cluster.reads_take(Duration::from_secs(2));
        running.apply(&younger()).await;
        pass(1).await;
        assert_eq!(running.asked("younger"), 1);
        match rival {
            "elder" => running.apply(&elder().mode("act")).await,
            _ => running.hpa(Some(deployment("web"))).await,
        }
        running.world.sampler.answer("elder", Answer::Never);
        pass(60).await;
        assert_eq!(running.writes(), 0, "{rival}");
        assert_eq!(running.world.book.reason("younger"), "TargetConflict", "{rival}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_hpa_owns_its_target_as_long_as_it_is_there() {
    let running = Loop::leading(&[&web()]).await;
    running.hpa(Some(deployment("web"))).await;
    pass(60).await;
    assert_eq!((running.writes(), running.asked("web")), (0, 0));
    assert_eq!(running.world.book.reason("web"), "TargetConflict");
    // It turns to another target.
    running.hpa(Some(deployment("other"))).await;
    pass(1).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    running.hpa(Some(deployment("web"))).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.reason("web").as_str()), (1, "TargetConflict"));
    running.hpa(None).await;
    pass(1).await;
    assert_eq!(running.world.cluster.replicas("web"), 10);
}

#[tokio::test(start_paused = true)]
async fn who_only_observes_is_polled_beside_the_owner() {
    let running = rivals(&elder().mode("observe"), &younger()).await;
    pass(60).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    assert_eq!(running.world.book.reason("elder"), "Observing");
    assert_eq!(running.world.book.reason("younger"), "Ready");
}
