//! Endpoints that answer wrongly, slowly, too much or not at all.

use engine::AbsenceReason::*;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::{Answer, Body, MetricServer, NatsOptions, NatsServer};

use crate::nats::bench::{Bench, LIMIT};
use crate::nats::canned::{Scripted, consumer, jsz, metric_server, orders};
use crate::support::raw_server::{RawServer, Then};

#[tokio::test]
async fn every_bad_answer_is_an_absence_with_its_reason() {
    let (bench, server) = (Bench::new(), metric_server().await);
    let good = jsz("A", &[orders(&[consumer("work", json!(3), json!(2))])]);
    let half = good.to_string();
    let half = &half[..half.len() / 2];
    for (answer, reason, words) in [
        (Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "oh"), BadStatus, "status 500"),
        (Answer::text(StatusCode::NOT_FOUND, "no"), BadStatus, "status 404"),
        (Answer::html("<!doctype html><title>sign in</title>"), Malformed, "HTML"),
        (Answer::raw_json(""), Malformed, "empty"),
        (Answer::raw_json(half), Malformed, "not JSON"),
        (Answer::raw_json("[]"), Malformed, "not a response of a NATS server"),
        (Answer::raw_json("\"sign in\""), Malformed, "not a response of a NATS server"),
        (Answer::json(&json!({})), Malformed, "not a response of a NATS server"),
        (
            Answer::json(&json!({"server_id": "sign in", "accounts": "sign in"})),
            Malformed,
            "not a response of a NATS server",
        ),
        (Answer::json(&json!({"active_users": 5})), Malformed, "not a response of a NATS server"),
        (
            Answer::raw_json(r#"{"server_id": "A", "server_id": "B"}"#),
            Malformed,
            "not a response of a NATS server",
        ),
        (Answer::raw_json("[".repeat(500_000)), Malformed, "not a response of a NATS server"),
        (
            Answer::json(&json!({"server_id": "A", "disabled": true})),
            ValueMissing,
            "JetStream is not enabled",
        ),
        (Answer::json(&json!({"server_id": "A"})), ValueMissing, "streams seen: none"),
        (Answer::json(&jsz("A", &[])), ValueMissing, "streams seen: none"),
        (Answer::new(StatusCode::OK, Body::Long(100 * 1024 * 1024)), TooLarge, "larger than 16384 KiB"),
        (Answer::new(StatusCode::OK, Body::Endless), TooLarge, "larger than 16384 KiB"),
    ] {
        server.set("/jsz", answer.clone());
        let (found, message) = bench.waiting_for(&server.url("/"), "orders").await.unwrap_err();
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(words), "{message}");
        assert!(message.starts_with(&server.url("/")), "{message}");
        assert!(!message.contains("sign in"), "{message}");
    }
    server.set_json("/jsz", &good);
    assert_eq!(bench.waiting_for(&server.url("/"), "orders").await, Ok(5.0), "a good answer counts at once");
}

#[tokio::test]
async fn figures_that_are_no_counts_are_distinguished() {
    let (bench, server) = (Bench::new(), metric_server().await);
    let underflow = json!(u64::MAX);
    let what = "consumer \"work\" of stream \"ORDERS\": ";
    for (pending, unacknowledged, reason, words) in [
        (json!(-1), json!(0), OutOfRange, "num_pending is -1, which is not a count"),
        (json!(3), json!(-2), OutOfRange, "num_ack_pending is -2, which is not a count"),
        (underflow, json!(0), OutOfRange, "num_pending is 18446744073709551615, which is not a count"),
        (json!(1.5), json!(0), OutOfRange, "num_pending is 1.5, which is not a count"),
        (json!("7"), json!(0), NotANumber, "num_pending is a string, not a number"),
        (json!([7]), json!(0), NotANumber, "num_pending is a list, not a number"),
        (Value::Null, json!(0), ValueMissing, "num_pending is missing"),
    ] {
        server.set_json("/jsz", &jsz("A", &[orders(&[consumer("work", pending, unacknowledged)])]));
        let (found, message) = bench.waiting_for(&server.url(""), "orders").await.unwrap_err();
        assert_eq!(found, reason, "{message}");
        assert_eq!(
            message,
            format!(
                "{}: {what}{words}{}",
                server.url("/"),
                if words.ends_with("count") { " of messages" } else { "" }
            )
        );
    }
    for (text, reason) in [("NaN", Malformed), ("1e999", NotFinite)] {
        let page = jsz("A", &[orders(&[consumer("work", json!("HERE"), json!(0))])]).to_string();
        server.set("/jsz", Answer::raw_json(page.replace("\"HERE\"", text)));
        let (found, message) = bench.waiting_for(&server.url(""), "orders").await.unwrap_err();
        assert_eq!(found, reason, "{message}");
    }

    // What nobody asks for may be as wrong as it likes.
    let other = consumer("other", json!(-1), Value::Null);
    server.set_json("/jsz", &jsz("A", &[orders(&[consumer("work", json!(3), json!(2)), other])]));
    let settings = json!({"monitoringUrl": server.url(""), "subject": "orders", "consumer": "work"});
    assert_eq!(bench.waiting(settings).await, Ok(5.0));
}

