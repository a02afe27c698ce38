//! What Cloud Monitoring, or whoever is at its address, can answer wrongly.

use std::time::Duration;

use engine::AbsenceReason::{self, *};
use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::cloud_monitoring::{Part, ago};
use testbed::{Answer, Body};

use crate::pubsub::bench::{MINUTE, Shop};

/// An answer with one point of a value.
fn with_value(value: Value) -> Answer {
    let point = json!({"interval": {"endTime": ago(MINUTE)}, "value": value});
    Answer::json(&json!({"timeSeries": [{"metric": {}, "resource": {}, "points": [point]}]}))
}

fn error(status: u16, name: &str, message: &str) -> Answer {
    let body = json!({"error": {"code": status, "message": message, "status": name}});
    Answer::json_with(StatusCode::from_u16(status).unwrap(), &body)
}

async fn check(shop: &Shop, answer: Answer, expected: Result<f64, (AbsenceReason, &str)>) {
    shop.server.answer(Part::TimeSeries, Some(answer.clone()));
    match (shop.backlog().await, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err((reason, message)), Err((expected, words))) => {
            assert_eq!(reason, expected, "{message}");
            assert!(message.contains(words), "{message}");
            let address = format!("{}/v3/projects/shop/timeSeries: ", shop.server.endpoint());
            assert!(message.starts_with(&address) && !message.contains("subscription_id"), "{message}");
        }
        (found, expected) => panic!("{found:?} instead of {expected:?} of {answer:?}"),
    }
}

#[tokio::test]
async fn values_are_numbers_or_absences() {
    let shop = Shop::new().await;
    for (value, expected) in [
        (json!({"int64Value": "73"}), Ok(73.0)),
        (json!({"int64Value": 73}), Ok(73.0)),
        (json!({"int64Value": "9223372036854775807"}), Ok(9_223_372_036_854_775_807_i64 as f64)),
        (json!({"doubleValue": 7.5}), Ok(7.5)),
        (json!({"doubleValue": "7.5"}), Ok(7.5)),
        (json!({"doubleValue": 0}), Ok(0.0)),
        (json!({"int64Value": "-1"}), Err((OutOfRange, "is -1"))),
        (json!({"doubleValue": -0.5}), Err((OutOfRange, "is -0.5"))),
        (json!({"doubleValue": "NaN"}), Err((NotFinite, "NaN"))),
        (json!({"doubleValue": "-Infinity"}), Err((NotFinite, "-Infinity"))),
        (json!({"doubleValue": "inf"}), Err((NotANumber, "doubleValue"))),
        (json!({"int64Value": "7.5"}), Err((NotANumber, "int64Value"))),
        (json!({"int64Value": 7.5}), Err((NotANumber, "int64Value"))),
        (json!({"int64Value": "9223372036854775808"}), Err((NotANumber, "int64Value"))),
        (json!({"stringValue": "7"}), Err((NotANumber, "int64Value"))),
        (json!({"boolValue": true}), Err((NotANumber, "int64Value"))),
        (json!({"distributionValue": {"count": "7"}}), Err((NotANumber, "int64Value"))),
        (json!({"int64Value": "7", "doubleValue": 8}), Err((NotANumber, "int64Value"))),
        (json!({}), Err((NotANumber, "int64Value"))),
        (Value::Null, Err((NotANumber, "int64Value"))),
    ] {
        check(&shop, with_value(value), expected).await;
    }
}

#[tokio::test]
async fn errors_are_reported_in_googles_words() {
    let shop = Shop::new().await;
    let right = "Permission monitoring.timeSeries.list denied (or the resource may not exist).";
    for (answer, words) in [
        (error(403, "PERMISSION_DENIED", right), "status 403, PERMISSION_DENIED: \"Permission monitoring."),
        (error(404, "NOT_FOUND", "no project"), "status 404, NOT_FOUND: \"no project\""),
        (error(429, "RESOURCE_EXHAUSTED", "quota"), "status 429, RESOURCE_EXHAUSTED: \"quota\""),
        (error(503, "UNAVAILABLE", "later"), "status 503, UNAVAILABLE: \"later\""),
        (error(400, "INVALID_ARGUMENT", &"x".repeat(5000)), "status 400, INVALID_ARGUMENT: \"xxx"),
        (Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "stack of ours"), "status 500"),
        (Answer::redirect("http://[bad"), "answered"),
    ] {
        let before = shop.server.seen(Part::TimeSeries).count;
        check(&shop, answer, Err((BadStatus, words))).await;
        assert_eq!(shop.server.seen(Part::TimeSeries).count, before + 1, "it is asked once");
        let (_, message) = shop.backlog().await.unwrap_err();
        assert!(message.len() < 500 && !message.contains("stack of ours"), "{message}");
    }
}

