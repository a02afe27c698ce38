//! A server that goes, hangs and comes back while it is read.

use engine::AbsenceReason;
use serde_json::json;

use crate::prometheus::bench::{Bench, LIMIT, SAMPLES, scraping, steady};

#[tokio::test]
async fn no_wrong_number_is_read_over_restarts() {
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, steady()).await);
    // The server answers with 503 while it starts, and with less before the first scrape.
    let settings = json!({"query": "orders", "serverAddress": server.url()});
    bench.until_answered(7.5, settings.clone()).await;
    for round in 0..3 {
        if round % 2 == 0 {
            server.stop().await.unwrap()
        } else {
            server.kill().await.unwrap()
        }
        let (reason, message) = bench.ask(settings.clone()).await.unwrap_err();
        assert_eq!(reason, AbsenceReason::ConnectionFailed, "{message}");
        server.start_again().unwrap();
        // As fast as it can, so that some readings fall into the start.
        let again = async {
            loop {
                if let Ok(number) = bench.ask(settings.clone()).await {
                    break number;
                }
            }
        };
        let number = tokio::time::timeout(LIMIT, again).await.unwrap();
        assert_eq!(number, 7.5, "in round {round}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_its_time_and_no_more() {
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, steady()).await);
    let settings = json!({"query": "single", "serverAddress": server.url(), "timeoutSeconds": 1});
    bench.until_answered(7.0, settings.clone()).await;
    server.pause().unwrap();
    let silent = || async {
        match bench.ask(settings.clone()).await {
            Err((AbsenceReason::Timeout, message)) => Ok(message),
            other => Err(format!("{other:?}")),
        }
    };
    let message = testbed::wait::until("a timeout", LIMIT, silent).await.unwrap();
    assert!(message.ends_with("no complete response within 1 s"), "{message}");
    server.resume().unwrap();
    bench.until_answered(7.0, settings).await;
}
