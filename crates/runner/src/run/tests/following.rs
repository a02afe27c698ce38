//! How long a group's members take to become ready.

use engine::{Action, Memory};

use super::*;

/// A group of two Deployments of 2 replicas, whose new replicas take 3 and 7.1 s, that wants 6 of each.
async fn shop(change: impl FnOnce(&World, Object) -> Object) -> Loop {
    let running = Loop::start();
    for (name, millis) in [("web", 3000), ("api", 7100)] {
        running.world.cluster.set(name, 2);
        running.world.cluster.ready_after(name, Duration::from_millis(millis));
    }
    running.world.sampler.answer("shop", Answer::Value(600.0));
    let group = change(&running.world, group());
    running.apply(&group).await;
    running.send(Event::Synced).await;
    running.lead(true).await;
    running
}

fn group() -> Object {
    Object::group("shop", &["web", "api"])
}

fn memory(running: &Loop) -> Memory {
    let reported = running.world.book.of("shop").pop().unwrap();
    polled(&reported).memory.clone()
}

/// Milliseconds from the decision until each member was ready.
fn ready_after(action: &Action) -> Vec<Option<u128>> {
    let after = |time: Time| time.since(action.at).as_millis();
    action.members.iter().map(|member| member.ready.map(after)).collect()
}

fn recorded(running: &Loop) -> Vec<Option<u128>> {
    ready_after(&memory(running).last_action.unwrap())
}

