//! What the loop keeps for those who ask for the metrics of its objects.

use super::*;
use crate::NoAnswer;

fn published(running: &Loop) -> Result<f64, NoAnswer> {
    let (answers, key) = (&running.world.services.answers, web().publishing().key());
    answers.find(&key, "s0-http", running.world.now()).map(|answer| answer.value)
}

#[tokio::test(start_paused = true)]
async fn each_poll_publishes_and_a_deletion_ends_it() {
    let running = Loop::leading(&[&web().publishing()]).await;
    pass(11).await;
    assert_eq!(published(&running), Ok(3000.0));
    running.world.sampler.answer("web", Answer::Value(1234.5));
    pass(10).await;
    assert_eq!(published(&running), Ok(1234.5));
    running.world.sampler.answer("web", Answer::Absent);
    pass(10).await;
    assert_eq!(published(&running), Err(NoAnswer::NoValue { message: "no answer".to_owned() }));
    running.delete(&web().publishing()).await;
    assert_eq!(published(&running), Err(NoAnswer::UnknownObject));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_polled_any_more_publishes_nothing() {
    let running = Loop::leading(&[&web().publishing()]).await;
    pass(11).await;
    assert_eq!(published(&running), Ok(3000.0));
    running.apply(&web().publishing().with("intervalSeconds", 0)).await;
    pass(5).await;
    assert_eq!(published(&running), Err(NoAnswer::UnknownObject));
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_makes_what_was_published_before_old() {
    let running = Loop::leading(&[&web().publishing()]).await;
    pass(11).await;
    running.world.sampler.answer("web", Answer::Never);
    pass(40).await;
    assert_eq!(published(&running), Ok(3000.0));
    pass(30).await;
    assert!(matches!(published(&running), Err(NoAnswer::Stale { .. })), "{:?}", published(&running));
}

#[tokio::test(start_paused = true)]
async fn only_who_leads_answers() {
    let running = Loop::leading(&[&web().publishing()]).await;
    pass(11).await;
    running.lead(false).await;
    assert_eq!(published(&running), Err(NoAnswer::NotLeading));
    running.lead(true).await;
    assert_eq!(published(&running), Err(NoAnswer::UnknownObject), "what it knows is of before");
    pass(11).await;
    assert_eq!(published(&running), Ok(3000.0));
}
