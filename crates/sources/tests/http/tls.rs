//! HTTPS: who is trusted comes from the system, or from SSL_CERT_FILE.
//!
//! The environment belongs to a whole process, so each case reads in a child of its own.

use std::path::Path;

use testbed::certificates::{Authority, KeyFiles};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http::bench::Bench;
use crate::support::acceptor::acceptor;
use crate::support::child;
use crate::support::raw_server::{Then, answer};

const ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"active_users\": 13}";

struct TlsServer {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsServer {
    async fn start(files: &KeyFiles) -> Self {
        let acceptor = acceptor(files, &[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us hangs up here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, ANSWER.as_bytes(), Then::Close).await;
                }
            }
        });
        Self { port, task }
    }
}

/// What a process that trusts the authorities in `roots` reads from `url`.
async fn read_in_child(url: &str, roots: &Path) -> String {
    child::reported_by("http::tls::child_reads_with_its_environment", url, roots).await
}

#[tokio::test]
#[ignore = "runs as a child of the other tests here"]
async fn child_reads_with_its_environment() {
    let Some(url) = child::address() else { return };
    child::tell(Bench::new().number_at(&url).await);
}

#[tokio::test]
async fn only_a_trusted_authority_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours").unwrap();
    let theirs = Authority::new(folder.path(), "theirs").unwrap();
    let server = TlsServer::start(&ours.server("server", &[]).unwrap()).await;
    let url = format!("https://localhost:{}/users", server.port);

    assert_eq!(read_in_child(&url, &ours.files().certificate).await, "Ok(13.0)");

    let untrusted = read_in_child(&url, &theirs.files().certificate).await;
    assert!(untrusted.starts_with("Err((ConnectionFailed"), "{untrusted}");
    assert!(untrusted.contains("TLS: certificate not trusted; name a private authority"), "{untrusted}");

    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    for nothing in [empty, folder.path().join("missing")] {
        let rootless = read_in_child(&url, &nothing).await;
        assert!(rootless.starts_with("Err((ConnectionFailed"), "{rootless}");
        assert!(rootless.contains("no certificate authorities; set SSL_CERT_FILE"), "{rootless}");
    }
}

#[tokio::test]
async fn without_authorities_plain_http_still_works() {
    let folder = tempfile::tempdir().unwrap();
    let server = testbed::MetricServer::start().await.unwrap();
    server.set_json("/users", &serde_json::json!({"active_users": 14}));
    let outcome = read_in_child(&server.url("/users"), &folder.path().join("missing")).await;
    assert_eq!(outcome, "Ok(14.0)");
}

#[tokio::test]
async fn a_certificate_that_is_not_for_servers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ours").unwrap();
    let server = TlsServer::start(&authority.client("client", "ann", &[]).unwrap()).await;
    let url = format!("https://localhost:{}/users", server.port);
    let refused = read_in_child(&url, &authority.files().certificate).await;
    assert!(refused.contains("TLS: certificate not valid"), "{refused}");
}

#[tokio::test]
async fn https_to_a_plain_port_is_an_absence() {
    let server = testbed::MetricServer::start().await.unwrap();
    let url = format!("https://{}/users", server.address());
    let (reason, message) = Bench::new().number_at(&url).await.unwrap_err();
    assert_eq!(reason, engine::AbsenceReason::ConnectionFailed, "{message}");
    assert!(message.contains("TLS"), "{message}");
}
