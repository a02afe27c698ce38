//! Answers that a real server cannot be made to give.

use axum::http::StatusCode;
use engine::AbsenceReason::{
    self, BadStatus, ConnectionFailed, Malformed, Partial, TooLarge, TooManyRedirects,
};
use serde_json::json;
use testbed::{Answer, Body, MetricServer};

use crate::prometheus::bench::{Bench, LIMIT};

const PAGE: &str = "/api/v1/query";

#[tokio::test]
async fn an_answer_that_is_not_whole_is_no_number() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    let settings = json!({"query": "up", "serverAddress": server.url("")});
    let whole = json!({
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1700000000, "3"]}]},
    });
    server.set_json(PAGE, &whole);
    assert_eq!(bench.ask(settings.clone()).await, Ok(3.0));
    let mut partial = whole.clone();
    partial["warnings"] = json!(["No StoreAPIs matched for this query"]);
    let cut = whole.to_string()[..80].to_owned();
    let overloaded = json!({"status": "error", "errorType": "unavailable", "error": "too many queries"});
    let cases: [(Answer, AbsenceReason, &str); 8] = [
        (Answer::json(&partial), Partial, "may be incomplete, as it has the warning: No StoreAPIs matched"),
        (Answer::raw_json(cut), Malformed, "not JSON"),
        (Answer::html("<html>log in</html>"), Malformed, "HTML"),
        (
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, overloaded.to_string()),
            BadStatus,
            "503: unavailable: too many queries",
        ),
        (Answer::html("<html>").with_header("x-a".parse().unwrap(), "b".parse().unwrap()), Malformed, "HTML"),
        (Answer::new(StatusCode::OK, Body::Endless), TooLarge, "let the query return fewer series"),
        (Answer::new(StatusCode::BAD_GATEWAY, Body::Endless), BadStatus, "it answered with status 502"),
        (Answer::redirect(PAGE), TooManyRedirects, "redirected more than 5 times"),
    ];
    for (answer, reason, words) in cases {
        server.set(PAGE, answer);
        let (found, message) = bench.ask(settings.clone()).await.unwrap_err();
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(words), "{words} in {message}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_number() {
    let (bench, mut server) = (Bench::new(), MetricServer::start().await.unwrap());
    let begin = "{\"status\": \"success\", \"data\": {\"resultType\": \"vector\", \"result\": []}";
    server.set(PAGE, Answer::new(StatusCode::OK, Body::Stalled(begin.to_owned())));
    let settings = json!({"query": "up", "serverAddress": server.url("")});
    let asked = tokio::spawn(async move { bench.ask(settings).await });
    let look = || async { (server.seen(PAGE).count == 1).then_some(()) };
    testbed::wait::until("the request", LIMIT, look).await.unwrap();
    server.stop().await;
    let (reason, message) = asked.await.unwrap().unwrap_err();
    assert_eq!(reason, ConnectionFailed, "{message}");
}

#[tokio::test]
async fn an_address_that_must_not_be_called_is_refused() {
    let bench = Bench::new();
    let settings = json!({"query": "up", "serverAddress": "http://169.254.169.254"});
    let (reason, message) = bench.ask(settings).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::AddressRefused, "{message}");
}

#[tokio::test]
async fn without_a_server_the_field_is_named() {
    let (reason, message) = Bench::new().ask(json!({"query": "up"})).await.unwrap_err();
    assert_eq!(reason, Malformed);
    assert_eq!(message, "serverAddress: the operator runs without --prometheus-url");
}
