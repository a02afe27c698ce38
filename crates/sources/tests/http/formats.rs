//! Other formats than JSON, the ways to show who we are, and what only some statuses mean.

use engine::AbsenceReason;
use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::{Answer, MetricServer};

use crate::http::bench::{Bench, Question, outcome};

async fn read(bench: &Bench, config: Value) -> Result<f64, (AbsenceReason, String)> {
    outcome(bench.read(&Question { source: "http", config }).await)
}

#[tokio::test]
async fn contract_6_6_a_number_is_read_in_every_format() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    for (format, location, text, expected) in [
        (
            "json",
            "queues.#(name==\"mail\").depth",
            r#"{"queues": [{"name": "mail", "depth": "3k"}]}"#,
            3000.0,
        ),
        ("json", "queues.#", r#"{"queues": [1, 2, 3]}"#, 3.0),
        ("yaml", "queues.1.depth", "queues:\n- depth: 1\n- depth: 2.5\n", 2.5),
        (
            "xml",
            "queue.1",
            "<?xml version=\"1.0\"?><stats><queue>1</queue><queue>64Ki</queue></stats>",
            65536.0,
        ),
        (
            "prometheus",
            "depth{queue=\"mail\"}",
            "# TYPE depth gauge\ndepth{queue=\"x\"} 1\ndepth{queue=\"mail\"} 7\n",
            7.0,
        ),
    ] {
        server.set("/load", Answer::text(StatusCode::OK, text));
        let config = json!({"url": server.url("/load"), "format": format, "valueLocation": location});
        assert_eq!(read(&bench, config).await, Ok(expected), "{format}");
    }
    let seen = server.seen("/load");
    assert!(seen.headers["accept"].to_str().unwrap().starts_with("text/plain"), "{:?}", seen.headers);
    let config =
        json!({"url": server.url("/load"), "format": "prometheus", "valueLocation": "depth{queue=\"none\"}"});
    let (reason, message) = read(&bench, config).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueMissing);
    assert_eq!(
        message,
        format!("{}: the response has nothing at depth{{queue=\"none\"}}", server.url("/load"))
    );
}

#[tokio::test]
async fn contract_6_0_whoever_asks_is_shown_in_every_way() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set_json("/load", &json!({"n": 5}));
    bench.vault.set("shop/token", "t", "s3same");
    let key = json!({"secretKeyRef": {"name": "token", "key": "t"}});
    for (access, header, value, query) in [
        (json!({"bearerTokenFrom": key}), "authorization", "Bearer s3same", None),
        (json!({"username": "ann", "passwordFrom": key}), "authorization", "Basic YW5uOnMzc2FtZQ==", None),
        (json!({"usernameFrom": key}), "authorization", "Basic czNzYW1lOg==", None),
        (json!({"authHeader": {"name": "X-Auth", "valueFrom": key}}), "x-auth", "s3same", None),
        (json!({"apiKey": {"keyFrom": key}}), "x-api-key", "s3same", None),
        (json!({"apiKey": {"keyFrom": key, "name": "X-Key"}}), "x-key", "s3same", None),
        (
            json!({"apiKey": {"keyFrom": key, "in": "query"}}),
            "accept",
            "application/json",
            Some("a=1&api_key=s3same"),
        ),
    ] {
        let mut config = json!({"url": server.url("/load?a=1"), "valueLocation": "n"});
        config.as_object_mut().unwrap().extend(access.as_object().unwrap().clone());
        assert_eq!(read(&bench, config.clone()).await, Ok(5.0), "{config}");
        let seen = server.seen("/load");
        assert_eq!(seen.headers[header], value, "{config}");
        assert_eq!(seen.query.as_deref(), Some(query.unwrap_or("a=1")), "{config}");
    }
}

#[tokio::test]
async fn contract_6_6_only_the_status_that_is_asked_for_counts() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set("/load", Answer::text(StatusCode::ACCEPTED, "{\"n\": 5}"));
    let config = |more: Value| {
        let mut config = json!({"url": server.url("/load"), "valueLocation": "n"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    assert_eq!(read(&bench, config(json!({}))).await, Ok(5.0));
    let (reason, message) = read(&bench, config(json!({"onlyStatus": 200}))).await.unwrap_err();
    assert_eq!(
        (reason, message.ends_with("it answered with status 202, not 200")),
        (AbsenceReason::BadStatus, true)
    );
    server.set("/load", Answer::text(StatusCode::OK, "{\"n\": 5}"));
    assert_eq!(read(&bench, config(json!({"onlyStatus": 200}))).await, Ok(5.0));
}
