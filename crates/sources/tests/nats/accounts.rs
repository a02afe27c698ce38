//! Accounts: one of them, all of them, more than a page of them.

use engine::AbsenceReason;
use serde_json::json;
use testbed::{NatsOptions, NatsServer};

use crate::nats::bench::Bench;
use crate::nats::client::Client;

/// A server with accounts `A000`, `A001` and so on.
async fn start(accounts: usize) -> NatsServer {
    let accounts = (0..accounts).map(|number| format!("A{number:03}")).collect();
    NatsServer::start(NatsOptions { accounts, ..NatsOptions::default() }).await.unwrap()
}

async fn fill(server: &NatsServer, account: &str, messages: usize) {
    let client = Client::of_account(server, account).await;
    client.stream("ORDERS", &["orders"]).await;
    client.publish("orders", messages).await;
}

#[tokio::test]
async fn an_account_counts_alone_or_with_all_others() {
    let (bench, server) = (Bench::new(), start(3).await);
    let url = server.monitoring_url();
    fill(&server, "A000", 2).await;
    fill(&server, "A001", 3).await;
    bench.until_waiting(5.0, json!({"monitoringUrl": url, "subject": "orders"})).await;
    for (account, expected) in [("A000", 2.0), ("A001", 3.0)] {
        let settings = json!({"monitoringUrl": url, "subject": "orders", "account": account});
        bench.until_waiting(expected, settings).await;
    }
    let of =
        |account: &str| bench.waiting(json!({"monitoringUrl": url, "subject": "orders", "account": account}));
    let missing = |what: &str| Err((AbsenceReason::ValueMissing, format!("{url}/: {what}")));
    assert_eq!(of("A002").await, missing("no stream takes subject \"orders\"; streams seen: none"));
    let expected =
        "account \"SHOP\" does not exist or has no JetStream; accounts seen: \"A000\", \"A001\", \"A002\"";
    assert_eq!(of("SHOP").await, missing(expected));
}

#[tokio::test]
async fn more_accounts_than_a_page_holds_are_all_seen() {
    let (bench, server) = (Bench::new(), start(230).await);
    let url = server.monitoring_url();
    // The first and last in order, and one on each page between.
    let filled = [("A000", 1), ("A099", 2), ("A100", 4), ("A150", 8), ("A229", 16)];
    for (account, messages) in filled {
        fill(&server, account, messages).await;
    }
    let all = json!({"monitoringUrl": url, "subject": "orders"});
    bench.until_waiting(31.0, all.clone()).await;
    // Old servers begin with other accounts each time.
    for _ in 0..20 {
        assert_eq!(bench.waiting(all.clone()).await, Ok(31.0));
    }
    for (account, messages) in filled {
        let settings = json!({"monitoringUrl": url, "subject": "orders", "account": account});
        assert_eq!(bench.waiting(settings).await, Ok(messages as f64), "{account}");
    }
    let settings = json!({"monitoringUrl": url, "subject": "orders", "account": "A230"});
    let (reason, message) = bench.waiting(settings).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueMissing);
    assert!(message.ends_with("\"A000\", \"A001\", \"A002\", \"A003\", \"A004\" and more"), "{message}");
}
