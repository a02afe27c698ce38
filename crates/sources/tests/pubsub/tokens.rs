//! Keys, the tokens they are exchanged for, and how long these are used.

use std::time::Duration;

use engine::AbsenceReason::{self, *};
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::cloud_monitoring::Part;
use testbed::{Answer, Body, wait};

use crate::pubsub::bench::{MINUTE, Shop};
use crate::support::outcome;

/// The key in the secret, with a member replaced or taken out.
fn altered(shop: &Shop, name: &str, value: Value) -> String {
    let mut key: Value = serde_json::from_str(&shop.account.key_json).unwrap();
    key[name] = value;
    key.to_string()
}

#[tokio::test]
async fn one_token_serves_all_who_hold_the_key() {
    let shop = Shop::new().await;
    shop.server.set_backlog("shop", "orders", 5, MINUTE);
    let now = shop.bench.now();
    let queries: Vec<_> = (0..50).map(|age| shop.query(json!({"maxAgeSeconds": 600 + age}))).collect();
    let readings = join_all(queries.iter().map(|query| shop.bench.read_since(query, now))).await;
    assert!(readings.iter().all(|shared| outcome(shared.reading.clone()) == Ok(5.0)));
    assert_eq!(shop.backlog().await, Ok(5.0));
    assert_eq!(shop.server.seen(Part::Token).count, 1);
    assert_eq!(shop.server.seen(Part::TimeSeries).count, 51);
}

#[tokio::test]
async fn a_changed_key_counts_from_the_next_reading_on() {
    let shop = Shop::new().await;
    shop.server.set_backlog("shop", "orders", 5, MINUTE);
    assert_eq!(shop.backlog().await, Ok(5.0));
    let other = shop.server.service_account("other", &["office"]).await.unwrap();
    shop.set_key(&other.key_json);
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, BadStatus);
    assert!(message.contains("status 403, PERMISSION_DENIED"), "{message}");
    shop.set_key(&shop.account.key_json);
    assert_eq!(shop.backlog().await, Ok(5.0));
    assert_eq!(shop.server.seen(Part::Token).count, 2, "the first token is still good");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let shop = Shop::new().await;
    shop.server.set_backlog("shop", "orders", 5, MINUTE);
    assert_eq!(shop.backlog().await, Ok(5.0));
    shop.server.expire_tokens();
    assert_eq!(shop.backlog().await, Ok(5.0));
    assert_eq!(shop.server.seen(Part::Token).count, 2);

    let refusal = json!({"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}});
    let refusal = Answer::json_with(StatusCode::UNAUTHORIZED, &refusal);
    shop.server.answer(Part::TimeSeries, Some(refusal));
    let before = shop.server.seen(Part::TimeSeries).count;
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, BadStatus);
    assert!(message.contains("status 401, UNAUTHENTICATED: \"no\""), "{message}");
    assert_eq!(shop.server.seen(Part::TimeSeries).count, before + 2);
    assert_eq!(shop.server.seen(Part::Token).count, 3);
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let shop = Shop::new().await;
    shop.server.set_token_life(Duration::from_secs(12));
    shop.server.set_backlog("shop", "orders", 5, MINUTE);
    let look = || async {
        assert_eq!(shop.backlog().await, Ok(5.0));
        let tokens = shop.server.seen(Part::Token).count;
        if tokens >= 2 { Ok(()) } else { Err(format!("{tokens} tokens")) }
    };
    wait::until("a second token", MINUTE, look).await.unwrap();
    let readings = shop.server.seen(Part::TimeSeries);
    assert!(readings.count > 2, "a token is used more than once");
}

