//! Time, size and connections: no endpoint takes more than its share.

use std::time::Duration;

use engine::AbsenceReason;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use testbed::{Answer, Body, MetricServer};

use crate::http::bench::{Bench, query};
use crate::support::raw_server::{RawServer, Then};

/// Far below what any of these endpoints would take, far above a busy machine's delays.
const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_endpoint_that_is_down_is_refused_and_comes_back() {
    let bench = Bench::new();
    let mut server = MetricServer::start().await.unwrap();
    server.set_json("/users", &json!({"active_users": 1}));
    let url = server.url("/users");
    assert_eq!(bench.number_at(&url).await, Ok(1.0));
    server.stop().await;
    let expected = (AbsenceReason::ConnectionFailed, format!("{url}: connection refused"));
    assert_eq!(bench.number_at(&url).await, Err(expected));
    server.resume().await.unwrap();
    assert_eq!(bench.number_at(&url).await, Ok(1.0));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_an_absence() {
    let (reason, message) =
        Bench::new().number_within(1, "http://no-such-host.invalid/users").await.unwrap_err();
    // Without any name server the system may take longer than the reading has.
    let expected = [AbsenceReason::ConnectionFailed, AbsenceReason::Timeout];
    assert!(expected.contains(&reason), "{message}");
    assert!(message.starts_with("http://no-such-host.invalid/users: "), "{message}");
}

#[tokio::test]
async fn a_slow_endpoint_ends_with_its_own_time() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    let good = json!({"active_users": 1});
    server.set("/slow", Answer::json(&good).after(Duration::from_secs(300)));
    server.set("/stalled", Answer::new(StatusCode::OK, Body::Stalled("{\"active_".into())));
    let dribble = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    let dribble = RawServer::start(dribble, Then::Dribble(b' ', Duration::from_millis(20))).await;
    let headless = RawServer::start("HTTP/1.1 200 OK\r\n", Then::Wait).await;
    let urls = [server.url("/slow"), server.url("/stalled"), dribble.url(), headless.url()];
    for (url, outcome) in urls.iter().zip(join_all(urls.iter().map(|url| bench.number_within(1, url))).await)
    {
        let expected = (AbsenceReason::Timeout, format!("{url}: no complete response within 1 s"));
        assert_eq!(outcome, Err(expected));
    }
}

#[tokio::test]
async fn a_large_answer_is_given_up_early() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set("/long", Answer::new(StatusCode::OK, Body::Long(100 * 1024 * 1024)));
    server.set("/endless", Answer::new(StatusCode::OK, Body::Endless));
    // Says so and never sends it: only who believes the announcement is done within the time.
    let announced = RawServer::start("HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n", Then::Wait).await;
    for url in [server.url("/long"), server.url("/endless"), announced.url()] {
        let expected = (AbsenceReason::TooLarge, format!("{url}: the response is larger than 1024 KiB"));
        assert_eq!(bench.number_at(&url).await, Err(expected));
    }
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_read() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    let number = r#"{"active_users": 1}"#;
    let body = |length: usize| format!("{number}{}", " ".repeat(length - number.len()));
    server.set("/just", Answer::raw_json(body(1024 * 1024)));
    server.set("/over", Answer::raw_json(body(1024 * 1024 + 1)));
    assert_eq!(bench.number_at(&server.url("/just")).await, Ok(1.0));
    assert_eq!(bench.number_at(&server.url("/over")).await.unwrap_err().0, AbsenceReason::TooLarge);
}

#[tokio::test]
async fn a_slow_host_keeps_no_other_waiting() {
    let (bench, slow, good) =
        (Bench::new(), MetricServer::start().await.unwrap(), MetricServer::start().await.unwrap());
    slow.set("/", Answer::json(&json!({})).after(Duration::from_secs(300)));
    good.set_json("/", &json!({"active_users": 1}));
    let jam =
        (0..200).map(|number| query(json!({"url": slow.url(&format!("/?{number}")), "timeoutSeconds": 60})));
    let jam: Vec<_> = jam
        .map(|query| {
            let (hub, query, now) = (bench.hub.clone(), bench.prepare(&query), bench.now());
            tokio::spawn(async move { hub.read(&query, now).await })
        })
        .collect();
    let full = || async { (slow.seen("/").count >= 32).then_some(()) };
    testbed::wait::until("the slow host is full", SOON, full).await.unwrap();
    assert_eq!(bench.number_at(&good.url("/")).await, Ok(1.0));
    assert_eq!(slow.seen("/").count, 32, "no more than that at once");
    let waited = bench.number_within(1, &slow.url("/?last")).await.unwrap_err();
    assert_eq!(waited.0, AbsenceReason::Timeout, "waiting for a place counts");
    jam.iter().for_each(tokio::task::JoinHandle::abort);
}
