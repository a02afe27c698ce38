//! Writes of a group that fail, and what becomes of them before the next poll.

use engine::Action;

use super::*;
use crate::schedule::first_polls;

/// Two Deployments of 2 replicas in a group that wants 6 of each, and polls once in an hour.
async fn shop(change: impl FnOnce(&World, Object) -> Object) -> Loop {
    let running = Loop::start();
    for name in ["web", "api"] {
        running.world.cluster.set(name, 2);
    }
    running.world.sampler.answer("shop", Answer::Value(600.0));
    let group = Object::group("shop", &["web", "api"]).with("intervalSeconds", 3600);
    let group = change(&running.world, group);
    running.apply(&group).await;
    running.send(Event::Synced).await;
    // So that the next poll is far away.
    let plan = plan_of(&group);
    if plan.interval > Duration::from_secs(60) {
        let begin = cycle::next_poll(&plan, running.world.now()).since(running.world.now());
        tokio::time::sleep(begin).await;
    }
    running.lead(true).await;
    running
}

fn plan_of(object: &Object) -> Plan {
    let Event::Applied { kind, object, .. } = object.applied() else { unreachable!() };
    let context = Context {
        catalog: &Anything,
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: false,
        resolved: None,
    };
    kind.compile(&object, &context).unwrap().plan
}

fn group() -> Object {
    Object::group("shop", &["web", "api"]).with("intervalSeconds", 3600)
}

/// The seconds, after the first write of all, at which `name` was written.
fn written_at(running: &Loop, name: &str) -> Vec<f64> {
    let writes = running.world.cluster.writes();
    let of_this = writes.iter().filter(|write| write.target.name == name);
    of_this.map(|write| write.begun.since(writes[0].begun).as_secs_f64()).collect()
}

fn reasons(running: &Loop) -> Vec<String> {
    let reported = running.world.book.of("shop");
    reported.iter().map(|outcome| outcome.health().reason.to_string()).collect()
}