fn counted(running: &Loop) -> bool {
    running
        .world
        .services
        .metrics
        .render()
        .contains(r#"polyscaler_group_ready_seconds_count{kind="ScalingGroup"} 1"#)
}

#[tokio::test(start_paused = true)]
async fn the_last_member_that_is_ready_is_reported_at_once_without_a_poll() {
    let running = shop(|_, group| group.with("intervalSeconds", 3600)).await;
    running.until(|running| running.writes() == 2).await;
    let decided = running.world.cluster.writes()[0].begun;
    let reported = running.world.book.len();
    pass(7).await;
    assert_eq!(running.world.book.len(), reported, "one is not ready yet");
    running.until(|running| running.world.book.len() > reported).await;
    assert_eq!(recorded(&running), [Some(3000), Some(7250)], "looked at four times a second");
    assert_eq!(memory(&running).last_action.unwrap().at, decided);
    let last = running.world.book.since(0).pop().unwrap();
    assert_eq!((last.outcome.at.since(decided).as_millis(), last.tried.len()), (7250, 0));
    let seen: Vec<_> =
        polled(&last.outcome).members.iter().map(|member| member.seen.as_ref().unwrap().ready).collect();
    assert_eq!(seen, [Some(6), Some(6)]);
    assert_eq!(running.asked("shop"), 1);
    let metrics = running.world.services.metrics.render();
    assert!(
        metrics.contains("polyscaler_group_ready_seconds_sum{kind=\"ScalingGroup\"} 7.25\n"),
        "{metrics}"
    );
    let looks = running.world.cluster.looks("Deployment default/web");
    pass(100).await;
    assert_eq!(running.world.cluster.looks("Deployment default/web"), looks, "it is over");
    assert_eq!(running.world.book.len(), reported + 1);
}

#[tokio::test(start_paused = true)]
async fn polls_in_between_forget_nothing() {
    let running = shop(|world, group| {
        // A poll that is under way for most of the time.
        world.sampler.answer("shop", Answer::Slow(Duration::from_millis(900), 600.0));
        group.with("intervalSeconds", 1)
    })
    .await;
    pass(20).await;
    assert!(running.asked("shop") >= 9);
    assert_eq!(recorded(&running), [Some(3000), Some(7250)]);
    assert!(counted(&running));
    let memory = memory(&running);
    pass(60).await;
    assert_eq!(memory.last_action, self::memory(&running).last_action);
    assert!(counted(&running), "once");
}

#[tokio::test(start_paused = true)]
async fn a_new_action_takes_the_place_of_one_that_is_not_ready() {
    let running = shop(|_, group| group).await;
    running.until(|running| running.writes() == 2).await;
    running.world.cluster.ready_after("api", Duration::from_secs(3600));
    pass(20).await;
    assert_eq!(recorded(&running), [Some(3000), None]);
    running.world.sampler.answer("shop", Answer::Value(700.0));
    running.until(|running| running.writes() == 4).await;
    pass(5).await;
    running.world.cluster.ready_after("api", Duration::ZERO);
    pass(1).await;
    assert!(counted(&running), "the first was never ready");
    let action = memory(&running).last_action.unwrap();
    assert_eq!((action.members[0].from, action.members[0].to), (6, 7));
    assert!(ready_after(&action).iter().all(Option::is_some));
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_goes_on_from_what_the_status_remembers() {
    let running = shop(|_, group| group).await;
    pass(4).await;
    let mut memory = memory(&running);
    memory.last_action.as_mut().unwrap().members[0].ready = Some(running.ago(1));
    running.lead(false).await;
    let looks = running.world.cluster.looks("Deployment default/api");
    pass(1).await;
    assert_eq!(
        running.world.cluster.looks("Deployment default/api"),
        looks,
        "who does not lead does not look"
    );
    running.apply(&group().remembering(serde_json::to_value(&memory).unwrap())).await;
    // Its first poll hangs, and time goes on all the same.
    running.world.sampler.answer("shop", Answer::Slow(Duration::from_secs(20), 600.0));
    running.lead(true).await;
    pass(25).await;
    let after = recorded(&running);
    assert_eq!(after[0], ready_after(&memory.last_action.unwrap())[0]);
    let last = after[1].unwrap();
    assert!((7100..=7500).contains(&last), "{last}");
    assert_eq!(running.writes(), 2, "no second action");
    assert!(counted(&running));
}

#[tokio::test(start_paused = true)]
async fn who_is_not_ready_within_a_quarter_of_an_hour_is_not_waited_for() {
    let running = shop(|world, group| {
        world.cluster.ready_after("api", Duration::from_secs(100_000));
        group.with("intervalSeconds", 86_400)
    })
    .await;
    pass(1000).await;
    let looks = running.world.cluster.looks("Deployment default/api");
    assert!((3600..3620).contains(&looks), "{looks}");
    pass(1000).await;
    assert_eq!(running.world.cluster.looks("Deployment default/api"), looks);
    assert!(!counted(&running));
}

#[tokio::test(start_paused = true)]
async fn kinds_that_do_not_report_stay_without_and_are_not_looked_at() {
    let running = shop(|world, group| {
        world.cluster.tell_no_readiness("api");
        group.with("intervalSeconds", 3600)
    })
    .await;
    pass(20).await;
    let looks = running.world.cluster.looks("Deployment default/api");
    assert!(looks <= 2, "{looks}");
    running.apply(&group().with("intervalSeconds", 1).at("/metrics/0/targetValue", 1)).await;
    pass(20).await;
    assert_eq!(recorded(&running), [Some(3000), None]);
    assert!(!counted(&running));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reported_what_is_gone_or_of_another() {
    let running = shop(|_, group| group.with("intervalSeconds", 3600)).await;
    pass(4).await;
    let reported = running.world.book.len();
    running.delete(&group()).await;
    let looks = running.world.cluster.looks("Deployment default/api");
    pass(20).await;
    assert_eq!(running.world.book.len(), reported);
    assert_eq!(running.world.cluster.looks("Deployment default/api"), looks);

    let running = shop(|_, group| group.with("intervalSeconds", 3600)).await;
    pass(4).await;
    running.hpa(Some(deployment("web"))).await;
    pass(20).await;
    assert_eq!(running.world.book.reason("shop"), "TargetConflict", "readiness does not hide a conflict");
}
