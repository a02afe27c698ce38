//! Load from Prometheus and from audit files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use testbed::{PrometheusOptions, PrometheusServer};

use crate::command_line::backtest::SCALER;
use crate::command_line::{Files, Ran, polyscaler};

const WORKLOAD: &str = "capacity: 100\nstartup: 30s\n";

async fn run(arguments: Vec<String>) -> Ran {
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        polyscaler(&arguments).output().unwrap().into()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// The arguments of a backtest of a scaler with this query, whatever comes on top.
fn arguments(files: &Files, query: &str, more: &[&str]) -> Vec<String> {
    // Without the default window, which holds each scale-in for five minutes.
    let scaler = SCALER.replace("'sum(rate(requests[1m]))'", &json!(query).to_string()) + "  safety: {}\n";
    let (scaler, workload) = (files.write("scaler.yaml", scaler), files.write("workload.yaml", WORKLOAD));
    let mut arguments = vec!["backtest", "-f", &scaler, "--workload", &workload, "--output", "json"];
    arguments.extend(more);
    arguments.into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_read_from_a_real_server_in_pieces() {
    let server = PrometheusServer::start(PrometheusOptions::default()).await.unwrap();
    let files = Files::new();
    // Half an hour of 200, half an hour of 700, without anything that must have been scraped.
    let query = "vector(200 + 500 * ((time() % 3600) >= bool 1800))";
    let url = server.url();
    let more = ["--prometheus", &url, "--range", "30d", "--step", "1m", "--until", "2026-11-01T00:00:00Z"];
    let ran = run(arguments(&files, query, &more)).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    let load = &summary["load"];
    assert_eq!((&load["cells"], &load["gaps"]), (&43_200.into(), &0.into()), "{load}");
    assert_eq!(load["first"], "2026-10-02T00:00:00Z");
    // One rise an hour, each met half a minute later.
    assert_eq!(summary["contenders"][0]["scores"]["slo_violation_minutes"], 360.0, "{summary}");
    for (query, part) in [("sum(", "parse error"), ("absent_metric", "there is nothing in that range")] {
        let more = ["--prometheus", &url, "--range", "1h"];
        let ran = run(arguments(&files, query, &more)).await;
        assert!(ran.status == 1 && ran.stderr.contains(part), "{ran:?}");
        assert!(ran.stderr.starts_with(&url) && ran.stdout.is_empty(), "{ran:?}");
    }
    let ran = run(arguments(&files, query, &["--prometheus", "http://127.0.0.1:1", "--range", "1h"])).await;
    assert!(ran.status == 1 && ran.stderr.contains("cannot be queried"), "{ran:?}");
}

/// A server that answers so many points at once; asked for more, it says what Prometheus says.
async fn limited(most: i64) -> (String, Arc<AtomicUsize>) {
    async fn answer(
        State((most, refused)): State<(i64, Arc<AtomicUsize>)>,
        form: Bytes,
    ) -> (StatusCode, Json<Value>) {
        let form = url_form(&form);
        let number = |name: &str| form.iter().find(|(key, _)| key == name).unwrap().1.parse::<f64>().unwrap();
        let (start, end, step) = (number("start"), number("end"), number("step"));
        let points = ((end - start) / step) as i64 + 1;
        if points > most {
            refused.fetch_add(1, Ordering::Relaxed);
            let error = "query processing would load too many samples into memory in query execution";
            return (
                StatusCode::UNPROCESSABLE_ENTITY,
                Json(json!({ "status": "error", "errorType": "execution", "error": error })),
            );
        }
        let series = |value: &str| {
            let values: Vec<Value> =
                (0..points).map(|point| json!([start + point as f64 * step, value])).collect();
            json!({ "metric": {}, "values": values })
        };
        let result = json!({ "resultType": "matrix", "result": [series("150"), series("50")] });
        (StatusCode::OK, Json(json!({ "status": "success", "data": result })))
    }
    let refused = Arc::new(AtomicUsize::new(0));
    let router =
        Router::new().route("/api/v1/query_range", post(answer)).with_state((most, Arc::clone(&refused)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, refused)
}

fn url_form(form: &[u8]) -> Vec<(String, String)> {
    let mut url = reqwest::Url::parse("http://form").unwrap();
    url.set_query(Some(std::str::from_utf8(form).unwrap()));
    url.query_pairs().into_owned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_limits_what_it_answers_is_asked_for_less() {
    let files = Files::new();
    let (url, refused) = limited(700).await;
    let ran = run(arguments(&files, "up", &["--prometheus", &url, "--range", "3d"])).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["load"]["cells"], 4320);
    assert!(refused.load(Ordering::Relaxed) > 0);
    // Two series are summed up, as the manifest's source does.
    assert_eq!(summary["contenders"][0]["scores"]["pod_hours"], 144.0);
    let (url, _) = limited(5).await;
    let ran = run(arguments(&files, "up", &["--prometheus", &url, "--range", "3d"])).await;
    assert!(ran.status == 1 && ran.stderr.contains("even 50 points at once are too much"), "{ran:?}");
    assert!(ran.stderr.contains("would load too many samples") && ran.stderr.contains("--step"), "{ran:?}");
}

/// An audit file in which `web` followed 200, 700 and 200 requests, a decision every 15 s.
fn audit() -> String {
    let mut replicas = 2;
    let mut lines = String::new();
    for poll in 0..120 {
        let value = if (40..80).contains(&poll) { 700 } else { 200 };
        let to = if value == 700 { 7 } else { 2 };
        let line = json!({
            "timestamp": format!("2026-11-29T10:{:02}:{:02}Z", poll / 4, poll % 4 * 15),
            "kind": "GeneralScaler", "namespace": "shop", "name": "web", "uid": "u", "target": "Deployment/web",
            "from": replicas, "to": to, "applied": replicas != to, "steps": [format!("slo {replicas}→{to} \
                 ({value}/100)")],
            "mode": "act", "recommended": to, "metrics": [{ "name": "requests", "value": value }],
        });
        lines.push_str(&format!("{line}\n"));
        replicas = to;
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_file_is_replayed_beside_what_was_decided_then() {
    let files = Files::new();
    let file = files.write("audit.jsonl", audit());
    let ran = run(arguments(&files, "x", &["--audit", &file])).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    let contenders = summary["contenders"].as_array().unwrap();
    assert_eq!(contenders.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["web", "recorded"]);
    assert_eq!(contenders[0]["scores"], contenders[1]["scores"], "the same manifest decides the same");
    let other = files.write("other.jsonl", audit().replace("\"web\"", "\"other\""));
    let ran = run(arguments(&files, "x", &["--audit", &other])).await;
    assert!(ran.status == 1 && ran.stderr.contains("has no decision for GeneralScaler shop/web"), "{ran:?}");
    let broken = files.write("broken.jsonl", audit() + "{\"timestamp\": 5}\n");
    let ran = run(arguments(&files, "x", &["--audit", &broken])).await;
    assert!(ran.status == 1 && ran.stderr.contains("line 121: is not an audit entry"), "{ran:?}");
}
