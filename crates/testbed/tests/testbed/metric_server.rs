//! The metric server misbehaves exactly as configured.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::json;
use testbed::{Answer, Body, MetricServer};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(120);

fn client() -> reqwest::Client {
    testbed::http_client().redirect(reqwest::redirect::Policy::none()).timeout(LIMIT).build().unwrap()
}

#[tokio::test]
async fn answers_change_and_requests_are_remembered() {
    let server = MetricServer::start().await.unwrap();
    let client = client();
    assert_eq!(client.get(server.url("/users")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    for users in [1, 2] {
        server.set_json("/users", &json!({"active_users": users}));
        let request = client.get(server.url("/users?at=now")).header("x-token", format!("secret-{users}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.text().await.unwrap(), format!("{{\"active_users\":{users}}}"));
    }
    let seen = server.seen("/users");
    assert_eq!((seen.count, server.requests()), (3, 3));
    assert_eq!(seen.headers["x-token"], "secret-2");
    assert_eq!(seen.query.as_deref(), Some("at=now"));
    assert_eq!(server.seen("/other").count, 0);
}

#[tokio::test]
async fn odd_answers_arrive_as_set() {
    let server = MetricServer::start().await.unwrap();
    let client = client();
    server.set("/digits", Answer::raw_json("9".repeat(400)));
    assert_eq!(client.get(server.url("/digits")).send().await.unwrap().text().await.unwrap().len(), 400);

    let retry = Answer::text(StatusCode::SERVICE_UNAVAILABLE, "busy")
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("7"));
    server.set("/busy", retry);
    let answer = client.get(server.url("/busy")).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (503, &HeaderValue::from_static("7"))
    );

    server.set("/loop", Answer::redirect(&server.url("/loop")));
    let answer = client.get(server.url("/loop")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()["location"], server.url("/loop").as_str());

    server.set("/page", Answer::html("<p>log in</p>"));
    let answer = client.get(server.url("/page")).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn slow_answers_take_their_time() {
    let server = MetricServer::start().await.unwrap();
    let delay = Duration::from_secs(2);
    server.set("/slow", Answer::json(&json!(1)).after(delay));
    server.set("/hanging", Answer::json(&json!(1)).after(10 * LIMIT));
    let client = client();
    let asked = Instant::now();
    let hanging = tokio::spawn(client.get(server.url("/hanging")).send());
    let arrived = || async { (server.seen("/hanging").count > 0).then_some(()) };
    testbed::wait::until("the hanging request", LIMIT, arrived).await.unwrap();
    let slow = client.get(server.url("/slow")).send().await.unwrap();
    assert!(slow.status().is_success() && asked.elapsed() >= delay);
    assert!(!hanging.is_finished(), "a slow answer holds no other one up");
    hanging.abort();
}

#[tokio::test]
async fn long_endless_and_stalled_bodies() {
    let server = MetricServer::start().await.unwrap();
    let client = client();
    let length = 100 * 1024 * 1024 + 3;
    server.set("/long", Answer::new(StatusCode::OK, Body::Long(length)));
    let mut answer = client.get(server.url("/long")).send().await.unwrap();
    let mut received = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        received += piece.len() as u64;
    }
    assert_eq!(received, length);

    server.set("/endless", Answer::new(StatusCode::OK, Body::Endless));
    let mut answer = client.get(server.url("/endless")).send().await.unwrap();
    let mut received = 0;
    while received < 1024 * 1024 {
        received += answer.chunk().await.unwrap().expect("it has no end").len();
    }

    server.set("/stalled", Answer::new(StatusCode::OK, Body::Stalled("{\"active".to_owned())));
    let mut answer = client.get(server.url("/stalled")).send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"{\"active"[..]));
    assert!(tokio::time::timeout(Duration::from_millis(300), answer.chunk()).await.is_err());
}

#[tokio::test]
async fn the_endpoint_goes_down_with_its_connections_and_comes_back() {
    let mut server = MetricServer::start().await.unwrap();
    let client = client();
    server.set_json("/value", &json!(5));
    server.set("/hanging", Answer::json(&json!(1)).after(LIMIT));
    client.get(server.url("/value")).send().await.unwrap();
    let hanging = tokio::spawn(client.get(server.url("/hanging")).send());
    let arrived = || async { (server.seen("/hanging").count > 0).then_some(()) };
    testbed::wait::until("the hanging request", LIMIT, arrived).await.unwrap();

    server.stop().await;
    assert!(hanging.await.unwrap().is_err(), "an open request is cut");
    assert!(client.get(server.url("/value")).send().await.unwrap_err().is_connect());
    assert!(tokio::net::TcpStream::connect(server.address()).await.is_err());

    server.resume().await.unwrap();
    assert_eq!(client.get(server.url("/value")).send().await.unwrap().text().await.unwrap(), "5");
    assert_eq!(server.seen("/value").count, 2);
}
