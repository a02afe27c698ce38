//! Servers that are not quite Redis: forks and proxies, which know fewer commands or have other words.

use std::net::SocketAddr;
use std::time::Duration;

use engine::AbsenceReason::BadStatus;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::redis::bench::Bench;

/// What a server does with a command.
#[derive(Clone)]
enum Reply {
    Say(&'static str),
    Silence,
    HangUp,
}

/// Answers each command by its name.
struct Fork {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Fork {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fork {
    async fn start(role: Reply, other: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (role, other) = (role.clone(), other.clone());
                connections.spawn(async move { serve(stream, role, other).await });
            }
        });
        Self { address, task }
    }

    fn list(&self) -> Value {
        json!({"address": self.address.to_string(), "listName": "jobs", "timeoutSeconds": 20})
    }
}

async fn serve(stream: TcpStream, role: Reply, other: Reply) {
    let mut stream = BufReader::new(stream);
    while let Some(name) = command(&mut stream).await {
        match if name == "ROLE" { &role } else { &other } {
            Reply::Say(text) => stream.write_all(text.as_bytes()).await.unwrap_or_default(),
            // As a proxy that waits for a server which never answers: nothing behind it is answered either.
            Reply::Silence => std::future::pending().await,
            Reply::HangUp => return,
        }
    }
}

/// The name of the next command.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut name = None;
    for _ in 0..number(stream).await? {
        let mut part = vec![0; number(stream).await? + 2];
        stream.read_exact(&mut part).await.ok()?;
        name.get_or_insert_with(|| String::from_utf8_lossy(&part).trim_end().to_owned());
    }
    name
}

/// The number behind the sign of a line.
async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}

fn replica(word: &str, state: &str) -> &'static str {
    let role = format!(
        "*5\r\n${}\r\n{word}\r\n$9\r\n127.0.0.1\r\n:6379\r\n${}\r\n{state}\r\n:0\r\n",
        word.len(),
        state.len()
    );
    Box::leak(role.into_boxed_str())
}

#[tokio::test]
async fn a_replica_is_believed_unless_it_is_known_to_lack_data() {
    for (word, state, is_good) in [
        ("slave", "connected", true),
        ("slave", "online", true),
        ("replica", "stable_sync", true),
        ("slave", "some_day", true),
        ("slave", "connect", false),
        ("slave", "sync", false),
        ("slave", "full_sync", false),
        ("replica", "preparation", false),
    ] {
        let fork = Fork::start(Reply::Say(replica(word, state)), Reply::Say(":7\r\n")).await;
        let found = Bench::new().number(&fork.list()).await.map_err(|(reason, _)| reason);
        assert_eq!(found, if is_good { Ok(7.0) } else { Err(BadStatus) }, "{word} {state}");
    }
}

#[tokio::test]
async fn no_answer_to_the_question_for_the_role_keeps_the_number() {
    for role in [
        Reply::Say("-ERR unknown command 'ROLE'\r\n"),
        Reply::Say("-NOPERM no\r\n"),
        Reply::Say("-ERR this proxy does not support it\r\n"),
        Reply::Say("+OK\r\n"),
        Reply::HangUp,
    ] {
        let fork = Fork::start(role, Reply::Say(":7\r\n")).await;
        let bench = Bench::new();
        for _ in 0..5 {
            assert_eq!(bench.number(&fork.list()).await, Ok(7.0));
        }
    }
}

#[tokio::test]
async fn a_question_for_the_role_that_hangs_is_given_up() {
    let fork = Fork::start(Reply::Silence, Reply::Say(":7\r\n")).await;
    let (bench, mut list) = (Bench::new(), fork.list());
    list["timeoutSeconds"] = json!(1);
    let mut found = Vec::new();
    for _ in 0..9 {
        found.push(tokio::time::timeout(Duration::from_secs(60), bench.number(&list)).await.unwrap().is_ok());
    }
    assert_eq!(found, [false, true, false, true, false, true, true, true, true]);
}
