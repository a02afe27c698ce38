//! What counts as waiting, on one real server.

use async_nats::jetstream::stream;
use engine::AbsenceReason::{self, ValueMissing};
use serde_json::json;
use testbed::{NatsOptions, NatsServer};

use crate::nats::bench::Bench;
use crate::nats::client::{Client, take};

async fn start() -> (Bench, NatsServer, Client) {
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let client = Client::of(&server).await;
    (Bench::new(), server, client)
}

#[tokio::test]
async fn what_was_not_delivered_and_not_acknowledged_waits() {
    let (bench, server, client) = start().await;
    let (url, orders) = (server.monitoring_url(), "orders.processing");
    let settings = json!({"monitoringUrl": url, "subject": orders});
    client.stream("ORDERS", &["orders.>"]).await;
    let consumer = client.durable("ORDERS", "work", &[orders]).await;
    assert_eq!(bench.waiting_for(&url, orders).await, Ok(0.0), "an empty queue is a number");
    client.publish(orders, 7).await;
    client.publish("orders.other", 4).await;
    bench.until_waiting(7.0, settings.clone()).await;
    take(&consumer, 5, 2).await;
    // 2 not yet delivered, 3 delivered and not acknowledged.
    bench.until_waiting(5.0, settings.clone()).await;
    take(&consumer, 2, 2).await;
    bench.until_waiting(3.0, settings).await;
}

#[tokio::test]
async fn filters_and_wildcards_decide_which_consumers_count() {
    let (bench, server, client) = start().await;
    let url = server.monitoring_url();
    client.stream("ORDERS", &["orders.>"]).await;
    client.stream("MAIL", &["mail.*"]).await;
    client.durable("ORDERS", "all", &[]).await;
    client.durable("ORDERS", "exact", &["orders.new"]).await;
    client.durable("ORDERS", "star", &["orders.*"]).await;
    client.durable("ORDERS", "europe", &["orders.*.eu"]).await;
    client.durable("MAIL", "everything", &[">"]).await;
    client.publish("orders.new", 1).await;
    client.publish("orders.new.eu", 10).await;
    client.publish("mail.out", 100).await;
    for (subject, expected) in [
        // all 11, exact 1, star 1
        ("orders.new", 13.0),
        // all, star; not exact
        ("orders.old", 12.0),
        // all, europe
        ("orders.new.eu", 21.0),
        ("orders.new.us", 11.0),
        // wildcards of the query meet filters within them, around them and across them
        ("orders.*", 13.0),
        ("orders.>", 23.0),
        ("orders.new.*", 21.0),
        ("*.new", 113.0),
        ("mail.out", 100.0),
        (">", 123.0),
    ] {
        bench.until_waiting(expected, json!({"monitoringUrl": url, "subject": subject})).await;
    }
    // The filter > covers it, but the stream never gets it.
    let (reason, message) = bench.waiting_for(&url, "payments").await.unwrap_err();
    assert_eq!(reason, ValueMissing);
    assert_eq!(
        message,
        format!("{url}/: no stream takes subject \"payments\"; streams seen: \"MAIL\", \"ORDERS\"")
    );
}

#[tokio::test]
async fn several_filters_of_one_consumer_count_it_once() {
    let (bench, server, client) = start().await;
    client.stream("ORDERS", &["orders.>"]).await;
    client.durable("ORDERS", "two", &["orders.new", "orders.*.eu"]).await;
    client.publish("orders.new", 2).await;
    client.publish("orders.new.eu", 3).await;
    client.publish("orders.old", 4).await;
    // Servers before 2.10 know one filter only and take no notice of a list.
    let old = client.connection.server_info().version.starts_with("2.9.");
    let expected = if old { 9.0 } else { 5.0 };
    for subject in ["orders.>", "orders.new", "orders.old.eu"] {
        let settings = json!({"monitoringUrl": server.monitoring_url(), "subject": subject});
        bench.until_waiting(expected, settings).await;
    }
    let other = bench.waiting_for(&server.monitoring_url(), "orders.old").await;
    assert_eq!(other.is_ok(), old, "{other:?}");
}

#[tokio::test]
async fn a_stream_that_nobody_reads_counts_its_messages() {
    let (bench, server, client) = start().await;
    let url = server.monitoring_url();
    client.stream("ORDERS", &["orders.>", "returns"]).await;
    client.publish("orders.new", 3).await;
    for subject in ["orders.new", "orders.old", "returns", "*"] {
        bench.until_waiting(3.0, json!({"monitoringUrl": url, "subject": subject})).await;
    }
    client.durable("ORDERS", "returned", &["returns"]).await;
    bench.until_waiting(0.0, json!({"monitoringUrl": url, "subject": "returns"})).await;
    let (reason, message) = bench.waiting_for(&url, "orders.new").await.unwrap_err();
    assert_eq!(reason, ValueMissing);
    let expected = r#"stream "ORDERS" takes subject "orders.new", but has no consumer for it; consumers seen: "returned""#;
    assert_eq!(message, format!("{url}/: {expected}"));
}

