//! One request for equal queries, and secrets that change between two readings.

use std::time::Duration;

use engine::AbsenceReason;
use futures::future::join_all;
use serde_json::json;
use testbed::{Answer, MetricServer};

use crate::http::bench::{Bench, outcome, query};

#[tokio::test]
async fn a_hundred_equal_queries_are_one_request() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    let answer = Answer::json(&json!({"active_users": 11})).after(Duration::from_millis(100));
    server.set("/users", answer);
    let queries = vec![query(json!({"url": server.url("/users")})); 100];
    let now = bench.now();
    let readings = join_all(queries.iter().map(|query| bench.read_since(query, now))).await;
    assert!(readings.iter().all(|shared| outcome(shared.reading.clone()) == Ok(11.0)));
    assert_eq!(server.seen("/users").count, 1);
    bench.read_since(&queries[0], now).await;
    assert_eq!(server.seen("/users").count, 1, "the last one is still new enough");
    bench.read(&queries[0]).await;
    assert_eq!(server.seen("/users").count, 2);
}

#[tokio::test]
async fn a_changed_secret_counts_from_the_next_reading_on() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set_json("/users", &json!({"active_users": 12}));
    let query = query(json!({
        "url": server.url("/users"),
        "headersFrom": {"secretRef": {"name": "token"}},
    }));
    let missing = (AbsenceReason::SecretUnavailable, "secret shop/token: not found".to_owned());
    assert_eq!(outcome(bench.read(&query).await), Err(missing));
    assert_eq!(server.requests(), 0, "nothing is sent without the secret");

    for value in ["Bearer old\n", "Bearer new"] {
        bench.vault.set("shop/token", "Authorization", value);
        assert_eq!(outcome(bench.read(&query).await), Ok(12.0));
        assert_eq!(server.seen("/users").headers["authorization"], value.trim_end());
    }

    bench.vault.set("shop/token", "X-Token", "hid\0den");
    let (reason, message) = outcome(bench.read(&query).await).unwrap_err();
    assert_eq!(reason, AbsenceReason::SecretUnavailable);
    assert!(message.contains("\"X-Token\"") && !message.contains("hid"), "{message}");
}
