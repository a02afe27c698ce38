//! Servers that answer what a test makes up, page by page.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::{Answer, MetricServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// An endpoint that is a healthy NATS server but for its `/jsz`, which is for the test to set.
pub(crate) async fn metric_server() -> MetricServer {
    let server = MetricServer::start().await.unwrap();
    server.set_json("/healthz", &json!({"status": "ok"}));
    server
}

/// A `/jsz` of server `id` that has `streams` in its one account.
pub(crate) fn jsz(id: &str, streams: &[Value]) -> Value {
    json!({
        "server_id": id,
        "accounts": 1,
        "account_details": [{"name": "$G", "id": "$G", "stream_detail": streams}],
    })
}

/// Stream `ORDERS` on subject `orders`.
pub(crate) fn orders(consumers: &[Value]) -> Value {
    json!({
        "name": "ORDERS",
        "cluster": {"leader": "n1"},
        "config": {"subjects": ["orders"]},
        "state": {"messages": 7},
        "consumer_detail": consumers,
    })
}

/// A consumer without a filter.
pub(crate) fn consumer(name: &str, pending: Value, unacknowledged: Value) -> Value {
    json!({
        "name": name,
        "cluster": {"leader": "n1"},
        "config": {},
        "num_pending": pending,
        "num_ack_pending": unacknowledged,
    })
}

/// The answer's body for a request's first line, counted from 1.
type Script = Box<dyn Fn(&str, usize) -> Value + Send + Sync>;

/// A server whose answers depend on what is asked and how often; it ends with this value.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    /// Held so that a server at another address can have the same port.
    _port: Option<PortClaim>,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    pub(crate) async fn start(script: impl Fn(&str, usize) -> Value + Send + Sync + 'static) -> Self {
        let (port, listener) = PortClaim::listening().unwrap();
        Self::on(TcpListener::from_std(listener).unwrap(), Some(port), script)
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        script: impl Fn(&str, usize) -> Value + Send + Sync + 'static,
    ) -> Self {
        Self::on(TcpListener::bind(address).await.unwrap(), None, script)
    }

    fn on(
        listener: TcpListener,
        port: Option<PortClaim>,
        script: impl Fn(&str, usize) -> Value + Send + Sync + 'static,
    ) -> Self {
        let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let (script, seen): (Arc<Script>, _) = (Arc::new(Box::new(script)), Arc::clone(&heads));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { address, _port: port, heads, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests so far, in small letters.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, script: Arc<Script>, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let count = {
        let mut heads = heads.lock().unwrap();
        heads.push(head.clone());
        heads.len()
    };
    let body = script(head.lines().next().unwrap_or_default(), count).to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A caller that hangs up early is part of what is tested.
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

/// Answers of the healthy member `id` of a cluster, with the other pages as given.
pub(crate) fn member(line: &str, id: &str, name: &str, streams: &[Value], more: &Value) -> Value {
    let page = |page: &str| line.contains(&format!("/{page}"));
    if page("jsz") {
        let mut answer = jsz(id, streams);
        answer["meta_cluster"] = json!({"leader": "n1"});
        return answer;
    }
    let mut answer = json!({"status": "ok", "server_id": id, "server_name": name, "routes": []});
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    answer
}

// Kept beside the helpers that it checks: a made-up page must be read like a real one.
#[tokio::test]
async fn a_made_up_page_is_read() {
    let (bench, server) = (crate::nats::bench::Bench::new(), metric_server().await);
    server.set("/jsz", Answer::json(&jsz("A", &[orders(&[consumer("work", json!(3), json!(2))])])));
    assert_eq!(bench.waiting_for(&server.url(""), "orders").await, Ok(5.0));
    server.set("/jsz", Answer::json(&jsz("A", &[orders(&[])])));
    assert_eq!(bench.waiting_for(&server.url("/"), "orders").await, Ok(7.0));
}
