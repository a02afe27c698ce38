//! The real emulator of Pub/Sub, where there is one, and a relay before it that counts: the emulator does not tell how
//! many messages wait.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::{Supervisor, wait};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::LIMIT;

/// Where Debian's package of the emulator puts it.
const PROGRAM: &str = "/usr/lib/google-cloud-sdk/platform/pubsub-emulator/bin/cloud-pubsub-emulator";

/// The emulator, on 127.0.0.1. It ends with this value.
pub(crate) struct Emulator {
    host: String,
    _supervisor: Supervisor,
}

impl Emulator {
    /// Starts it; `None` where there is none, which is said.
    pub(crate) async fn start() -> Option<Self> {
        let program =
            std::env::var_os("TESTBED_PUBSUB_EMULATOR").map_or(PathBuf::from(PROGRAM), PathBuf::from);
        if !program.exists() {
            eprintln!("no emulator of Pub/Sub here, TESTBED_PUBSUB_EMULATOR may name one: left out");
            return None;
        }
        let supervisor = Supervisor::new("polyscaler-emulator").unwrap();
        let port = PortClaim::new().unwrap();
        let host = format!("127.0.0.1:{}", port.port());
        let args = ["--host=127.0.0.1".to_owned(), format!("--port={}", port.port())];
        let emulator = supervisor.spawn("emulator", program, args, &[]).unwrap();
        let http = testbed::http_client().build().unwrap();
        let up = || async {
            let answer = http.get(format!("http://{host}/")).send().await;
            answer.map(drop).map_err(|_| emulator.last_lines(3))
        };
        wait::until("the emulator", LIMIT, up).await.unwrap();
        Some(Self { host, _supervisor: supervisor })
    }

    /// For `PUBSUB_EMULATOR_HOST`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// The emulator at an address that pods reach, with a count of its messages. It ends with this value.
pub(crate) struct Counted {
    address: SocketAddr,
    relay: Arc<Relay>,
    task: JoinHandle<()>,
}

struct Relay {
    emulator: Emulator,
    client: reqwest::Client,
    ledger: Mutex<Ledger>,
}

/// Messages by their ids.
#[derive(Default)]
struct Ledger {
    published: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    /// By what each is acknowledged by. A message that comes again has another one.
    delivered: BTreeMap<String, String>,
}

impl Counted {
    pub(crate) async fn start_on(address: Ipv4Addr, emulator: Emulator) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = testbed::http_client().build().unwrap();
        let relay = Arc::new(Relay { emulator, client, ledger: Mutex::default() });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&relay));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, relay, task }
    }

    /// For `PUBSUB_EMULATOR_HOST`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Publishes one message, `late`.
    pub(crate) async fn publish_late(&self) {
        let url = format!("http://{}/v1/projects/my-project/topics/events:publish", self.address);
        let message = json!({ "messages": [{ "data": "bGF0ZQ==" }] });
        let answer = self.relay.client.post(url).body(message.to_string()).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    /// How many messages were published.
    pub(crate) fn published(&self) -> usize {
        self.relay.ledger.lock().unwrap().published.len()
    }

    /// How many messages are not acknowledged.
    pub(crate) fn held(&self) -> usize {
        let ledger = self.relay.ledger.lock().unwrap();
        ledger.published.difference(&ledger.acknowledged).count()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands a request to the emulator and its answer back, and notes what it was about.
async fn pass_on(State(relay): State<Arc<Relay>>, method: Method, uri: Uri, asked: Bytes) -> Response {
    let url = format!("http://{}{uri}", relay.emulator.host);
    let request = relay.client.request(method, url).header(header::CONTENT_TYPE, "application/json");
    let Ok(answer) = request.body(asked.clone()).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    if status.is_success() {
        let read = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap_or_default();
        relay.ledger.lock().unwrap().note(uri.path(), &read(&asked), &read(&body));
    }
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Ledger {
    fn note(&mut self, path: &str, asked: &Value, answer: &Value) {
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        if path.ends_with(":publish") {
            self.published.extend(texts(&answer["messageIds"]));
        } else if path.ends_with(":acknowledge") {
            let ids = texts(&asked["ackIds"]).into_iter().filter_map(|id| self.delivered.get(&id).cloned());
            self.acknowledged.extend(ids);
        } else if path.ends_with(":pull") {
            for received in answer["receivedMessages"].as_array().into_iter().flatten() {
                let (ack, id) = (received["ackId"].as_str(), received["message"]["messageId"].as_str());
                if let (Some(ack), Some(id)) = (ack, id) {
                    self.delivered.insert(ack.to_owned(), id.to_owned());
                }
            }
        }
    }
}
