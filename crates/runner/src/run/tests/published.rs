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
    assert_eq!(keda(&running, "keda_scaler_metrics_value"), [""; 0]);
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

/// Asks as an HPA does, and waits for the answer.
fn ask(running: &Loop) -> tokio::task::JoinHandle<(Result<f64, NoAnswer>, engine::Time)> {
    let services = running.world.services.clone();
    tokio::spawn(async move {
        let key = web().publishing().key();
        let answer = services.answers.awaited(&key, "s0-http", &*services.clock).await;
        (answer.map(|answer| answer.value), services.clock.now())
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_question_waits_for_the_first_poll_and_brings_it_forward() {
    let running = Loop::leading(&[&web().publishing().with("intervalSeconds", 600)]).await;
    let began = running.world.now();
    let (answer, at) = ask(&running).await.unwrap();
    assert_eq!(answer, Ok(3000.0));
    assert!(at.since(began) < std::time::Duration::from_secs(1), "{:?}", at.since(began));
    // Who takes over knows nothing yet.
    running.lead(false).await;
    running.lead(true).await;
    assert_eq!(ask(&running).await.unwrap().0, Ok(3000.0));
}

#[tokio::test(start_paused = true)]
async fn the_first_question_does_not_wait_for_ever_nor_for_what_does_not_come() {
    let running = Loop::leading(&[]).await;
    running.world.sampler.answer("web", Answer::Never);
    assert_eq!(ask(&running).await.unwrap().0, Err(NoAnswer::UnknownObject), "nobody is known");
    running.apply(&web().publishing()).await;
    let began = running.world.now();
    let (answer, at) = ask(&running).await.unwrap();
    assert_eq!((answer, at.since(began).as_secs()), (Err(NoAnswer::UnknownObject), 4));
    // One that is invalid now is not polled: that is known at once.
    running.apply(&web().publishing().with("intervalSeconds", 0)).await;
    pass(1).await;
    let began = running.world.now();
    assert!(ask(&running).await.unwrap().1.since(began) < std::time::Duration::from_secs(1));
}

/// The lines of KEDA's metrics that begin so, each without its labels but for the value.
fn keda(running: &Loop, name: &str) -> Vec<String> {
    let text = running.world.services.metrics.render();
    let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn contract_8_2_what_keda_counts_is_counted_by_its_names_while_the_object_is_there() {
    let running = Loop::leading(&[&web().publishing()]).await;
    pass(11).await;
    let text = running.world.services.metrics.render();
    let labels = "metric=\"s0-http\",scaledObject=\"web\",scaler=\"httpScaler\",triggerIndex=\"0\",\
                  type=\"scaledobject\"";
    let line = format!("keda_scaler_metrics_value{{namespace=\"\",{labels}}} 3000.0\n");
    assert!(text.contains(&line), "{line} is missing:\n{text}");
    assert_eq!(keda(&running, "keda_scaler_active"), ["1"]);
    assert_eq!(keda(&running, "keda_scaled_object_errors_total"), ["0"]);
    assert_eq!(keda(&running, "keda_scaled_object_paused"), ["0"]);
    for name in ["keda_resource_registered_total", "keda_trigger_registered_total"] {
        assert_eq!(keda(&running, name), ["1"], "{name}");
    }
    for name in ["keda_scaler_metrics_latency_seconds", "keda_internal_scale_loop_latency_seconds"] {
        assert_eq!(keda(&running, name).len(), 1, "{name}");
    }
    running.world.sampler.answer("web", Answer::Absent);
    pass(10).await;
    assert_eq!(keda(&running, "keda_scaler_active"), ["0"]);
    assert_eq!(keda(&running, "keda_scaler_metrics_value"), [""; 0], "no value is not the last one");
    assert_eq!(keda(&running, "keda_scaler_detail_errors_total"), ["1"]);
    assert_eq!(keda(&running, "keda_scaled_object_errors_total"), ["1"]);
    running.delete(&web().publishing()).await;
    for name in [
        "keda_scaler_active",
        "keda_scaler_detail_errors_total",
        "keda_scaled_object_errors_total",
        "keda_scaler_metrics_latency_seconds",
        "keda_internal_scale_loop_latency_seconds",
    ] {
        assert_eq!(keda(&running, name), [""; 0], "{name}");
    }
    for name in ["keda_resource_registered_total", "keda_trigger_registered_total"] {
        assert_eq!(keda(&running, name), ["0"], "{name}");
    }
    let gone = running.world.book.gone();
    assert_eq!(gone.len(), 1);
    assert!(gone[0].key == web().publishing().key() && gone[0].deletion.was_polled);
}

#[tokio::test(start_paused = true)]
async fn contract_8_2_the_value_of_a_formula_has_a_series_of_its_own() {
    let composing = || web().composing();
    let running = Loop::leading(&[&composing()]).await;
    pass(11).await;
    let text = running.world.services.metrics.render();
    let labels = "metric=\"composite-metric\",scaledObject=\"web\",scaler=\"composite-metric\",triggerIndex=\"0\",\
                  type=\"scaledobject\"";
    assert!(
        text.contains(&format!("keda_scaler_metrics_value{{namespace=\"\",{labels}}} 3000.0\n")),
        "{text}"
    );
    assert_eq!(keda(&running, "keda_scaler_active").len(), 2);
    assert_eq!(keda(&running, "keda_scaler_metrics_latency_seconds").len(), 1);
    running.world.sampler.answer("web", Answer::Absent);
    pass(10).await;
    assert_eq!(keda(&running, "keda_scaler_metrics_value"), [""; 0]);
}