#[tokio::test]
async fn a_withdrawn_key_is_sent_once_a_poll_and_not_once_an_object() {
    let shop = Shop::new().await;
    shop.server.withdraw(&shop.account);
    let refusal = Answer::json_with(StatusCode::BAD_REQUEST, &json!({"error": "invalid_grant"}));
    shop.server.answer(Part::Token, Some(refusal.after(Duration::from_millis(300))));
    let now = shop.bench.now();
    let queries: Vec<_> = (0..50).map(|age| shop.query(json!({"maxAgeSeconds": 600 + age}))).collect();
    let readings = join_all(queries.iter().map(|query| shop.bench.read_since(query, now))).await;
    for shared in readings {
        let (reason, message) = outcome(shared.reading.clone()).unwrap_err();
        assert_eq!(reason, BadStatus);
        assert!(
            message.contains("/token: no token: it answered with status 400, invalid_grant"),
            "{message}"
        );
    }
    assert_eq!(shop.server.seen(Part::Token).count, 1);
    shop.server.answer(Part::Token, None);
    let (_, message) = shop.backlog().await.unwrap_err();
    assert!(message.contains("account not found"), "{message}");
    assert_eq!(shop.server.seen(Part::Token).count, 2, "a failure is not kept");
    assert_eq!(shop.server.seen(Part::TimeSeries).count, 0);
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_named_without_its_content() {
    let shop = Shop::new().await;
    let refused_url = "has a \"token_uri\" that is not an https URL";
    let elliptic = elliptic_key();
    for (key, words) in [
        ("ya29.s3cret".to_owned(), "is not JSON"),
        ("{\"private_key\": \"s3cret".to_owned(), "is not JSON"),
        ("[\"s3cret\"]".to_owned(), "is not the key of a service account"),
        (altered(&shop, "type", json!("s3cret")), "is not the key of a service account"),
        (altered(&shop, "client_email", Value::Null), "has no \"client_email\""),
        (altered(&shop, "private_key", json!(7)), "has no \"private_key\""),
        (altered(&shop, "private_key", json!("s3cret")), "that is not PEM"),
        (altered(&shop, "private_key", json!(elliptic)), "that is not an RSA key"),
        (altered(&shop, "token_uri", json!("http://s3cret.example/")), refused_url),
        (altered(&shop, "token_uri", json!("s3cret")), refused_url),
    ] {
        shop.set_key(&key);
        let (reason, message) = shop.backlog().await.unwrap_err();
        assert_eq!(reason, SecretUnavailable, "{message}");
        assert!(message.starts_with("secret shop/gcp: its key \"key.json\" "), "{message}");
        assert!(message.contains(words) && !message.contains("s3cret"), "{message}");
    }
    let missing = json!({"credentialsFrom": {"secretKeyRef": {"name": "gcp", "key": "other"}}});
    let (reason, message) = shop.number(missing).await.unwrap_err();
    assert_eq!((reason, message.as_str()), (SecretUnavailable, "secret shop/gcp: it has no key \"other\""));
    assert_eq!(shop.server.seen(Part::Token).count, 0, "nothing was sent");
}

/// A private key that is not RSA.
fn elliptic_key() -> String {
    let folder = tempfile::tempdir().unwrap();
    let authority = testbed::certificates::Authority::new(folder.path(), "ec").unwrap();
    std::fs::read_to_string(&authority.files().key).unwrap()
}

#[tokio::test]
async fn the_signature_and_the_claims_are_checked_by_the_server() {
    let shop = Shop::new().await;
    let other = shop.server.service_account("other", &["shop"]).await.unwrap();
    for (key, words) in [
        (altered(&shop, "private_key", json!(other.private_key)), "Invalid JWT Signature."),
        (altered(&shop, "client_email", json!("else@shop")), "iss is another account"),
        (altered(&shop, "private_key_id", json!("0")), "account not found"),
        (
            altered(
                &shop,
                "token_uri",
                json!(format!("http://localhost:{}/token", shop.server.address().port())),
            ),
            "aud is not this endpoint",
        ),
    ] {
        shop.set_key(&key);
        let (reason, message) = shop.backlog().await.unwrap_err();
        assert_eq!(reason, BadStatus, "{message}");
        assert!(message.contains("invalid_grant") && message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn bad_answers_of_the_token_endpoint_are_absences() {
    let shop = Shop::new().await;
    let token = |body: Value| Answer::json(&body);
    let form = "not that of a token endpoint";
    for (answer, reason, words) in [
        (
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, "oh"),
            BadStatus,
            "no token: it answered with status 503",
        ),
        (Answer::redirect("http://169.254.169.254/"), BadStatus, "302"),
        (Answer::html("<!doctype html>"), Malformed, form),
        (token(json!({"access_token": "ya29.s3cret"})), Malformed, form),
        (token(json!({"access_token": "", "expires_in": 60})), Malformed, form),
        (token(json!({"access_token": "s3cret\r\nx: y", "expires_in": 60})), Malformed, form),
        (token(json!({"access_token": 7, "expires_in": 60})), Malformed, form),
        (Answer::new(StatusCode::OK, Body::Endless), TooLarge, "larger than 64 KiB"),
    ] {
        shop.server.answer(Part::Token, Some(answer));
        let (found, message) = shop.backlog().await.unwrap_err();
        assert_eq!(found, reason, "{message}");
        assert!(message.starts_with(&format!("{}/token: ", shop.server.endpoint())), "{message}");
        assert!(message.contains(words) && !message.contains("s3cret"), "{message}");
    }
    shop.server.answer(Part::Token, Some(Answer::new(StatusCode::OK, Body::Stalled("{".into()))));
    let (found, message) = shop.number(json!({"timeoutSeconds": 3})).await.unwrap_err();
    assert_eq!(found, AbsenceReason::Timeout, "{message}");
    assert!(message.contains("/token: no complete response within 3 s"), "{message}");
    assert_eq!(shop.server.seen(Part::TimeSeries).count, 0);
}

#[tokio::test]
async fn the_token_endpoint_passes_the_guard() {
    let shop = Shop::new().await;
    shop.set_key(&altered(&shop, "token_uri", json!("https://169.254.169.254/token")));
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, AddressRefused, "{message}");
}
