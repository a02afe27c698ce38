//! Objects of a group that are left to someone else.

use super::*;

async fn leave_to(running: &Loop, who: Option<&str>) {
    running.send(Event::LeftTo { group: "example.com", who: who.map(str::to_owned) }).await;
}

fn shown(running: &Loop) -> (String, String) {
    let (state, _) = running.world.services.board.object("BusinessScaling", "", "web").expect("shown");
    (state.reason.to_string(), state.message.to_string())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_polled_or_written_until_the_other_is_gone() {
    let running = Loop::leading(&[&web()]).await;
    pass(25).await;
    assert_eq!(running.world.cluster.replicas("web"), 6);
    let (asked, records) = (running.asked("web"), running.world.book.len());

    leave_to(&running, Some("KEDA (Lease keda/operator.keda.sh)")).await;
    running.world.sampler.answer("web", Answer::Value(5000.0));
    running.apply(&web().with("intervalSeconds", 5)).await;
    pass(300).await;
    assert_eq!((running.asked("web"), running.world.book.len()), (asked, records));
    assert_eq!(running.world.cluster.replicas("web"), 6);
    let message = "KEDA (Lease keda/operator.keda.sh) is active, so this object is left to it".to_owned();
    assert_eq!(shown(&running), ("StandingBack".to_owned(), message));

    leave_to(&running, None).await;
    running.until(|running| running.world.cluster.replicas("web") == 10).await;
    assert_eq!(shown(&running).0, "Ready");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_runs_when_the_other_comes_writes_nothing() {
    let running = Loop::leading(&[&web()]).await;
    running.world.sampler.answer("web", Answer::Slow(Duration::from_secs(3), 5000.0));
    pass(2).await;
    leave_to(&running, Some("another")).await;
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn other_groups_go_on_and_leave_its_targets_alone() {
    let group = Object::group("calls", &["web", "back"]);
    let running = Loop::leading(&[&web(), &group]).await;
    running.world.cluster.set("back", 2);
    leave_to(&running, Some("another")).await;
    pass(60).await;
    assert_eq!(running.writes(), 0);
    assert_eq!(running.world.book.reason("calls"), "TargetConflict");
}

#[tokio::test(start_paused = true)]
async fn whoever_leads_next_leaves_them_too() {
    let running = Loop::start();
    running.world.cluster.set("web", 2);
    leave_to(&running, Some("another")).await;
    running.apply(&web()).await;
    running.send(Event::Synced).await;
    running.lead(true).await;
    pass(60).await;
    assert_eq!((running.writes(), running.asked("web")), (0, 0));
    assert_eq!(shown(&running).0, "StandingBack");
}
