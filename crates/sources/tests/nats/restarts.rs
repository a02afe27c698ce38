//! A server that goes and comes back while it is read.

use serde_json::json;
use testbed::{NatsOptions, NatsServer};

use crate::bench::{Bench, LIMIT};
use crate::client::{Client, take};

/// Streams that a server has to load besides the one that is read, with a few consumers each.
const OTHERS: usize = 60;

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
        // As fast as it can be asked, so that some readings fall into its start.
        let again = async {
            loop {
                if let Ok(number) = bench.waiting(settings.clone()).await {
                    break number;
                }
            }
        };
        assert_eq!(tokio::time::timeout(LIMIT, again).await.unwrap(), 3.0, "in round {round}");
    }
}
