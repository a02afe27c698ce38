//! Who we are: basic authentication on the server itself, and a gate before it for what it does not have.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::AbsenceReason;
use serde_json::{Value, json};
use testbed::{Answer, MetricServer, PROMETHEUS_USER, PrometheusOptions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::prometheus::bench::{Bench, SAMPLES, key, scraping, steady};

/// A small reverse proxy that lets in who has the token, as stands before many servers.
struct TokenGate {
    url: String,
    task: JoinHandle<()>,
    seen: Arc<Mutex<Vec<(Method, HeaderMap)>>>,
}

#[derive(Clone)]
struct Behind {
    server: String,
    seen: Arc<Mutex<Vec<(Method, HeaderMap)>>>,
}

impl TokenGate {
    async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/team", listener.local_addr().unwrap());
        let seen = Arc::default();
        let behind = Behind { server, seen: Arc::clone(&seen) };
        let router = Router::new().fallback(pass).with_state(behind);
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { url, task, seen }
    }
}

impl Drop for TokenGate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(State(behind): State<Behind>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    behind.seen.lock().unwrap().push((head.method.clone(), head.headers.clone()));
    if head.headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer let-me-in") {
        let reported = json!({"status": "error", "errorType": "auth", "error": "token expired"});
        return (StatusCode::UNAUTHORIZED, reported.to_string()).into_response();
    }
    let path = head.uri.path_and_query().unwrap().as_str().strip_prefix("/team").unwrap();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let client = testbed::http_client().tls_certs_only([]).build().unwrap();
    let mut onward = client.request(head.method, format!("{}{path}", behind.server)).body(body);
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        onward = onward.header(header::CONTENT_TYPE, kind);
    }
    let answer = onward.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap()).into_response()
}

#[tokio::test]
async fn a_password_lets_in_and_a_changed_one_counts_at_the_next_reading() {
    let options = PrometheusOptions { basic_auth: true, ..steady() };
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, options).await);
    let settings = json!({
        "query": "single", "serverAddress": server.url(), "username": PROMETHEUS_USER.0, "passwordFrom": key("password"),
    });
    let missing = bench.ask(settings.clone()).await.unwrap_err();
    assert_eq!(missing, (AbsenceReason::SecretUnavailable, "secret shop/token: not found".to_owned()));
    bench.vault.set("shop/token", "password", "guess");
    let (reason, message) = bench.ask(settings.clone()).await.unwrap_err();
    assert_eq!((reason, message.contains("status 401")), (AbsenceReason::BadStatus, true), "{message}");
    bench.vault.set("shop/token", "password", &format!("{}\n", PROMETHEUS_USER.1));
    bench.until_answered(7.0, settings.clone()).await;
    bench.vault.set("shop/token", "password", "guess");
    assert!(bench.ask(settings).await.is_err());
}

#[tokio::test]
async fn a_token_a_tenant_and_headers_are_sent_along() {
    let (server, _metrics) = scraping(SAMPLES, steady()).await;
    let (bench, gate) = (Bench::new(), TokenGate::before(server.url()).await);
    for method in ["GET", "POST"] {
        let settings = json!({
            "query": "orders", "serverAddress": gate.url, "method": method, "bearerTokenFrom": key("t"),
            "tenant": "team-a", "headers": {"X-Extra": "1"},
        });
        bench.vault.set("shop/token", "t", "guess");
        let (reason, message) = bench.ask(settings.clone()).await.unwrap_err();
        assert_eq!(reason, AbsenceReason::BadStatus);
        assert!(message.ends_with("it answered with status 401: auth: token expired"), "{message}");
        bench.vault.set("shop/token", "t", "let-me-in");
        bench.until_answered(7.5, settings).await;
        let (used, headers) = gate.seen.lock().unwrap().pop().unwrap();
        assert_eq!(used.as_str(), method);
        for (name, value) in [("x-scope-orgid", "team-a"), ("x-extra", "1"), ("accept", "application/json")] {
            assert_eq!(headers[name], value);
        }
    }
}

/// A server that leads elsewhere takes neither token nor tenant along.
#[tokio::test]
async fn credentials_do_not_leave_the_origin() {
    let (bench, first) = (Bench::new(), MetricServer::start().await.unwrap());
    let second = MetricServer::start().await.unwrap();
    let answer = json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "5"]}});
    let page = "/api/v1/query";
    second.set_json("/there", &answer);
    bench.vault.set("shop/token", "t", "hidden");
    let settings = |method: &str| {
        json!({
            "query": "1", "serverAddress": first.url(""), "bearerTokenFrom": key("t"), "method": method,
            "headers": {"X-Extra": "1"}, "tenant": "a",
        })
    };
    first.set(page, Answer::redirect(&second.url("/there")));
    assert_eq!(bench.ask(settings("GET")).await, Ok(5.0));
    assert_eq!(first.seen(page).headers["authorization"], "Bearer hidden");
    let elsewhere = second.seen("/there").headers;
    for name in ["authorization", "x-scope-orgid", "x-extra"] {
        assert!(!elsewhere.contains_key(name), "{name}");
    }
    let (reason, message) = bench.ask(settings("POST")).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::BadStatus);
    assert!(message.contains("use the address that it leads to"), "{message}");

    let moved = Answer::new(StatusCode::PERMANENT_REDIRECT, testbed::Body::Text(String::new()));
    let location = second.url("/there").parse().unwrap();
    first.set(page, moved.with_header(header::LOCATION, location));
    assert_eq!(bench.ask(settings("POST")).await, Ok(5.0));
    assert!(!second.seen("/there").headers.contains_key("authorization"));
    assert_eq!(second.seen("/there").headers["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn a_server_that_repeats_a_secret_is_not_quoted() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    bench.vault.set("shop/token", "t", "hidden");
    let settings = json!({"query": "1", "serverAddress": server.url(""), "bearerTokenFrom": key("t")});
    let said = |text: &str| -> Value { json!({"status": "error", "errorType": "bad_data", "error": text}) };
    server.set("/api/v1/query", Answer::text(StatusCode::BAD_REQUEST, said("bad token hidden").to_string()));
    let (reason, message) = bench.ask(settings.clone()).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::BadStatus);
    assert!(!message.contains("hidden") && message.ends_with("bad_data: bad token ***"), "{message}");
}