#[tokio::test]
async fn an_error_that_repeats_the_token_is_reported_without_it() {
    let shop = Shop::new().await;
    shop.server.set_backlog("shop", "orders", 1, MINUTE);
    assert_eq!(shop.backlog().await, Ok(1.0));
    let token = shop.server.issued_tokens().pop().unwrap();
    let answer = error(403, "PERMISSION_DENIED", &format!("Bearer {token} is not good"));
    check(&shop, answer, Err((BadStatus, "Bearer … is not good"))).await;
}

#[tokio::test]
async fn what_is_not_an_answer_is_malformed() {
    let shop = Shop::new().await;
    let points = |points: Value| Answer::json(&json!({"timeSeries": [{"points": points}]}));
    for (answer, reason, words) in [
        (Answer::html("<!doctype html>"), Malformed, "HTML"),
        (Answer::raw_json(""), Malformed, "empty"),
        (Answer::raw_json(r#"{"timeSeries": [{"#), Malformed, "not JSON"),
        (Answer::raw_json("[]"), Malformed, "a list, not an object"),
        (Answer::raw_json(r#"{"timeSeries": {}}"#), Malformed, "timeSeries in the response is an object"),
        (Answer::raw_json(r#"{"timeSeries": [7]}"#), Malformed, "a time series of the response"),
        (points(json!("x")), Malformed, "points in the response is a string"),
        (points(json!([7])), Malformed, "interval.endTime"),
        (points(json!([{"interval": {"endTime": "yesterday"}}])), Malformed, "interval.endTime"),
        (points(json!([])), ValueMissing, "no points"),
        (Answer::raw_json("{}"), ValueMissing, "no points"),
        (
            Answer::json(&json!({"executionErrors": [{"code": 4, "message": "deadline"}]})),
            BadStatus,
            "incomplete: 1 errors, the first with code 4",
        ),
        (Answer::new(StatusCode::OK, Body::Long(1 << 21)), TooLarge, "larger than 1024 KiB"),
        (Answer::new(StatusCode::OK, Body::Endless), TooLarge, "larger than 1024 KiB"),
    ] {
        check(&shop, answer, Err((reason, words))).await;
    }
}

#[tokio::test]
async fn pages_without_end_are_left() {
    let shop = Shop::new().await;
    shop.server.answer(Part::TimeSeries, Some(Answer::json(&json!({"nextPageToken": "more"}))));
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, TooLarge, "{message}");
    assert_eq!(shop.server.seen(Part::TimeSeries).count, 20);
    assert!(shop.server.seen(Part::TimeSeries).query.unwrap().contains("pageToken=more"));
}

#[tokio::test]
async fn the_time_is_for_the_whole_reading() {
    let shop = Shop::new().await;
    // With a token at hand, all of the time is for the pages.
    shop.server.set_backlog("shop", "orders", 1, MINUTE);
    assert_eq!(shop.backlog().await, Ok(1.0));
    let page = Answer::json(&json!({"nextPageToken": "more"})).after(Duration::from_secs(2));
    shop.server.answer(Part::TimeSeries, Some(page));
    let (reason, message) = shop.number(json!({"timeoutSeconds": 5})).await.unwrap_err();
    assert_eq!(reason, Timeout, "{message}");
    assert!(message.contains("/timeSeries: no complete response within 5 s"), "{message}");
}

#[tokio::test]
async fn addresses_pass_the_guard() {
    let shop = Shop::new().await;
    let metadata = json!({"endpoint": "http://169.254.169.254/computeMetadata"});
    let (reason, message) = shop.number(metadata).await.unwrap_err();
    assert_eq!(reason, AddressRefused, "{message}");
}
