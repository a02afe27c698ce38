//! Servers that are no Redis, or a hostile one.

use std::net::SocketAddr;

use engine::AbsenceReason::{self, *};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::redis::bench::{Bench, LIMIT, with};

/// Answers whatever it reads with the same bytes, and keeps the connection.
pub(crate) struct Canned {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// What the second question on a connection gets.
#[derive(Clone, Copy)]
enum Next {
    SameAgain,
    Silence,
    HangUp,
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Canned {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        Self::at(0, answer, Next::SameAgain).await
    }

    async fn at(port: u16, answer: impl Into<Vec<u8>>, next: Next) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                connections.spawn(async move {
                    loop {
                        let mut heard = [0; 4096];
                        if !matches!(stream.read(&mut heard).await, Ok(count) if count > 0) {
                            break;
                        }
                        if stream.write_all(as_asked(&answer, &heard)).await.is_err() {
                            break;
                        }
                        match next {
                            Next::SameAgain => {}
                            Next::Silence => std::future::pending().await,
                            Next::HangUp => {
                                // Not before it is asked.
                                let _ = stream.read(&mut heard).await;
                                break;
                            }
                        }
                    }
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}

/// The role of a master.
const MASTER: &str = "*1\r\n$6\r\nmaster\r\n";

/// The answer without that to the question for the role, where that was not asked.
fn as_asked<'a>(answer: &'a [u8], heard: &[u8]) -> &'a [u8] {
    let asks_role = heard.windows(4).any(|word| word == b"ROLE");
    answer.strip_prefix(MASTER.as_bytes()).filter(|_| !asks_role).unwrap_or(answer)
}

/// An answer to the question for the role, and one to the command.
fn both(role: &str, answer: &str) -> Vec<u8> {
    format!("{role}{answer}").into_bytes()
}

async fn outcome(answer: Vec<u8>, seconds: u64) -> (AbsenceReason, String) {
    let server = Canned::start(answer).await;
    let settings = json!({"address": server.address(), "listName": "jobs", "timeoutSeconds": seconds});
    Bench::new().number(&settings).await.unwrap_err()
}

#[tokio::test]
async fn every_bad_answer_is_an_absence_with_its_reason() {
    let master = MASTER;
    let deep = "*1\r\n".repeat(5000);
    let long = format!("${}\r\n{}", 1_000_000, "x".repeat(1_000_000));
    let many = format!("*100000000\r\n{}", ":1\r\n".repeat(100_000));
    for (answer, reason, words) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Malformed, "does not speak the Redis protocol"),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), Malformed, "does not speak the Redis protocol"),
        (vec![0xff; 64], Malformed, "does not speak the Redis protocol"),
        (deep.into_bytes(), Malformed, "does not speak the Redis protocol"),
        (both(master, ":9223372036854775808\r\n"), Malformed, "does not speak the Redis protocol"),
        (both(master, "+QUEUED\r\n"), Malformed, "not what Redis returns"),
        (both(master, "$-1\r\n"), Malformed, "not what Redis returns"),
        (both(master, ":-3\r\n"), OutOfRange, "negative"),
        (long.into_bytes(), TooLarge, "larger than 256 KiB"),
        (many.into_bytes(), TooLarge, "larger than 256 KiB"),
        (both(master, "$9223372036854775807\r\nx"), Timeout, "no response within 3 s"),
        (both(master, "-hunter2 is your password\r\n"), BadStatus, "it returned an error"),
        (both(master, "-ERR AUTH hunter2\r\n"), BadStatus, "it returned an error for LLEN"),
        (both(master, "-\r\n"), BadStatus, "it returned an error"),
    ] {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        // Time enough, unless it is the time that ends it.
        let seconds = if reason == Timeout { 3 } else { 60 };
        let (found, message) = outcome(answer, seconds).await;
        assert_eq!(found, reason, "{shown:?}: {message}");
        assert!(message.contains(words) && !message.contains("hunter2"), "{shown:?}: {message}");
    }
}

#[tokio::test]
async fn a_server_that_closes_at_once_or_is_not_there_is_an_absence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let bench = Bench::new();
    let settings = |address: &str| json!({"address": address, "listName": "jobs"});
    bench.absence(&settings(&address), ConnectionFailed).await;
    task.abort();
    let _ = task.await;
    let message = bench.absence(&settings(&address), ConnectionFailed).await;
    assert_eq!(message, format!("{address}: connection refused"));
    match bench.number(&settings("no-such-host.invalid:6379")).await.unwrap_err() {
        (ConnectionFailed, message) => {
            assert_eq!(message, "no-such-host.invalid:6379: its name does not resolve");
        }
        // Without any name server the system may take longer than the reading has.
        (reason, message) => assert_eq!(reason, Timeout, "{message}"),
    }
}

#[tokio::test]
async fn a_cluster_that_sends_in_circles_is_left() {
    let (bench, claim) = (Bench::new(), testbed::ports::PortClaim::new().unwrap());
    // An empty host means the server itself.
    let circle = Canned::at(claim.port(), format!("-MOVED 1 :{}\r\n", claim.port()), Next::SameAgain).await;
    let settings = json!({"cluster": {"addresses": [circle.address()]}, "listName": "jobs"});
    let message = bench.absence(&settings, TooManyRedirects).await;
    assert!(message.ends_with("its cluster redirected more than 5 times"), "{message}");
    for nonsense in ["-MOVED 1 nowhere\r\n", "-MOVED 1 a b:0\r\n", "-ASK 1 :\r\n"] {
        let server = Canned::start(nonsense).await;
        let settings = json!({"cluster": {"addresses": [server.address()]}, "listName": "jobs"});
        bench.absence(&settings, Malformed).await;
    }
}

#[tokio::test]
async fn one_that_answers_too_much_disturbs_no_other() {
    let bench = Bench::new();
    let flood = Canned::start(format!("${}\r\n{}", 1 << 30, "x".repeat(2_000_000))).await;
    let good = Canned::start(both(MASTER, ":4\r\n")).await;
    let settings = |server: &Canned| -> Value { json!({"address": server.address(), "listName": "jobs"}) };
    let (bad, fine) = (settings(&flood), settings(&good));
    for _ in 0..5 {
        let (refused, counted) =
            tokio::time::timeout(LIMIT, async { tokio::join!(bench.number(&bad), bench.number(&fine)) })
                .await
                .unwrap();
        assert_eq!(refused.unwrap_err().0, TooLarge);
        assert_eq!(counted, Ok(4.0));
    }
}

#[tokio::test]
async fn a_connection_that_hangs_up_on_a_question_is_recreated_for_it() {
    let bench = Bench::new();
    let server = Canned::at(0, both(MASTER, ":4\r\n"), Next::HangUp).await;
    let settings = json!({"address": server.address(), "listName": "jobs"});
    for _ in 0..4 {
        assert_eq!(bench.number(&settings).await, Ok(4.0));
    }
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_not_used_again() {
    let bench = Bench::new();
    let server = Canned::at(0, both(MASTER, ":4\r\n"), Next::Silence).await;
    let patient = json!({"address": server.address(), "listName": "jobs", "timeoutSeconds": 60});
    let hurried = with(&patient, &json!({"timeoutSeconds": 3}));
    for _ in 0..2 {
        assert_eq!(bench.number(&patient).await, Ok(4.0));
        bench.absence(&hurried, Timeout).await;
    }
}