fn last_action(running: &Loop) -> Action {
    let reported = running.world.book.of("shop").pop().unwrap();
    polled(&reported).memory.last_action.clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_tried_again_by_the_same_decision_and_holds_up_no_other() {
    let running = shop(|world, group| {
        for _ in 0..2 {
            world.cluster.fail("api", Reason::FailedUpdateScale);
        }
        // What was written starts a cooldown, which must not hold back the rest.
        group.cooldown(600)
    })
    .await;
    pass(10).await;
    assert_eq!(written_at(&running, "web"), [0.0]);
    assert_eq!(written_at(&running, "api"), [0.0, 0.25, 0.75]);
    assert_eq!((running.world.cluster.replicas("web"), running.world.cluster.replicas("api")), (6, 6));
    assert_eq!(running.asked("shop"), 1, "nothing was decided again");
    assert_eq!(reasons(&running), ["FailedUpdateScale", "Ready", "Ready"], "at once, recovered, all ready");
    let records = running.world.book.since(0);
    let scaled: Vec<Vec<usize>> = records.iter().map(|record| record.scaled().collect()).collect();
    assert_eq!(scaled, [vec![0], vec![1], vec![]], "each is reported once");
    assert!(records.iter().all(|record| record.outcome.uid == "shop"));
    assert_eq!(records.iter().map(|record| record.tried.len()).collect::<Vec<_>>(), [2, 1, 0]);
    let actions = running.world.services.activity.actions();
    let noted: Vec<_> = actions.iter().map(|action| (action.target.as_str(), action.applied)).collect();
    assert_eq!(noted, [("Deployment/api", true), ("Deployment/api", false), ("Deployment/web", true)]);

    let action = last_action(&running);
    let after = |time: Option<Time>| time.unwrap().since(action.at).as_millis();
    let members: Vec<_> = action
        .members
        .iter()
        .map(|member| (member.name.as_str(), member.attempts, after(member.written), &member.failure))
        .collect();
    assert_eq!(members, [("web", 1, 0, &None), ("api", 3, 750, &None)]);
    let last_scale = polled(&running.world.book.of("shop")[1]).memory.last_scale;
    assert_eq!(last_scale, Some(action.at.plus(Duration::from_millis(750))));
    let metrics = running.world.services.metrics.render();
    for line in [
        r#"polyscaler_group_retries_total{result="failed"} 1"#,
        r#"polyscaler_group_retries_total{result="done"} 1"#,
        r#"polyscaler_writes_total{resource="scale",result="failed"} 2"#,
        r#"polyscaler_writes_total{resource="scale",result="done"} 2"#,
        r#"polyscaler_group_write_seconds_count{kind="ScalingGroup"} 1"#,
        r#"polyscaler_group_write_seconds_bucket{le="1.0",kind="ScalingGroup"} 1"#,
        r#"polyscaler_group_write_seconds_bucket{le="0.5",kind="ScalingGroup"} 0"#,
        r#"polyscaler_decisions_total{kind="ScalingGroup",outcome="scaled"} 1"#,
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line} is missing:\n{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_four_seconds_until_the_next_poll() {
    let failing = |reason| {
        shop(move |world, group| {
            for _ in 0..3000 {
                world.cluster.fail("api", reason);
            }
            group
        })
    };
    let running = failing(Reason::FailedUpdateScale).await;
    pass(17).await;
    assert_eq!(written_at(&running, "api"), [0.0, 0.25, 0.75, 1.75, 3.75, 7.75, 11.75, 15.75]);
    assert_eq!(reasons(&running), ["FailedUpdateScale"], "nothing new to report but that the other is ready");
    pass(3600).await;
    assert_eq!(running.asked("shop"), 2, "the next poll decides again");
    let last = running.world.sampler.asked("shop")[1].at.since(running.world.cluster.writes()[0].begun);
    let writes = written_at(&running, "api");
    assert!(writes.contains(&last.as_secs_f64()) && writes.contains(&(last.as_secs_f64() + 0.25)));

    for reason in [Reason::TargetForbidden, Reason::TargetNotFound, Reason::TargetNotScalable] {
        let running = failing(reason).await;
        pass(10).await;
        assert_eq!(written_at(&running, "api"), [0.0, 4.0, 8.0], "{reason} waits for people");
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_someone_else_changed_is_seen_again_and_comes_to_the_decided_count() {
    let running = shop(|world, group| {
        world.cluster.meddle("api", 4);
        group
    })
    .await;
    pass(5).await;
    let writes = running.world.cluster.writes();
    let of_api: Vec<_> = writes
        .iter()
        .filter(|write| write.target.name == "api")
        .map(|write| (write.from, write.to))
        .collect();
    assert_eq!(of_api, [(2, 6), (4, 6)]);
    assert_eq!((running.asked("shop"), running.world.cluster.replicas("api")), (1, 6));
    assert_eq!(reasons(&running)[..2], ["ScaleConflict", "Ready"]);
}

#[tokio::test(start_paused = true)]
async fn what_someone_else_brought_to_the_decided_count_is_not_written() {
    for reason in [Reason::ScaleConflict, Reason::ScaleTimedOut] {
        let running = shop(|world, group| {
            match reason {
                Reason::ScaleConflict => world.cluster.meddle("api", 6),
                _ => world.cluster.fail("api", reason),
            }
            group
        })
        .await;
        pass(5).await;
        assert_eq!(written_at(&running, "api"), [0.0], "{reason}");
        assert_eq!(reasons(&running)[1], "Ready");
        let action = last_action(&running);
        assert_eq!((action.members[1].attempts, action.members[1].written.is_some()), (1, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_never_scales_in_without_a_reading() {
    let running = shop(|world, group| {
        // Only the floor is known, and someone has gone beyond it meanwhile.
        world.sampler.answer("shop", Answer::Absent);
        world.cluster.meddle("api", 50);
        group.at("/members/1/minReplicas", 9)
    })
    .await;
    pass(100).await;
    assert_eq!(written_at(&running, "api"), [0.0]);
    assert_eq!(running.world.cluster.replicas("api"), 50);
    let running = shop(|world, group| {
        world.sampler.answer("shop", Answer::Absent);
        world.cluster.meddle("api", 5);
        group.at("/members/1/minReplicas", 9)
    })
    .await;
    pass(100).await;
    assert_eq!(running.world.cluster.replicas("api"), 9);
}

/// A group one of whose writes fails again and again, 5 s after the first.
async fn failing() -> Loop {
    let running = shop(|world, group| {
        for _ in 0..3000 {
            world.cluster.fail("api", Reason::FailedUpdateScale);
        }
        group
    })
    .await;
    pass(5).await;
    assert_eq!(running.writes(), 6);
    running
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_without_the_right_to_it() {
    let running = failing().await;
    running.world.lease.set(None);
    pass(300).await;
    assert_eq!(running.writes(), 6, "the lease has ended and nobody has said so");
    running.world.lease.set(Some(Duration::from_secs(8)));
    pass(300).await;
    assert_eq!(running.writes(), 6, "the next poll decides");

    let running = failing().await;
    running.lead(false).await;
    pass(300).await;
    assert_eq!(running.writes(), 6);

    let running = failing().await;
    running.delete(&group()).await;
    pass(300).await;
    assert_eq!(running.writes(), 6);

    let running = failing().await;
    running.hpa(Some(deployment("web"))).await;
    pass(300).await;
    assert_eq!(running.writes(), 6, "an HPA on one member takes the whole group");
    assert_eq!(running.world.book.reason("shop"), "TargetConflict");

    let running = failing().await;
    running.apply(&group().mode("observe")).await;
    pass(300).await;
    assert_eq!((running.writes(), running.world.book.reason("shop").as_str()), (6, "Observing"));
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_member_stops_at_once_and_not_only_when_it_is_reported() {
    let running = failing().await;
    let retry = running.world.cluster.writes()[0].begun.plus(Duration::from_millis(7750));
    let now = running.world.now();
    let reported_after = first_polls(&[None], now)[0].due.since(now);
    tokio::time::sleep(retry.since(now) - reported_after / 2).await;
    running.hpa(Some(deployment("web"))).await;
    pass(60).await;
    assert_eq!((running.writes(), running.world.book.reason("shop").as_str()), (6, "TargetConflict"));
}

#[tokio::test(start_paused = true)]
async fn a_new_spec_ends_the_decision_that_is_tried_again() {
    let running = failing().await;
    running.world.cluster.calm();
    running.apply(&group().at("/members/1/maxReplicas", 4)).await;
    pass(300).await;
    let writes: Vec<_> = running.world.cluster.writes()[6..].iter().map(|write| write.to).collect();
    assert_eq!((writes, running.asked("shop")), (vec![4], 2));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_lasts_does_not_hold_up_the_next_poll_for_an_interval() {
    let running = shop(|world, group| {
        world.cluster.fail("api", Reason::FailedUpdateScale);
        group.with("intervalSeconds", 2)
    })
    .await;
    running.until(|running| running.writes() == 2).await;
    running.world.cluster.writes_take(Duration::from_secs(5));
    running.until(|running| running.writes() == 3).await;
    let (begun, asked) = (running.world.cluster.writes()[2].begun, running.asked("shop"));
    running.until(|running| running.asked("shop") > asked).await;
    let next = running.world.sampler.asked("shop")[asked].at;
    assert_eq!(next.since(begun), Duration::from_secs(5), "as soon as the write has come to its end");
    assert_eq!(running.world.cluster.most_writes_at_once(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_single_target_is_decided_again_and_not_tried_again() {
    let running = Loop::leading(&[&web().with("intervalSeconds", 3600)]).await;
    running.world.cluster.fail("web", Reason::FailedUpdateScale);
    pass(60).await;
    assert_eq!(running.writes(), 1);
}
