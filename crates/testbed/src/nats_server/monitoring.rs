//! What a server says of itself, for waiting until it is ready.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::NatsServer;

/// How long one look may take; a server that begins to listen can be slow to answer.
const LOOK: Duration = Duration::from_secs(2);

/// Whether it takes clients and has loaded what it stored.
pub(super) async fn is_healthy(server: &NatsServer) -> anyhow::Result<()> {
    get(server, "/healthz?js-enabled-only=true").await.map(drop)
}

/// Whether it is besides one of a cluster whose leader sees all of `size` servers.
pub(super) async fn is_joined(server: &NatsServer, size: usize) -> anyhow::Result<()> {
    is_healthy(server).await?;
    if !server.site.options.jetstream {
        let routes = get(server, "/routez").await?;
        let peers = routes["num_routes"].as_u64().unwrap_or_default();
        ensure!(peers as usize >= size - 1, "it is connected to {peers} others");
        return Ok(());
    }
    let own = get(server, "/jsz").await?;
    let cluster = &own["meta_cluster"];
    let leader = cluster["leader"].as_str().unwrap_or_default();
    ensure!(!leader.is_empty(), "no leader yet");
    if leader != server.name {
        return Ok(());
    }
    let replicas = cluster["replicas"].as_array().map(Vec::as_slice).unwrap_or_default();
    let current = replicas.iter().filter(|replica| replica["current"] == true && replica["offline"] != true);
    let current = current.count();
    ensure!(current == size - 1, "the leader has {current} current followers");
    Ok(())
}

/// One page of the monitoring port.
async fn get(server: &NatsServer, page: &str) -> anyhow::Result<Value> {
    let Ok(answer) = tokio::time::timeout(LOOK, ask(server, page)).await else {
        bail!("no response to {page}");
    };
    let answer = answer?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the response has no head")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "{page} answers {status}: {}", body.trim());
    serde_json::from_str(body).with_context(|| format!("{page} answers no JSON"))
}

/// HTTP 1.0, in which the answer ends with the connection: no client library is needed for that.
async fn ask(server: &NatsServer, page: &str) -> anyhow::Result<String> {
    let path = &server.site.options.monitoring_path;
    let mut stream = TcpStream::connect((server.address, server.site.ports.monitoring.port())).await?;
    stream.write_all(format!("GET {path}{page} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
