//! Prometheus comes up ready, scrapes, evaluates rules, protects its port and comes back.

use std::time::Duration;

use axum::http::StatusCode;
use testbed::{
    Answer, MetricServer, PROMETHEUS_USER, PrometheusOptions, PrometheusServer, PrometheusTls, Scrape, wait,
};

const LIMIT: Duration = Duration::from_secs(120);

/// Waits until a query has one series with this value.
async fn wait_for(server: &PrometheusServer, query: &str, value: &str) {
    let look = || async {
        let answer = server.query(query).await.map_err(|error| format!("{error:#}"))?;
        if answer["result"][0]["value"][1] == value { Ok(()) } else { Err(answer.to_string()) }
    };
    wait::until(query, LIMIT, look).await.unwrap();
}

async fn metrics(text: &str) -> (MetricServer, Scrape) {
    let metrics = MetricServer::start().await.unwrap();
    metrics.set("/metrics", Answer::text(StatusCode::OK, text));
    let scrape = Scrape::of("shop", metrics.address().to_string());
    (metrics, scrape)
}

#[tokio::test]
async fn it_scrapes_evaluates_rules_and_keeps_samples_over_a_restart() {
    let (metrics, scrape) = metrics("orders{kind=\"new\"} 7\n").await;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    let text =
        "groups: [{name: a, rules: [{alert: Orders, expr: orders > 6}, {alert: None, expr: none > 1}]}]";
    std::fs::write(&rules, text).unwrap();
    let options =
        PrometheusOptions { scrapes: vec![scrape], rule_files: vec![rules], ..PrometheusOptions::default() };
    let server = PrometheusServer::start(options).await.unwrap();
    wait_for(&server, "orders{job=\"shop\"}", "7").await;
    assert_eq!(server.label_values("kind", "orders").await.unwrap()[0], "new");
    let look = || async {
        let rules = server.rules().await.map_err(|error| format!("{error:#}"))?;
        let rules = &rules["groups"][0]["rules"];
        if rules[0]["state"] == "firing" && rules[1]["state"] == "inactive" {
            Ok(())
        } else {
            Err(rules.to_string())
        }
    };
    wait::until("the alert fires", LIMIT, look).await.unwrap();
    let refused = server.query("orders{").await.unwrap_err().to_string();
    assert!(refused.contains("parse error"), "{refused}");

    drop(metrics);
    server.kill().await.unwrap();
    assert!(server.query("up").await.is_err());
    server.start_again().unwrap();
    server.wait_until_ready().await.unwrap();
    wait_for(&server, "max_over_time(orders[10m])", "7").await;

    let directory = server.directory().to_owned();
    assert!(directory.join("prometheus.log").exists());
    drop(server);
    assert!(!directory.exists());
}

#[tokio::test]
async fn its_port_requires_the_configured_tls_and_password() {
    for (tls, basic_auth) in
        [(PrometheusTls::Off, true), (PrometheusTls::Server, false), (PrometheusTls::Mutual, true)]
    {
        let options = PrometheusOptions { tls, basic_auth, ..PrometheusOptions::default() };
        let server = PrometheusServer::start(options).await.unwrap();
        server.query("vector(1)").await.unwrap();
        assert_eq!(server.authority().is_some(), tls != PrometheusTls::Off);
        assert_eq!(server.url().starts_with("https://127.0.0.1:"), tls != PrometheusTls::Off);

        let builder = testbed::http_client().tls_danger_accept_invalid_certs(true);
        let client = builder.build().unwrap();
        let url = format!("{}/api/v1/query?query=1", server.url());
        let stranger = client.get(&url).basic_auth(PROMETHEUS_USER.0, Some("guess")).send().await;
        match (tls, stranger) {
            (PrometheusTls::Mutual, answer) => assert!(answer.is_err(), "{answer:?}"),
            (_, answer) => {
                let wanted = if basic_auth { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
                assert_eq!(answer.unwrap().status().as_u16(), wanted.as_u16());
            }
        }
    }
}

#[tokio::test]
async fn a_paused_one_answers_nothing_until_it_goes_on() {
    let server = PrometheusServer::start(PrometheusOptions::default()).await.unwrap();
    server.pause().unwrap();
    let answers = || async {
        let asked = tokio::time::timeout(Duration::from_secs(1), server.query("vector(1)")).await;
        matches!(asked, Ok(Ok(_)))
    };
    // A signal takes a moment to stop every thread.
    wait::until("silence", LIMIT, || async { (!answers().await).then_some(()) }).await.unwrap();
    server.resume().unwrap();
    wait::until("an answer", LIMIT, || async { answers().await.then_some(()) }).await.unwrap();
}
