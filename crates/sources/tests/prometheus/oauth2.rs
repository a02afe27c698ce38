//! A server that wants a token of an endpoint of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::AbsenceReason;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::prometheus::bench::{Bench, key};

/// A token endpoint at `/token`, and what asks for its newest token everywhere else.
struct Guarded {
    url: String,
    task: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// What was posted for a token, and with which login.
    asked: Vec<(String, Option<String>)>,
    /// Whether the client may show itself in the header.
    takes_header: bool,
    expires_in: u32,
    valid: u32,
}

impl Guarded {
    async fn start(takes_header: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen { takes_header, expires_in: 3600, ..Seen::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { url, task, seen }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(seen): State<Arc<Mutex<Seen>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let login = head.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let form = axum::body::to_bytes(body, 1 << 16).await.unwrap();
    let form = String::from_utf8(form.to_vec()).unwrap();
    let mut seen = seen.lock().unwrap();
    if head.uri.path() == "/token" {
        // client:p@ss, each written as in a form.
        let good = match seen.takes_header {
            true => login.as_deref() == Some("Basic Y2xpZW50OnAlNDBzcw=="),
            false => form.contains("client_id=client&client_secret=p%40ss"),
        };
        seen.asked.push((form, login));
        if !good {
            return (StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"}).to_string())
                .into_response();
        }
        seen.valid += 1;
        let token = format!("token-{}", seen.valid);
        return json!({"access_token": token, "expires_in": seen.expires_in}).to_string().into_response();
    }
    if login != Some(format!("Bearer token-{}", seen.valid)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let data = json!({"resultType": "scalar", "result": [1_700_000_000, "5"]});
    json!({"status": "success", "data": data}).to_string().into_response()
}

fn settings(server: &Guarded) -> serde_json::Value {
    json!({
        "query": "5", "serverAddress": server.url,
        "oauth2": {
            "tokenUrl": format!("{}/token", server.url), "clientIdFrom": key("id"), "clientSecretFrom": key("secret"),
            "scopes": ["read", "more"], "endpointParams": {"audience": "shop"},
        },
    })
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    for takes_header in [true, false] {
        let (bench, server) = (Bench::new(), Guarded::start(takes_header).await);
        bench.vault.set("shop/token", "id", "client\n");
        bench.vault.set("shop/token", "secret", "p@ss");
        for _ in 0..3 {
            assert_eq!(bench.ask(settings(&server)).await, Ok(5.0));
        }
        let asked = server.seen.lock().unwrap().asked.clone();
        assert_eq!(asked.len(), if takes_header { 1 } else { 2 }, "{asked:?}");
        let form = "grant_type=client_credentials&scope=read+more&audience=shop";
        assert_eq!(asked[0], (form.to_owned(), Some("Basic Y2xpZW50OnAlNDBzcw==".to_owned())));

        // It was withdrawn.
        server.seen.lock().unwrap().valid += 1;
        let (reason, message) = bench.ask(settings(&server)).await.unwrap_err();
        assert_eq!(reason, AbsenceReason::BadStatus, "{message}");
        assert_eq!(bench.ask(settings(&server)).await, Ok(5.0));
    }
}

#[tokio::test]
async fn a_short_lived_token_is_renewed_and_a_wrong_secret_named_without_it() {
    let (bench, server) = (Bench::new(), Guarded::start(true).await);
    bench.vault.set("shop/token", "id", "client");
    bench.vault.set("shop/token", "secret", "guessed");
    let (reason, message) = bench.ask(settings(&server)).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::Unauthorized);
    assert_eq!(
        message,
        format!("{}/token: no token: it answered with status 401: invalid_client", server.url)
    );
    bench.vault.set("shop/token", "secret", "p@ss");
    server.seen.lock().unwrap().expires_in = 1;
    assert_eq!(bench.ask(settings(&server)).await, Ok(5.0));
    let look = || async {
        bench.ask(settings(&server)).await.map_err(|failed| format!("{failed:?}"))?;
        let valid = server.seen.lock().unwrap().valid;
        if valid > 1 { Ok(()) } else { Err(format!("{valid} tokens")) }
    };
    testbed::wait::until("a second token", Duration::from_secs(30), look).await.unwrap();
}
