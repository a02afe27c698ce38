//! Groups in the loop: all writes at once, members that are left alone, and who owns what.

use super::*;

/// A leading loop with these groups, whose members have 2 replicas and which want 6 of each.
async fn leading(groups: &[&Object]) -> Loop {
    let running = Loop::start();
    for group in groups {
        running.world.sampler.answer(&group.key().name, Answer::Value(600.0));
        running.apply(group).await;
    }
    for name in ["a", "b", "c", "d"] {
        running.world.cluster.set(name, 2);
    }
    running.send(Event::Synced).await;
    running.lead(true).await;
    running
}

fn replicas<const N: usize>(running: &Loop, names: [&str; N]) -> [u32; N] {
    names.map(|name| running.world.cluster.replicas(name))
}

fn message(running: &Loop, name: &str) -> String {
    running.world.book.of(name).pop().unwrap().health().message
}

#[tokio::test(start_paused = true)]
async fn sixty_four_writes_begin_at_one_instant() {
    let names: Vec<String> = (0..64).map(|index| format!("m{index}")).collect();
    let group = Object::group("wide", &names.iter().map(String::as_str).collect::<Vec<_>>());
    let running = leading(&[]).await;
    for name in &names {
        running.world.cluster.set(name, 2);
    }
    running.world.sampler.answer("wide", Answer::Value(600.0));
    running.world.cluster.writes_take(Duration::from_secs(3));
    running.apply(&group).await;
    pass(10).await;
    let writes = running.world.cluster.writes();
    assert_eq!(writes.len(), 64);
    assert!(writes.iter().all(|write| write.begun == writes[0].begun));
    let landed = writes[0].begun.plus(Duration::from_secs(3));
    assert!(writes.iter().all(|write| write.landed == Some(landed)));
}

#[tokio::test(start_paused = true)]
async fn a_member_in_another_namespace_is_left_alone_and_the_rest_goes_on() {
    let group = Object::group("shop", &["a", "b"]).at("/members/1/namespace", "elsewhere");
    let running = leading(&[&group]).await;
    pass(30).await;
    assert_eq!(replicas(&running, ["a", "b"]), [6, 2]);
    assert_eq!(running.world.cluster.looks("Deployment elsewhere/b"), 0, "it is not even looked at");
    assert!(running.world.cluster.writes().iter().all(|write| write.target.namespace == "default"));
    assert_eq!(running.world.book.reason("shop"), "CrossNamespace");
    let reported = running.world.book.of("shop").pop().unwrap();
    let failure = polled(&reported).members[1].seen.clone().unwrap_err();
    assert!(failure.message.contains("spec.members[1].namespace"), "{}", failure.message);

    // It claims nothing there: whoever is at home has it.
    let at_home = Object::group("home", &["c", "b"]).called("home", "elsewhere").created(2);
    let running = leading(&[&group, &at_home]).await;
    pass(30).await;
    assert_eq!(replicas(&running, ["a", "b", "c"]), [6; 3]);
    assert_eq!(running.world.book.reason("home"), "Ready");
    assert!(running.world.cluster.looks("Deployment elsewhere/b") > 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_groups_that_share_a_member_the_younger_waits() {
    let (old, young) = (Object::group("old", &["a", "b"]), Object::group("young", &["c", "b"]).created(2));
    let running = leading(&[&young, &old]).await;
    pass(30).await;
    assert_eq!(replicas(&running, ["a", "b", "c"]), [6, 6, 2]);
    assert_eq!(running.world.book.reason("young"), "TargetConflict");
    let message = message(&running, "young");
    assert!(
        message.starts_with("member b: Deployment default/b is already scaled by ScalingGroup default/old; "),
        "{message}"
    );
    running.delete(&old).await;
    pass(30).await;
    assert_eq!((replicas(&running, ["c"]), running.world.book.reason("young").as_str()), ([6], "Ready"));
}

#[tokio::test(start_paused = true)]
async fn a_group_and_a_single_target_conflict_like_any_other() {
    let (group, single) = (Object::group("shop", &["a", "b"]).created(2), Object::new("b"));
    let running = leading(&[&group, &single]).await;
    pass(30).await;
    assert_eq!(replicas(&running, ["a", "b"]), [2, 2]);
    assert!(message(&running, "shop").contains("BusinessScaling b"), "{}", message(&running, "shop"));
    running.delete(&single).await;
    running.apply(&single.created(3)).await;
    pass(30).await;
    assert_eq!(replicas(&running, ["a", "b"]), [6, 6]);
    assert_eq!(running.world.book.reason("b"), "TargetConflict");
}

#[tokio::test(start_paused = true)]
async fn a_group_in_conflict_holds_nothing_and_the_next_in_line_hears_of_every_change() {
    let groups = [
        Object::group("first", &["a", "b"]).created(1),
        Object::group("second", &["b", "c"]).created(2),
        Object::group("third", &["c", "d"]).created(3),
    ];
    let running = leading(&[&groups[2], &groups[1], &groups[0]]).await;
    let ready = |running: &Loop| ["first", "second", "third"].map(|name| running.world.book.reason(name));
    pass(30).await;
    assert_eq!(ready(&running), ["Ready", "TargetConflict", "Ready"]);
    assert_eq!(replicas(&running, ["a", "b", "c", "d"]), [6; 4]);
    running.hpa(Some(deployment("a"))).await;
    pass(5).await;
    assert_eq!(ready(&running), ["TargetConflict", "Ready", "TargetConflict"]);
    running.hpa(None).await;
    pass(5).await;
    assert_eq!(ready(&running), ["Ready", "TargetConflict", "Ready"]);
}

#[tokio::test(start_paused = true)]
async fn who_wins_a_target_waits_for_the_last_write_of_who_lost_it() {
    let young = Object::group("young", &["a", "b"]).created(5);
    let running = leading(&[&young]).await;
    running.world.cluster.writes_take(Duration::from_secs(4));
    running.until(|running| running.writes() == 2).await;
    let old = Object::group("old", &["b", "c"]).created(1);
    running.world.sampler.answer("old", Answer::Value(900.0));
    running.apply(&old).await;
    pass(30).await;
    assert_eq!(running.world.cluster.most_writes_at_once(), 1);
    assert_eq!(replicas(&running, ["b", "c"]), [9, 9]);
    assert!(running.world.cluster.writes()[..4].iter().all(|write| write.landed.is_some()), "no quarrel");
}