#[tokio::test]
async fn a_page_without_configuration_is_not_counted() {
    let (bench, server) = (Bench::new(), metric_server().await);
    for (path, words) in
        [("/config", "stream \"ORDERS\""), ("/consumer_detail/0/config", "consumer \"work\"")]
    {
        let mut stream = orders(&[consumer("work", json!(3), json!(2))]);
        *stream.pointer_mut(path).unwrap() = Value::Null;
        server.set_json("/jsz", &jsz("A", &[stream]));
        let (reason, message) = bench.waiting_for(&server.url(""), "orders").await.unwrap_err();
        assert_eq!(reason, Malformed, "{message}");
        assert!(message.ends_with(&format!("leaves out the configuration of {words}")), "{message}");
    }
}

#[tokio::test]
async fn a_page_may_leave_out_what_is_not_needed_to_count() {
    let (bench, server) = (Bench::new(), metric_server().await);
    let mut work = consumer("work", json!(3), json!(2));
    work["config"] = json!({"filter_subject": "orders"});
    let page = jsz("A", &[orders(&[work])]);
    let account = "/account_details/0";
    for left_out in [
        "/server_id",
        "/accounts",
        &format!("{account}/id"),
        &format!("{account}/name"),
        &format!("{account}/stream_detail/0/config"),
    ] {
        let (parent, name) = left_out.rsplit_once('/').unwrap();
        let mut page = page.clone();
        page.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        server.set_json("/jsz", &page);
        assert_eq!(bench.waiting_for(&server.url(""), "orders").await, Ok(5.0), "without {left_out}");
    }
    let mut nameless = page;
    let account = nameless.pointer_mut(account).unwrap().as_object_mut().unwrap();
    account.retain(|name, _| name == "stream_detail");
    server.set_json("/jsz", &nameless);
    let (reason, message) = bench.waiting_for(&server.url(""), "orders").await.unwrap_err();
    assert_eq!(reason, Malformed, "{message}");
    assert!(message.ends_with("leaves out the name of an account"), "{message}");
}

#[tokio::test]
async fn a_server_without_a_page_for_its_health_is_taken_at_its_word() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set_json("/jsz", &jsz("A", &[orders(&[])]));
    server.set("/healthz", Answer::text(StatusCode::NOT_FOUND, "404 page not found"));
    assert_eq!(bench.waiting_for(&server.url(""), "orders").await, Ok(7.0));
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_never_comes_is_an_absence() {
    let bench = Bench::new();
    let cut =
        RawServer::start("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"server_id\": ", Then::Close)
            .await;
    let (reason, message) =
        bench.waiting_for(&format!("http://{}", cut.address), "orders").await.unwrap_err();
    assert_eq!(reason, ConnectionFailed, "{message}");

    let server = MetricServer::start().await.unwrap();
    server.set("/jsz", Answer::new(StatusCode::OK, Body::Stalled("{\"server_id\": ".into())));
    let settings = json!({"monitoringUrl": server.url(""), "subject": "orders", "timeoutSeconds": 3});
    let (reason, message) = bench.waiting(settings).await.unwrap_err();
    assert_eq!(
        (reason, message.as_str()),
        (Timeout, format!("{}: no complete response within 3 s", server.url("/jsz")).as_str())
    );
}

