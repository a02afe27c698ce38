//! The receiver of traces takes what is sent over HTTP, keeps it over a restart, and leaves nothing.

use std::time::Duration;

use serde_json::json;
use testbed::{OtlpReceiver, wait};

const LIMIT: Duration = Duration::from_secs(120);

async fn send(receiver: &OtlpReceiver, name: &str) -> anyhow::Result<()> {
    let client = testbed::http_client().timeout(LIMIT).build()?;
    let span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": name,
        "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
    });
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] });
    let request = client
        .post(format!("{}/v1/traces", receiver.http_url()))
        .header("content-type", "application/json")
        .body(request.to_string());
    request.send().await?.error_for_status()?;
    Ok(())
}

#[tokio::test]
async fn spans_are_received_and_kept() {
    let receiver = OtlpReceiver::start().await.unwrap();
    assert_eq!(receiver.spans().unwrap(), []);
    send(&receiver, "first").await.unwrap();
    receiver.stop().await.unwrap();
    assert!(send(&receiver, "lost").await.is_err());
    receiver.start_again().await.unwrap();
    send(&receiver, "second").await.unwrap();
    let look = || async {
        let names: Vec<String> = receiver.spans().unwrap().into_iter().map(|span| span.name).collect();
        if names == ["first", "second"] { Ok(()) } else { Err(format!("{names:?}")) }
    };
    wait::until("both spans", LIMIT, look).await.unwrap();
}
