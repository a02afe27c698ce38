//! Connections that servers close while they are kept, as those do whose keep-alive is as long as our interval.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::bench::{Bench, outcome};
use crate::support::Question;

/// Answers the first request of each connection, and hangs up on the second.
struct Forgetful {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forgetful {
    /// `answered` of the requests of each connection get `body`.
    async fn start(body: Value, answered: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let (body, counted) = (body.to_string(), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (body, counted) = (body.clone(), Arc::clone(&counted));
                connections.spawn(async move { serve(stream, &body, answered, &counted).await });
            }
        });
        Self { address, requests, task }
    }
}

async fn serve(mut stream: TcpStream, body: &str, answered: usize, requests: &AtomicUsize) {
    for count in 0.. {
        if !read_request(&mut stream).await {
            return;
        }
        requests.fetch_add(1, Ordering::SeqCst);
        if count == answered {
            return;
        }
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: keep-alive\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads a head, and the form behind it where it announces one.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut form = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut form).await.is_ok()
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_costs_no_reading() {
    let vector =
        json!({"status": "success", "data": {"resultType": "vector", "result": [{"value": [1e9, "7"]}]}});
    let prometheus = |method: &str, address: SocketAddr| Question {
        source: "prometheus",
        config: json!({"serverAddress": format!("http://{address}"), "query": "up", "method": method}),
    };
    let http = |address: SocketAddr| Question {
        source: "http",
        config: json!({"url": format!("http://{address}/"), "valuePath": "$.data.result[0].value[0]"}),
    };
    for kind in ["http", "GET", "POST"] {
        let server = Forgetful::start(vector.clone(), 1).await;
        let bench = Bench::new();
        let question = if kind == "http" { http(server.address) } else { prometheus(kind, server.address) };
        let expected = if kind == "http" { 1e9 } else { 7.0 };
        for _ in 0..6 {
            assert_eq!(outcome(bench.read(&question).await), Ok(expected), "{kind}");
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_asked_once_more_and_no_more() {
    let server = Forgetful::start(json!({}), 0).await;
    let (_, message) = Bench::new().number_at(&format!("http://{}/", server.address)).await.unwrap_err();
    assert!(message.contains("the connection"), "{message}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);
}