#[tokio::test]
async fn copies_of_a_stream_count_where_they_are_named_or_read() {
    let (bench, server, client) = start().await;
    let url = server.monitoring_url();
    client.stream("ORDERS", &["orders.>"]).await;
    let origin = stream::Source { name: "ORDERS".into(), ..Default::default() };
    let backup = stream::Config { name: "BACKUP".into(), mirror: Some(origin), ..Default::default() };
    client.make_stream(backup).await;
    client.durable("ORDERS", "work", &["orders.new"]).await;
    client.publish("orders.new", 5).await;
    let named = json!({"monitoringUrl": url, "subject": "orders.new", "stream": "BACKUP"});
    let all = json!({"monitoringUrl": url, "subject": "orders.new"});
    let work = json!({"monitoringUrl": url, "subject": "orders.new", "consumer": "work"});
    for settings in [&named, &work] {
        bench.until_waiting(5.0, settings.clone()).await;
    }
    assert_eq!(bench.waiting(all.clone()).await, Ok(5.0), "a backup is no backlog");
    client.durable("BACKUP", "audit", &["orders.*"]).await;
    bench.until_waiting(10.0, all).await;
    bench.until_waiting(5.0, named).await;
}

#[tokio::test]
async fn stream_and_consumer_can_be_named_and_are_missed() {
    let (bench, server, client) = start().await;
    let url = server.monitoring_url();
    for stream in ["A", "B"] {
        client.stream(stream, &[&format!("{stream}.>")]).await;
        for consumer in ["one", "two"] {
            client.durable(stream, consumer, &[&format!("{stream}.{consumer}")]).await;
        }
        client.publish(&format!("{stream}.one"), 2).await;
        client.publish(&format!("{stream}.two"), 3).await;
    }
    let read = |settings: serde_json::Value| {
        let mut all = json!({"monitoringUrl": url, "subject": "*.*"});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        bench.waiting(all)
    };
    bench.until_waiting(10.0, json!({"monitoringUrl": url, "subject": "*.*"})).await;
    assert_eq!(read(json!({"stream": "A"})).await, Ok(5.0));
    assert_eq!(read(json!({"consumer": "two"})).await, Ok(6.0));
    assert_eq!(read(json!({"stream": "B", "consumer": "one"})).await, Ok(2.0));
    let missing = |what: &str| -> Result<f64, (AbsenceReason, String)> {
        Err((ValueMissing, format!("{url}/: {what}")))
    };
    let expected = r#"stream "C" does not exist or does not take subject "*.*"; streams seen: "A", "B""#;
    assert_eq!(read(json!({"stream": "C"})).await, missing(expected));
    let expected =
        r#"stream "A" takes subject "*.*", but has no consumer "three" for it; consumers seen: "one", "two""#;
    assert_eq!(read(json!({"stream": "A", "consumer": "three"})).await, missing(expected));

    let stream = client.jetstream.get_stream("A").await.unwrap();
    stream.delete_consumer("two").await.unwrap();
    let expected =
        r#"stream "A" takes subject "*.*", but has no consumer "two" for it; consumers seen: "one""#;
    assert_eq!(read(json!({"stream": "A", "consumer": "two"})).await, missing(expected));
    stream.delete_consumer("one").await.unwrap();
    let expected =
        r#"stream "A" takes subject "*.*", but has no consumer "one" for it; consumers seen: none"#;
    assert_eq!(
        read(json!({"stream": "A", "consumer": "one"})).await,
        missing(expected),
        "not its 5 messages"
    );
}

#[tokio::test]
async fn contract_6_4_one_consumer_is_counted_exactly_by_its_name() {
    let (bench, server, client) = start().await;
    client.stream("ORDERS", &["orders.>"]).await;
    let consumer = client.durable("ORDERS", "work", &["orders.new"]).await;
    client.durable("ORDERS", "other", &[]).await;
    client.publish("orders.new", 7).await;
    client.publish("orders.elsewhere", 4).await;
    let url = server.monitoring_url();
    let endpoint = url.strip_prefix("http://").unwrap();
    bench.vault.set("shop/nats", "endpoint", endpoint);
    bench.vault.set("shop/nats", "account", "$G");
    let key = |key: &str| json!({"secretKeyRef": {"name": "nats", "key": key}});
    let settings = json!({
        "monitoringEndpointFrom": key("endpoint"), "accountFrom": key("account"), "stream": "ORDERS", "consumer": "work",
    });
    bench.until_waiting(7.0, settings.clone()).await;
    take(&consumer, 5, 2).await;
    bench.until_waiting(5.0, settings.clone()).await;
    bench.vault.set("shop/nats", "account", "NONE");
    let (reason, message) = bench.waiting(settings.clone()).await.unwrap_err();
    assert_eq!(reason, ValueMissing);
    assert_eq!(
        message,
        format!("{url}/: account \"NONE\" does not exist or has no JetStream; accounts seen: \"$G\"")
    );
    let missing = json!({"monitoringEndpoint": endpoint, "stream": "ORDERS", "consumer": "none"});
    let (_, message) = bench.waiting(missing).await.unwrap_err();
    assert_eq!(
        message,
        format!("{url}/: stream \"ORDERS\" has no consumer \"none\"; consumers seen: \"other\", \"work\"")
    );
}
