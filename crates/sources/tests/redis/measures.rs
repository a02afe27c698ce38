//! Every number that Redis can report, and every way in which it has none.

use engine::AbsenceReason::*;
use serde_json::{Value, json};
use testbed::{RedisOptions, RedisServer};

use crate::redis::bench::{Bench, list, outcome, push, query, with};

struct Shop {
    bench: Bench,
    server: RedisServer,
}

impl Shop {
    async fn open() -> Self {
        Self { bench: Bench::new(), server: RedisServer::start(RedisOptions::default()).await.unwrap() }
    }

    async fn run(&self, command: &str) {
        self.server.run(&command.split(' ').collect::<Vec<_>>()).await.unwrap();
    }

    fn settings(&self, fields: Value) -> Value {
        with(&json!({"address": self.server.url()}), &fields)
    }

    async fn number(&self, fields: Value) -> Result<f64, (engine::AbsenceReason, String)> {
        self.bench.number(&self.settings(fields)).await
    }
}

#[tokio::test]
async fn contract_6_2_lists_and_sorted_sets_are_counted() {
    let shop = Shop::open().await;
    push(&shop.server, "jobs", 7).await;
    assert_eq!(shop.number(json!({"listName": "jobs"})).await, Ok(7.0));
    shop.run("ZADD delayed 1 a 2 b 3 c 4.5 d").await;
    for (bounds, expected) in [
        (json!({}), 4.0),
        (json!({"maxScore": 2}), 2.0),
        (json!({"minScore": 2}), 3.0),
        (json!({"minScore": 1.5, "maxScore": 3}), 2.0),
        (json!({"minScore": 4.6}), 0.0),
    ] {
        assert_eq!(shop.number(with(&json!({"sortedSetName": "delayed"}), &bounds)).await, Ok(expected));
    }
    // Redis keeps no empty ones, so what is not there has no members.
    for field in ["listName", "sortedSetName", "streamName"] {
        assert_eq!(shop.number(json!({field: "none"})).await, Ok(0.0));
    }
    // Every spelling of the address, and another database.
    let address = shop.server.address();
    assert_eq!(shop.bench.number(&json!({"address": address, "listName": "jobs"})).await, Ok(7.0));
    assert_eq!(shop.number(json!({"listName": "jobs", "db": 1})).await, Ok(0.0));
    let url = format!("redis://localhost:{}/0", shop.server.port());
    assert_eq!(shop.bench.number(&json!({"address": url, "listName": "jobs"})).await, Ok(7.0));
}

#[tokio::test]
async fn contract_6_2_a_collection_is_counted_whatever_it_is_and_costs_the_server_one_error() {
    let shop = Shop::open().await;
    let members = json!({"collectionName": "jobs"});
    assert_eq!(shop.number(members.clone()).await, Ok(0.0));
    // One query, as an object has it: it remembers what it saw.
    let query = shop.bench.prepare(&query(&shop.settings(members)));
    for (commands, expected) in [
        (&["RPUSH jobs a b c"][..], 3.0),
        (&["DEL jobs", "SADD jobs a b"], 2.0),
        (&["DEL jobs", "HSET jobs a 1 b 2 c 3 d 4"], 4.0),
        (&["DEL jobs", "ZADD jobs 1 a"], 1.0),
    ] {
        for command in commands {
            shop.run(command).await;
        }
        for _ in 0..3 {
            let reading = shop.bench.hub.read(&query, shop.bench.tick()).await;
            assert_eq!(outcome(reading.reading.clone()), Ok(expected), "{commands:?}");
        }
    }
    let errors = shop.server.run(&["INFO", "errorstats"]).await.unwrap();
    let errors: String = redis::from_redis_value(errors).unwrap();
    assert!(errors.contains("errorstat_WRONGTYPE:count=3"), "{errors}");
    for commands in [["DEL jobs", "SET jobs 1"], ["DEL jobs", "XADD jobs * item x"]] {
        for command in commands {
            shop.run(command).await;
        }
        let reading = shop.bench.hub.read(&query, shop.bench.tick()).await;
        let (reason, message) = outcome(reading.reading.clone()).unwrap_err();
        assert_eq!(reason, ValueMissing);
        assert!(message.ends_with("key \"jobs\" is not a list, set, hash or sorted set"), "{message}");
    }
}

