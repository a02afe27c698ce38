//! A scaler that reports by itself that there is work, on a stream that is kept open.

use std::sync::Arc;
use std::time::Duration;

use engine::{Holder, Otherwise, Sought};
use serde_json::json;
use sources::Wake;
use testbed::{Ends, ExternalScaler};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::external::readings::{question, reported};
use crate::support::Bench;

/// Far above what a busy machine takes for anything here.
const LIMIT: Duration = Duration::from_secs(120);

fn wake() -> (Wake, mpsc::UnboundedReceiver<()>) {
    let (sender, woken) = mpsc::unbounded_channel();
    let wake = move || -> futures::future::BoxFuture<'static, ()> {
        // Nobody may wait for it any more.
        let _ = sender.send(());
        Box::pin(std::future::ready(()))
    };
    (Arc::new(wake), woken)
}

async fn scaler() -> ExternalScaler {
    let scaler = ExternalScaler::start().await.unwrap();
    scaler.state().specs = vec![("lag", 5, 0.0)];
    scaler.state().values = [("lag", vec![(0, 0.0)])].into();
    scaler
}

#[tokio::test]
async fn contract_6_11_what_is_pushed_wakes_the_object_and_counts_at_its_next_reading() {
    let (bench, scaler, (wake, mut woken)) = (Bench::new(), scaler().await, wake());
    let query = bench.prepare(&question(&scaler, json!({"push": true})));
    bench.hub.listen("a", [&query], &wake);
    scaler.until_open(1).await.unwrap();
    // Again with the same: it stays open.
    bench.hub.listen("a", [&query], &wake);

    scaler.push(false);
    scaler.push(true);
    tokio::time::timeout(LIMIT, woken.recv()).await.unwrap().unwrap();
    let read = async || {
        reported(&bench.hub.read(&query, bench.tick()).await.reading).map(|(active, _)| active).unwrap()
    };
    assert!(read().await, "whatever IsActive says");
    assert!(!read().await, "once");

    // However much it says, the object is woken about once a second.
    let before = Instant::now();
    for _ in 0..20 {
        scaler.push(true);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::timeout(LIMIT, woken.recv()).await.unwrap().unwrap();
    let mut times = 1;
    while woken.try_recv().is_ok() {
        times += 1;
    }
    assert!(times as u64 <= before.elapsed().as_secs() + 1, "{times} in {:?}", before.elapsed());
    assert_eq!(scaler.state().begun, 1);

    // An equal query, as after a change of the object: what is pushed counts at its readings, and at those of no other.
    let equal = bench.prepare(&question(&scaler, json!({"push": true})));
    bench.hub.listen("a", [&equal], &wake);
    let look =
        || async { if scaler.state().begun == 2 { Ok(()) } else { Err("still the old stream".to_owned()) } };
    testbed::wait::until("a stream of its own", LIMIT, look).await.unwrap();
    scaler.until_open(1).await.unwrap();
    scaler.push(true);
    tokio::time::timeout(LIMIT, woken.recv()).await.unwrap().unwrap();
    let read = bench.hub.read(&equal, bench.tick()).await;
    assert_eq!(reported(&read.reading).map(|(active, _)| active), Ok(true));

    // An object that is gone, and one that asks no more for pushes.
    let quiet = bench.prepare(&question(&scaler, json!({"push": false})));
    bench.hub.listen("a", [&quiet], &wake);
    scaler.until_open(0).await.unwrap();
    bench.hub.listen("b", [&query], &wake);
    scaler.until_open(1).await.unwrap();
    bench.hub.listen("b", [], &wake);
    scaler.until_open(0).await.unwrap();
}

#[tokio::test]
async fn contract_6_11_a_stream_that_ends_is_opened_again_after_a_pause_and_later_each_time_that_it_breaks() {
    let (bench, scaler, (wake, mut woken)) = (Bench::new(), scaler().await, wake());
    let query = bench.prepare(&question(&scaler, json!({"push": true})));
    let until_begun = async |count: usize| {
        let look =
            || async { if scaler.state().begun >= count { Ok(()) } else { Err(scaler.state().begun) } };
        testbed::wait::until(&format!("{count} streams"), LIMIT, || async {
            look().await.map_err(|begun| begun.to_string())
        })
        .await
        .unwrap();
    };
    scaler.state().ends = Some(Ends::Well);
    let began = Instant::now();
    bench.hub.listen("a", [&query], &wake);
    until_begun(3).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "two pauses of 1.5 s at least: {:?}", began.elapsed());

    scaler.state().ends = Some(Ends::Broken);
    let (began, begun) = (Instant::now(), scaler.state().begun);
    until_begun(begun + 3).await;
    assert!(
        began.elapsed() >= Duration::from_millis(4500),
        "1.5 s, then 3 s at least: {:?}",
        began.elapsed()
    );

    scaler.state().ends = None;
    scaler.until_open(1).await.unwrap();
    scaler.push(true);
    tokio::time::timeout(LIMIT, woken.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn contract_6_11_a_scaler_that_says_that_its_metrics_have_changed_is_asked_anew() {
    let (bench, scaler, (wake, mut woken)) = (Bench::new(), scaler().await, wake());
    scaler.state().streams_specs = true;
    let query = bench.prepare(&question(&scaler, json!({"push": true})));
    bench.hub.listen("a", [&query], &wake);
    let look = || async {
        if scaler.state().open_specs == 1 { Ok(()) } else { Err("no stream of specs".to_owned()) }
    };
    testbed::wait::until("a stream of specs", LIMIT, look).await.unwrap();
    scaler.state().specs = vec![("lag", 9, 0.0)];
    scaler.push_specs();
    tokio::time::timeout(LIMIT, woken.recv()).await.unwrap().unwrap();
    let read = bench.hub.read(&query, bench.tick()).await;
    let (active, metrics) = reported(&read.reading).unwrap();
    assert!(!active, "that its metrics are others is no work");
    assert_eq!(metrics[0].1, 9.0);
    bench.hub.listen("a", [], &wake);
    let look =
        || async { if scaler.state().open_specs == 0 { Ok(()) } else { Err("still open".to_owned()) } };
    testbed::wait::until("no stream of specs", LIMIT, look).await.unwrap();
}

#[tokio::test]
async fn a_stream_whose_credentials_have_changed_is_opened_again_at_the_next_reading() {
    let (bench, scaler, (wake, mut woken)) = (Bench::new(), scaler().await, wake());
    bench.vault.set("shop/s", "token", "old");
    let place = Holder::Secret { namespace: "shop".to_owned(), name: "s".to_owned() }.value("token");
    let sought = Sought { places: vec![place], otherwise: Otherwise::LeftOut };
    let query =
        bench.prepare_sought(&question(&scaler, json!({"push": true})), &[("metadata.tokenFromEnv", sought)]);
    bench.hub.listen("a", [&query], &wake);
    scaler.until_open(1).await.unwrap();
    // A reading with the same leaves it open.
    bench.hub.read(&query, bench.tick()).await;

    bench.vault.set("shop/s", "token", "new");
    bench.hub.read(&query, bench.tick()).await;
    let told = || {
        let seen = &scaler.state().seen;
        let streams = seen.iter().filter(|(method, _)| method == "StreamIsActive");
        streams.map(|(_, about)| about.metadata["tokenFromEnv"].clone()).collect::<Vec<_>>()
    };
    let look = || async {
        let told = told();
        if told == ["old", "new"] { Ok(()) } else { Err(format!("{told:?}")) }
    };
    testbed::wait::until("a stream with the new token", LIMIT, look).await.unwrap();
    scaler.until_open(1).await.unwrap();
    // What is pushed there counts, too.
    scaler.push(true);
    tokio::time::timeout(LIMIT, woken.recv()).await.unwrap().unwrap();
    let read = bench.hub.read(&query, bench.tick()).await;
    assert_eq!(reported(&read.reading).map(|(active, _)| active), Ok(true));
    assert_eq!(told().len(), 2, "opened once more, and not again and again");
}
