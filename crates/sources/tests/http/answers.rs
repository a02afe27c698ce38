//! What an endpoint can answer, good and bad.

use engine::AbsenceReason;
use reqwest::StatusCode;
use serde_json::json;
use testbed::{Answer, Body, MetricServer};

use crate::http::bench::{Bench, outcome, query};
use crate::support::raw_server::{RawServer, Then};

#[tokio::test]
async fn a_number_is_read_with_the_time_at_which_reading_began() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set_json("/users", &json!({"active_users": 2500, "other": [1]}));
    let reading = bench.read(&query(json!({"url": server.url("/users?unit=one")}))).await;
    assert_eq!(reading, engine::Reading::of(2500.0, bench.now()));
    let seen = server.seen("/users");
    assert_eq!((seen.count, seen.query.as_deref()), (1, Some("unit=one")));
    assert_eq!(seen.headers["accept"], "application/json");
    assert!(seen.headers["user-agent"].to_str().unwrap().starts_with("polyscaler/"));
}

#[tokio::test]
async fn the_path_chooses_the_number() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set_json("/m", &json!({"queues": [{"name": "mail", "depth": -3}, {"name": "print", "depth": 8}]}));
    for (path, expected) in [("$.queues[?@.name=='print'].depth", 8.0), ("$.queues[0].depth", -3.0)] {
        let reading = bench.read(&query(json!({"url": server.url("/m"), "valuePath": path}))).await;
        assert_eq!(outcome(reading), Ok(expected), "{path}");
    }
}

#[tokio::test]
async fn every_bad_answer_is_an_absence_with_its_reason() {
    use AbsenceReason::*;
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    for (answer, reason, words) in [
        (Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "oh"), BadStatus, "status 500"),
        (Answer::text(StatusCode::NOT_FOUND, "no"), BadStatus, "status 404"),
        (Answer::text(StatusCode::TOO_MANY_REQUESTS, "no"), BadStatus, "status 429"),
        (Answer::text(StatusCode::NOT_MODIFIED, ""), BadStatus, "status 304"),
        (Answer::html("<!doctype html><title>sign in</title>"), Malformed, "HTML"),
        (Answer::text(StatusCode::NO_CONTENT, ""), Malformed, "empty"),
        (Answer::raw_json(""), Malformed, "empty"),
        (Answer::raw_json(r#"{"active_users": 12"#), Malformed, "not JSON"),
        (Answer::raw_json(r#"{"active_users": NaN}"#), Malformed, "not JSON"),
        (Answer::raw_json(r#"{"users": 12}"#), ValueMissing, "$.active_users; it is an object with users"),
        (Answer::raw_json(r#"{"active_users": "12"}"#), NotANumber, "a string"),
        (Answer::raw_json(r#"{"active_users": null}"#), NotANumber, "null"),
        (Answer::raw_json(r#"{"active_users": false}"#), NotANumber, "a boolean"),
        (Answer::raw_json(r#"{"active_users": 1e999}"#), NotFinite, "64-bit"),
        (Answer::raw_json(format!(r#"{{"active_users": {}}}"#, "7".repeat(400))), NotFinite, "64-bit"),
        (Answer::new(StatusCode::OK, Body::Text("[".repeat(500_000))), Malformed, "recursion limit"),
    ] {
        server.set("/users", answer.clone());
        let (found, message) = bench.number_at(&server.url("/users?token=hidden")).await.unwrap_err();
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(words), "{message}");
        assert!(message.starts_with(&format!("{}: ", server.url("/users"))), "{message}");
        assert!(!message.contains("hidden") && !message.contains("sign in"), "{message}");
    }
    server.set_json("/users", &json!({"active_users": 3}));
    assert_eq!(bench.number_at(&server.url("/users")).await, Ok(3.0), "a good answer counts at once");
}

#[tokio::test]
async fn text_is_read_however_it_is_written_down() {
    let bench = Bench::new();
    let text = "{\"active_users\": 12, \"größe\": 1}";
    let utf_16 =
        |bytes: fn(u16) -> [u8; 2]| format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect();
    let latin = text.chars().map(|letter| letter as u8).collect();
    for (content_type, bytes) in [
        ("application/json", format!("\u{feff}{text}").into_bytes()),
        ("application/json; charset=utf-8", format!("\u{feff}{text}\r\n\0").into_bytes()),
        ("application/json; charset=utf-16", utf_16(u16::to_le_bytes)),
        ("text/plain", utf_16(u16::to_be_bytes)),
        ("application/json;charset=ISO-8859-1", latin),
        ("application/json;charset=ISO-8859-1", text.as_bytes().to_vec()),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        let server = RawServer::start([head.as_bytes(), bytes.as_slice()].concat(), Then::Wait).await;
        assert_eq!(bench.number_at(&server.url()).await, Ok(12.0), "{content_type} {bytes:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_answer_is_an_absence() {
    let bench = Bench::new();
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"active_users\": 1";
    let server = RawServer::start(head, Then::Close).await;
    let (reason, message) = bench.number_at(&server.url()).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ConnectionFailed, "{message}");
}

#[tokio::test]
async fn what_is_no_http_is_an_absence() {
    let bench = Bench::new();
    for bytes in ["", "220 mail.example ESMTP\r\n", "\0\0\0", "HTTP/1.1 abc\r\n\r\n"] {
        let server = RawServer::start(bytes, Then::Close).await;
        let (reason, message) = bench.number_at(&server.url()).await.unwrap_err();
        assert_eq!(reason, AbsenceReason::ConnectionFailed, "{message}");
        assert!(message.starts_with(&server.url()), "{message}");
    }
}