#[tokio::test]
async fn contract_6_3_streams_and_their_groups_are_counted() {
    let shop = Shop::open().await;
    for _ in 0..10 {
        shop.run("XADD orders * item x").await;
    }
    shop.run("XGROUP CREATE orders work 0").await;
    shop.run("XGROUP CREATE orders other $").await;
    shop.run("XREADGROUP GROUP work ann COUNT 4 STREAMS orders >").await;
    let group = |what: Value| with(&json!({"streamName": "orders", "consumerGroup": "work"}), &what);
    assert_eq!(shop.number(json!({"streamName": "orders"})).await, Ok(10.0));
    assert_eq!(shop.number(group(json!({}))).await, Ok(4.0));
    assert_eq!(shop.number(group(json!({"streamMeasure": "pending"}))).await, Ok(4.0));
    assert_eq!(shop.number(group(json!({"streamMeasure": "lag"}))).await, Ok(6.0));
    assert_eq!(shop.number(group(json!({"streamMeasure": "backlog"}))).await, Ok(10.0));
    let other = json!({"streamName": "orders", "consumerGroup": "other", "streamMeasure": "backlog"});
    assert_eq!(shop.number(other).await, Ok(0.0));

    // All wait for a group that no consumer has made yet, and nothing waits in a stream that is not there.
    for measure in ["pending", "lag", "backlog"] {
        let of = |stream: &str, group: &str| json!({"streamName": stream, "consumerGroup": group, "streamMeasure": measure});
        assert_eq!(shop.number(of("orders", "none")).await, Ok(10.0), "{measure}");
        assert_eq!(shop.number(of("none", "work")).await, Ok(0.0), "{measure}");
        for (stream, group) in [("orders", "none"), ("none", "work")] {
            let settings = with(&of(stream, group), &json!({"missingGroup": "absent"}));
            let message = shop.bench.absence(&shop.settings(settings), ValueMissing).await;
            let words = format!("stream \"{stream}\" has no consumer group \"{group}\"");
            assert!(message.ends_with(&words), "{message}");
        }
    }
}

#[tokio::test]
async fn a_lag_is_not_beyond_the_streams_length() {
    let shop = Shop::open().await;
    shop.run("XGROUP CREATE orders work $ MKSTREAM").await;
    for _ in 0..500 {
        shop.run("XADD orders MAXLEN 20 * item x").await;
    }
    let lag = json!({"streamName": "orders", "consumerGroup": "work", "streamMeasure": "lag"});
    assert_eq!(shop.number(lag).await, Ok(20.0));
}

#[tokio::test]
async fn a_lag_that_redis_does_not_know_is_an_absence() {
    let shop = Shop::open().await;
    for number in 1..=5 {
        shop.run(&format!("XADD orders {number}-0 item x")).await;
    }
    shop.run("XGROUP CREATE orders work 0").await;
    shop.run("XREADGROUP GROUP work ann COUNT 1 STREAMS orders >").await;
    shop.run("XDEL orders 3-0").await;
    let lag = json!({"streamName": "orders", "consumerGroup": "work", "streamMeasure": "lag"});
    let (reason, message) = shop.number(lag.clone()).await.unwrap_err();
    assert_eq!(reason, ValueMissing);
    assert!(message.contains("does not know the lag"), "{message}");
    let pending = with(&lag, &json!({"streamMeasure": "pending"}));
    assert_eq!(shop.number(pending).await, Ok(1.0));
}

#[tokio::test]
async fn a_key_reports_its_number_or_why_there_is_none() {
    let shop = Shop::open().await;
    let big = "9".repeat(500_000);
    for (value, expected) in [
        ("42", Ok(42.0)),
        ("-0.5", Ok(-0.5)),
        ("many", Err(NotANumber)),
        ("nan", Err(NotFinite)),
        ("inf", Err(NotFinite)),
        (big.as_str(), Err(NotANumber)),
    ] {
        shop.server.run(&["SET", "load", value]).await.unwrap();
        let found = shop.number(json!({"keyName": "load"})).await;
        assert_eq!(found.map_err(|(reason, _)| reason), expected);
    }
    shop.server.run(&["SET", "load", ""]).await.unwrap();
    for key in ["load", "none"] {
        let (reason, message) = shop.number(json!({"keyName": key})).await.unwrap_err();
        assert_eq!(reason, ValueMissing);
        assert!(message.contains(&format!("key \"{key}\" does not exist or is empty")), "{message}");
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_an_absence() {
    let shop = Shop::open().await;
    push(&shop.server, "jobs", 2).await;
    shop.run("XADD orders * item x").await;
    for (fields, words) in [
        (json!({"listName": "orders"}), "key \"orders\" is not a list"),
        (json!({"streamName": "jobs"}), "key \"jobs\" is not a stream"),
        (json!({"streamName": "jobs", "consumerGroup": "work"}), "key \"jobs\" is not a stream"),
        (json!({"sortedSetName": "jobs"}), "key \"jobs\" is not a sorted set"),
        (json!({"sortedSetName": "jobs", "maxScore": 1}), "key \"jobs\" is not a sorted set"),
        (json!({"keyName": "jobs"}), "key \"jobs\" is not a string"),
    ] {
        let message = shop.bench.absence(&shop.settings(fields), ValueMissing).await;
        assert_eq!(message, format!("{}: {words}", shop.server.address()));
    }
    // It disturbs nobody.
    assert_eq!(shop.bench.number(&list(&shop.server, "jobs")).await, Ok(2.0));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_an_absence() {
    let shop = Shop::open().await;
    let settings = shop.settings(json!({"listName": "jobs", "db": 16}));
    let message = shop.bench.absence(&settings, BadStatus).await;
    assert!(message.ends_with("it has no database 16"), "{message}");
}
