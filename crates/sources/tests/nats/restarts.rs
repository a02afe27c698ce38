//! A server that goes and comes back while it is read.

use async_nats::jetstream::stream;
use serde_json::{Value, json};
use testbed::{NatsOptions, NatsServer};

use crate::nats::bench::{Bench, LIMIT};
use crate::nats::client::{Client, take};

/// Streams that a server has to load besides the one that is read, with a few consumers each.
const OTHERS: usize = 60;

/// Reads as fast as it can until there is a number, so that some readings fall into a start.
async fn next_number(bench: &Bench, settings: &Value) -> f64 {
    let again = async {
        loop {
            if let Ok(number) = bench.waiting(settings.clone()).await {
                break number;
            }
        }
    };
    tokio::time::timeout(LIMIT, again).await.unwrap()
}

#[tokio::test]
async fn no_wrong_number_is_read_over_restarts() {
    let (bench, server) = (Bench::new(), NatsServer::start(NatsOptions::default()).await.unwrap());
    let client = Client::of(&server).await;
    for number in 0..OTHERS {
        let name = format!("A{number}");
        client.stream(&name, &[&name]).await;
        for consumer in ["a", "b", "c"] {
            client.durable(&name, consumer, &[]).await;
        }
    }
    // It keeps what was acknowledged: seen without its consumer it would count 20.
    client.stream("ZLAST", &["orders"]).await;
    let consumer = client.durable("ZLAST", "work", &[]).await;
    client.publish("orders", 20).await;
    take(&consumer, 17, 17).await;
    let settings = json!({"monitoringUrl": server.monitoring_url(), "subject": "orders"});
    bench.until_waiting(3.0, settings.clone()).await;

    for round in 0..4 {
        // An orderly end first: what was just acknowledged may not be on disk yet.
        if round % 2 == 0 {
            server.stop().await.unwrap()
        } else {
            server.kill().await.unwrap()
        }
        assert!(bench.waiting(settings.clone()).await.is_err(), "the last number is not repeated");
        server.start_again().unwrap();
        assert_eq!(next_number(&bench, &settings).await, 3.0, "in round {round}");
    }
}

#[tokio::test]
async fn no_wrong_number_is_read_while_a_server_joins_its_cluster_again() {
    let bench = Bench::new();
    let servers = NatsServer::start_cluster(NatsOptions::default()).await.unwrap();
    let client = Client::at(servers.iter().map(NatsServer::url).collect()).await;
    let home = &servers[1];
    // All on one server, which loads them when it starts.
    for name in (0..OTHERS / 3).map(|number| format!("A{number}")).chain(["ZLAST".into()]) {
        let config = stream::Config {
            subjects: vec![name.clone()],
            placement: Some(stream::Placement { tags: vec![home.name().into()], ..Default::default() }),
            name: name.clone(),
            ..Default::default()
        };
        client.make_stream(config).await;
        client.durable(&name, "work", &[]).await;
    }
    let consumer = client.durable("ZLAST", "work", &[]).await;
    client.publish("ZLAST", 20).await;
    take(&consumer, 17, 17).await;
    let settings = json!({"monitoringUrl": servers[0].monitoring_url(), "subject": "ZLAST"});
    bench.until_waiting(3.0, settings.clone()).await;

    for round in 0..2 {
        home.stop().await.unwrap();
        assert!(bench.waiting(settings.clone()).await.is_err(), "the last number is not repeated");
        home.start_again().unwrap();
        assert_eq!(next_number(&bench, &settings).await, 3.0, "in round {round}");
    }
}
