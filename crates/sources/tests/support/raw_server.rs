//! A server that writes exactly the given bytes, for answers that no HTTP library would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Ends with this value.
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What follows the bytes.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Close,
    /// The same byte again and again, a pause between.
    Dribble(u8, Duration),
    /// Nothing, with the connection open.
    Wait,
}

impl RawServer {
    /// Answers every connection with `bytes` and what comes then.
    pub(crate) async fn start(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        let bytes = bytes.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let bytes = bytes.clone();
                connections.spawn(async move { answer(stream, &bytes, then).await });
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metric", self.address)
    }
}

/// Reads one request's head and answers it.
pub(crate) async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8], then: Then) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    if stream.write_all(bytes).await.is_err() {
        return;
    }
    match then {
        // The peer may have gone already.
        Then::Close => drop(stream.shutdown().await),
        Then::Dribble(byte, pause) => {
            while stream.write_all(&[byte]).await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
        Then::Wait => std::future::pending().await,
    }
}
