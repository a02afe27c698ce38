//! The part of Pub/Sub's REST API that the sample uses, for machines without the emulator: one
//! topic with one subscription. What is pulled and not acknowledged stays held.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Messages by what they are acknowledged by.
#[derive(Default)]
struct Queue {
    made: usize,
    waiting: VecDeque<(String, Value)>,
    delivered: BTreeMap<String, Value>,
}

type Shared = Arc<Mutex<Queue>>;

/// The server, on 127.0.0.1 where nothing else was asked for. It ends with this value.
pub(crate) struct Broker {
    address: SocketAddr,
    queue: Shared,
    task: JoinHandle<()>,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST).await
    }

    /// The same at an address of this machine that others reach.
    pub(crate) async fn start_on(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let queue = Shared::default();
        let router =
            Router::new().route("/v1/{*resource}", post(call).put(make)).with_state(Arc::clone(&queue));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, queue, task }
    }

    /// For `PUBSUB_EMULATOR_HOST`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Publishes one message, `late`.
    pub(crate) fn publish_late(&self) {
        self.queue.lock().unwrap().publish(&json!([{ "data": "bGF0ZQ==" }]));
    }

    /// How many messages were published.
    pub(crate) fn published(&self) -> usize {
        self.queue.lock().unwrap().made
    }

    /// How many messages are not acknowledged.
    pub(crate) fn held(&self) -> usize {
        let queue = self.queue.lock().unwrap();
        queue.waiting.len() + queue.delivered.len()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn make(Path(resource): Path<String>) -> Json<Value> {
    Json(json!({ "name": resource }))
}

async fn call(
    State(queue): State<Shared>,
    Path(resource): Path<String>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut queue = queue.lock().unwrap();
    let answer = match resource.rsplit_once(':') {
        Some(("projects/my-project/topics/events", "publish")) => queue.publish(&body["messages"]),
        Some(("projects/my-project/subscriptions/events", "pull")) => queue.pull(),
        Some(("projects/my-project/subscriptions/events", "acknowledge")) => {
            queue.acknowledge(&body["ackIds"])
        }
        _ => return (StatusCode::NOT_FOUND, Json(json!({ "error": { "message": resource } }))),
    };
    (StatusCode::OK, Json(answer))
}

impl Queue {
    fn publish(&mut self, messages: &Value) -> Value {
        let mut ids = Vec::new();
        for message in messages.as_array().unwrap() {
            self.made += 1;
            ids.push(self.made.to_string());
            self.waiting.push_back((format!("ack-{}", self.made), message.clone()));
        }
        json!({ "messageIds": ids })
    }

    fn pull(&mut self) -> Value {
        let Some((id, message)) = self.waiting.pop_front() else { return json!({}) };
        let answer = json!({ "receivedMessages": [{ "ackId": id, "message": message }] });
        self.delivered.insert(id, message);
        answer
    }

    fn acknowledge(&mut self, ids: &Value) -> Value {
        for id in ids.as_array().unwrap() {
            self.delivered.remove(id.as_str().unwrap());
        }
        json!({})
    }
}
