//! HPAs that objects keep: asked for at each poll, whatever becomes of readings and replicas.

use super::*;
use crate::scripted::Kept;

fn keeping(hpa: Option<&str>) -> Object {
    web().keeping(hpa)
}

/// The HPAs that were asked for, in order; `None` where none was wanted any more.
fn wanted(running: &Loop) -> Vec<Option<String>> {
    running.world.keeper.asked().into_iter().map(|kept| kept.hpa).collect()
}

async fn report(running: &Loop, target: Option<Target>, controller: Option<&str>) {
    let hpa = ("default".to_owned(), "kept".to_owned());
    running.send(Event::Hpa { hpa, target, controller: controller.map(str::to_owned) }).await;
}

#[tokio::test(start_paused = true)]
async fn an_hpa_is_kept_without_a_reading_and_without_a_change_of_replicas() {
    let running = Loop::leading(&[&keeping(Some("kept"))]).await;
    running.world.sampler.answer("web", Answer::Never);
    pass(1).await;
    let owner = keeping(None).key();
    let first = Kept { owner, hpa: Some("kept".to_owned()), may_write: true };
    assert_eq!(running.world.keeper.asked(), [first], "a source that hangs holds up no HPA");
    running.world.sampler.answer("web", Answer::Value(1000.0));
    running.apply(&keeping(Some("kept")).with("intervalSeconds", 5)).await;
    pass(60).await;
    assert_eq!(running.writes(), 0);
    assert!(wanted(&running).len() > 10);
}

#[tokio::test(start_paused = true)]
async fn an_hpa_that_is_slow_to_write_holds_up_no_replicas() {
    let running = Loop::leading(&[]).await;
    running.world.cluster.set("web", 2);
    running.world.sampler.answer("web", Answer::Value(3000.0));
    running.world.keeper.take(Duration::from_secs(15));
    running.apply(&keeping(Some("kept"))).await;
    running.until(|running| running.writes() == 1).await;
    assert_eq!(wanted(&running).len(), 0);
    pass(15).await;
    assert_eq!(wanted(&running), [Some("kept".to_owned())]);
    assert!(running.world.book.of("web")[0].poll().unwrap().hpa.is_ok(), "it is part of the same poll");

    // One that is wanted no more goes first.
    running.world.sampler.answer("web", Answer::Value(5000.0));
    running.apply(&keeping(None)).await;
    running.until(|running| running.writes() == 2).await;
    assert_eq!(wanted(&running), [Some("kept".to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_which_hpa_it_wants_and_whether() {
    let running = Loop::leading(&[&keeping(Some("kept"))]).await;
    pass(1).await;
    for (hpa, generation) in [(Some("renamed"), 6), (None, 7)] {
        running.apply(&keeping(hpa).with("intervalSeconds", generation)).await;
        pass(1).await;
        assert_eq!(wanted(&running).last().unwrap().as_deref(), hpa);
    }
    let changes: Vec<String> = running
        .world
        .book
        .of("web")
        .iter()
        .flat_map(|outcome| {
            let poll = outcome.poll().unwrap();
            poll.hpa.clone().unwrap().into_iter().map(|change| format!("{} {}", change.action, change.name))
        })
        .collect();
    assert_eq!(changes, ["Created kept", "Deleted kept", "Created renamed", "Deleted renamed"]);
}

#[tokio::test(start_paused = true)]
async fn what_keeps_an_hpa_from_being_kept_is_reported() {
    let running = Loop::leading(&[&keeping(Some("kept"))]).await;
    running.world.keeper.fail(Some(Reason::HpaConflict));
    pass(1).await;
    assert_eq!(running.world.book.reason("web"), "HPAConflict");
    running.world.keeper.fail(None);
    pass(15).await;
    assert_eq!(running.world.book.reason("web"), "Ready");
}

#[tokio::test(start_paused = true)]
async fn while_one_that_is_wanted_no_more_cannot_be_deleted_replicas_are_left_to_it() {
    let running = Loop::leading(&[&keeping(Some("kept"))]).await;
    running.until(|running| running.writes() == 1).await;
    running.world.keeper.fail(Some(Reason::FailedUpdateScale));
    running.world.sampler.answer("web", Answer::Value(5000.0));
    running.apply(&keeping(None)).await;
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.reason("web").as_str()), (1, "FailedUpdateScale"));
    running.world.keeper.fail(None);
    running.until(|running| running.writes() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_edited_or_deleted_by_hand_is_looked_at_at_once() {
    let running = Loop::leading(&[&keeping(Some("kept")).with("intervalSeconds", 300)]).await;
    pass(5).await;
    report(&running, Some(deployment("web")), Some("web")).await;
    pass(1).await;
    let before = (wanted(&running).len(), running.asked("web"));
    let change = engine::Target { name: "other".to_owned(), ..deployment("web") };
    for target in [Some(change), Some(deployment("web")), None] {
        report(&running, target, Some("web").filter(|_| true)).await;
        pass(1).await;
    }
    assert_eq!(wanted(&running).len(), before.0 + 3);
    assert_eq!(running.world.book.reason("web"), "Ready", "its own HPA is no conflict");
}

#[tokio::test(start_paused = true)]
async fn one_that_changes_while_a_poll_runs_is_looked_at_when_that_ends() {
    let running = Loop::leading(&[&keeping(Some("kept")).with("intervalSeconds", 300)]).await;
    running.world.sampler.answer("web", Answer::Slow(Duration::from_secs(20), 1000.0));
    pass(5).await;
    report(&running, Some(deployment("web")), Some("web")).await;
    report(&running, None, None).await;
    assert_eq!(wanted(&running).len(), 1);
    running.world.sampler.answer("web", Answer::Value(1000.0));
    pass(20).await;
    assert_eq!(wanted(&running).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_in_observe_mode_or_without_the_lease() {
    let running = Loop::leading(&[&keeping(Some("kept")).mode("observe")]).await;
    pass(30).await;
    assert_eq!(wanted(&running).len(), 0);
    running.apply(&keeping(Some("kept"))).await;
    pass(1).await;
    assert_eq!(wanted(&running).len(), 1);
    running.world.lease.set(None);
    pass(60).await;
    assert!(running.world.keeper.asked().iter().all(|kept| kept.may_write));
    assert_eq!(wanted(&running).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_the_target_gives_its_hpa_up() {
    let running = Loop::leading(&[&keeping(Some("kept"))]).await;
    pass(1).await;
    running.hpa(Some(deployment("web"))).await;
    pass(1).await;
    assert_eq!(running.world.book.reason("web"), "TargetConflict");
    assert_eq!(wanted(&running), [Some("kept".to_owned()), None]);
    running.hpa(None).await;
    pass(1).await;
    assert_eq!(wanted(&running).pop().unwrap().as_deref(), Some("kept"));
    assert_eq!(running.world.book.reason("web"), "Ready");
}
