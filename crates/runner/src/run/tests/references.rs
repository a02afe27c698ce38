//! Objects that refer to others: compiled again when those come, change and go.

use super::*;
use crate::scripted::pace_of;

/// Polled every 10 s, unless its pace says otherwise.
fn paced() -> Object {
    Object::new("paced").at_pace("slow")
}

async fn polls_in(running: &Loop, seconds: u64) -> usize {
    let before = running.asked("paced");
    pass(seconds).await;
    running.asked("paced") - before
}

#[tokio::test(start_paused = true)]
async fn a_missing_reference_is_a_reason_of_its_own_and_stops_no_other() {
    let running = Loop::leading(&[&paced(), &web()]).await;
    pass(60).await;
    assert_eq!(running.world.book.reason("paced"), "ReferenceNotFound");
    let reported = running.world.book.of("paced");
    assert_eq!(reported.len(), 1, "reported once");
    assert_eq!(reported[0].health().message, "metadata.annotations[test/pace]: Not found: Pace slow");
    assert_eq!((running.asked("paced"), running.world.book.reason("web").as_str()), (0, "Ready"));

    running.send(pace_of("slow", Some(10))).await;
    pass(1).await;
    assert_eq!(running.world.book.reason("paced"), "Ready");
    running.send(pace_of("slow", None)).await;
    pass(1).await;
    assert_eq!(running.world.book.reason("paced"), "ReferenceNotFound");
    assert_eq!(polls_in(&running, 60).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_is_referred_to_takes_effect_at_once() {
    let running = Loop::start();
    running.world.cluster.set("paced", 2);
    // In whichever order the watches report.
    running.send(pace_of("slow", Some(60))).await;
    running.apply(&paced()).await;
    running.send(Event::Synced).await;
    running.lead(true).await;
    pass(1).await;
    let slow = polls_in(&running, 240).await;
    assert!((3..=5).contains(&slow), "{slow}");
    running.send(pace_of("slow", Some(2))).await;
    pass(1).await;
    let fast = polls_in(&running, 60).await;
    assert!((28..=32).contains(&fast), "{fast}");
    assert_eq!(running.world.book.of("paced").iter().filter(|reported| reported.poll().is_none()).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_one_and_one_of_another_name_change_nothing() {
    let running = Loop::leading(&[&web(), &paced()]).await;
    running.send(pace_of("slow", Some(100))).await;
    pass(5).await;
    let (asked, reported) = (running.asked("web"), running.world.book.of("paced").len());
    running.send(pace_of("other", Some(1))).await;
    running.send(pace_of("slow", Some(100))).await;
    pass(3).await;
    assert_eq!((running.asked("web"), running.world.book.of("paced").len()), (asked, reported));
    running.delete(&paced()).await;
    running.send(pace_of("slow", Some(1))).await;
    assert_eq!(polls_in(&running, 30).await, 0);
}
