//! Connections are shared: many objects and many readings need one.

use futures::future::join_all;
use serde_json::json;
use testbed::{RedisOptions, RedisServer};

use crate::redis::bench::{Bench, list, push, secret, with};

async fn connections(server: &RedisServer) -> u64 {
    server.info("total_connections_received").await.unwrap().unwrap().parse().unwrap()
}

#[tokio::test]
async fn five_hundred_objects_share_one_connection() {
    let (bench, server) = (Bench::new(), RedisServer::start(RedisOptions::default()).await.unwrap());
    push(&server, "7", 7).await;
    server.run(&["XADD", "orders", "*", "item", "x"]).await.unwrap();
    let before = connections(&server).await;
    let lists: Vec<_> = (0..500).map(|number| list(&server, &number.to_string())).collect();
    for _ in 0..3 {
        let found = join_all(lists.iter().map(|list| bench.number(list))).await;
        for (number, outcome) in found.into_iter().enumerate() {
            assert_eq!(outcome, Ok(if number == 7 { 7.0 } else { 0.0 }), "list {number}");
        }
    }
    let stream = json!({"address": server.url(), "streamName": "orders"});
    assert_eq!(bench.number(&stream).await, Ok(1.0));
    server.wait_for_clients(1).await.unwrap();
    // Ours, and those of the test that asked before and now.
    assert_eq!(connections(&server).await - before, 3);
}

#[tokio::test]
async fn other_rights_are_other_connections() {
    let options = RedisOptions { users: vec!["ann on >secret ~* +@all".into()], ..RedisOptions::default() };
    let (bench, server) = (Bench::new(), RedisServer::start(options).await.unwrap());
    push(&server, "jobs", 2).await;
    bench.vault.set("shop/redis", "password", "secret");
    bench.vault.set("shop/redis", "copy", "secret");
    let plain = list(&server, "jobs");
    let of = |key: &str| with(&plain, &json!({"username": "ann", "passwordFrom": secret(key)}));
    for (settings, clients) in [(plain.clone(), 1), (of("password"), 2), (of("copy"), 2)] {
        assert_eq!(bench.number(&settings).await, Ok(2.0));
        server.wait_for_clients(clients).await.unwrap();
    }
    assert_eq!(bench.number(&with(&plain, &json!({"db": 1}))).await, Ok(0.0));
    server.wait_for_clients(3).await.unwrap();
}

#[tokio::test]
async fn connections_end_with_the_source() {
    let (bench, server) = (Bench::new(), RedisServer::start(RedisOptions::default()).await.unwrap());
    assert_eq!(bench.number(&list(&server, "jobs")).await, Ok(0.0));
    server.wait_for_clients(1).await.unwrap();
    drop(bench);
    let none = || async {
        match server.clients().await {
            Ok(0) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    testbed::wait::until("no connection", crate::redis::bench::LIMIT, none).await.unwrap();
}