#[tokio::test]
async fn a_server_that_is_still_starting_counts_for_nothing() {
    let (bench, server) = (Bench::new(), metric_server().await);
    server.set_json("/jsz", &jsz("A", &[orders(&[])]));
    server.set("/healthz", Answer::text(StatusCode::SERVICE_UNAVAILABLE, "starting"));
    let (reason, message) = bench.waiting_for(&server.url(""), "orders").await.unwrap_err();
    assert_eq!(reason, BadStatus, "{message}");
    assert!(message.contains("may be starting"), "{message}");
    server.set_json("/healthz", &json!({"status": "ok"}));
    assert_eq!(bench.waiting_for(&server.url(""), "orders").await, Ok(7.0));

    // Once it has started it is not asked again, until it is another one.
    server.set("/healthz", Answer::text(StatusCode::SERVICE_UNAVAILABLE, "unwell"));
    let before = server.requests();
    assert_eq!(bench.waiting_for(&server.url(""), "orders").await, Ok(7.0));
    assert_eq!(server.requests(), before + 1, "one reading is one request");
    server.set_json("/jsz", &jsz("B", &[orders(&[])]));
    assert!(bench.waiting_for(&server.url(""), "orders").await.is_err());
}

#[tokio::test]
async fn a_server_without_jetstream_says_so() {
    let options = NatsOptions { jetstream: false, ..NatsOptions::default() };
    let server = NatsServer::start(options).await.unwrap();
    let url = server.monitoring_url();
    let expected = (ValueMissing, format!("{url}/: JetStream is not enabled on this server"));
    assert_eq!(Bench::new().waiting_for(&url, "orders").await, Err(expected));
}

#[tokio::test]
async fn a_large_page_is_read_and_too_many_matches_are_not_kept() {
    let (bench, server) = (Bench::new(), metric_server().await);
    let page = jsz("A", &[orders(&[consumer("work", json!(3), json!(2))])]).to_string();
    server.set("/jsz", Answer::raw_json(format!("{page}{}", " ".repeat(15 * 1024 * 1024))));
    assert_eq!(bench.waiting_for(&server.url(""), "orders").await, Ok(5.0));

    let many: Vec<_> =
        (0..10_001).map(|number| consumer(&format!("c{number}"), json!(1), json!(0))).collect();
    server.set_json("/jsz", &jsz("A", &[orders(&many)]));
    let (reason, message) = bench.waiting_for(&server.url(""), "orders").await.unwrap_err();
    assert_eq!(reason, TooLarge, "{message}");
    assert!(message.contains("more than 10000 streams and consumers"), "{message}");
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    let server = Scripted::start(|line, count| {
        if line.contains("/healthz") {
            return json!({"status": "ok"});
        }
        let names = (0..100).map(|number| format!("{count:03}-{number:03}"));
        let accounts: Vec<_> = names.map(|name| json!({"name": name, "id": name})).collect();
        json!({"server_id": "A", "accounts": 1_000_000, "account_details": accounts})
    })
    .await;
    let (reason, message) = Bench::new().waiting_for(&server.url(), "orders").await.unwrap_err();
    assert_eq!(reason, TooLarge, "{message}");
    assert!(message.contains("64 pages"), "{message}");
    assert!(server.heads().len() < 70);
}

#[tokio::test]
async fn large_answers_that_stall_keep_no_small_one_waiting() {
    let (bench, slow, good) = (Bench::new(), MetricServer::start().await.unwrap(), metric_server().await);
    slow.set("/jsz", Answer::new(StatusCode::OK, Body::Stalled(" ".repeat(1_200_000))));
    good.set_json("/jsz", &jsz("A", &[orders(&[])]));
    let stalled = (0..20).map(
        |number| json!({"monitoringUrl": slow.url(""), "subject": format!("s{number}"), "timeoutSeconds": 60}),
    );
    let all = join_all(stalled.map(|settings| bench.waiting(settings)));
    let quick = async {
        let look = || async { (slow.seen("/jsz").count >= 20).then_some(()) };
        testbed::wait::until("all are asked", LIMIT, look).await.unwrap();
        bench.waiting_for(&good.url(""), "orders").await
    };
    tokio::select! {
        all = all => panic!("the large ones are done before the small one: {all:?}"),
        quick = quick => assert_eq!(quick, Ok(7.0)),
    }
}
