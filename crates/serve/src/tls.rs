//! Serves a router over TLS. The accept loop is our own: a caller that dawdles over its handshake
//! must not keep others waiting, and the certificate may change between two connections.

mod asked;

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::certificates::CertificateSlot;

/// A handshake must be done by then.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The next request of a connection must begin by then. The API server closes an idle connection
/// after 90 s; if that were for us to do, a request could be on its way at that moment.
const IDLE: Duration = Duration::from_secs(120);
/// Connections at a time; the next one waits. The API server keeps a handful.
const MOST_CONNECTIONS: usize = 128;
/// At the end, requests that run may take this much longer.
const GRACE: Duration = Duration::from_millis(800);

/// The certificates that the other side of a connection has shown, its own first; empty where it has shown none, or was
/// not asked. Nothing is known of them but that the other side has the key of the first. Among the extensions of a request.
#[derive(Clone, Debug)]
pub(crate) struct PeerCertificates(pub(crate) Arc<[CertificateDer<'static>]>);

/// TLS 1.2 and 1.3, HTTP/1.1, with whatever certificate `slot` holds when someone connects.
pub(crate) fn config(slot: Arc<CertificateSlot>) -> Arc<ServerConfig> {
    finished(versions().with_no_client_auth().with_cert_resolver(slot))
}

/// The same; callers are asked for a certificate, and may have any or none.
pub(crate) fn config_asking_for_certificates(slot: Arc<CertificateSlot>) -> Arc<ServerConfig> {
    let asked = asked::Asked(Arc::new(ring::default_provider()));
    finished(versions().with_client_cert_verifier(Arc::new(asked)).with_cert_resolver(slot))
}

fn versions() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring has these versions: {error}"))
}

fn finished(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Serves until `stop` turns true; then lets running requests end, within a moment.
pub(crate) async fn serve(
    mut listener: TcpListener,
    config: Arc<ServerConfig>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(config);
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = Arc::clone(&free).acquire_owned().await;
            // Fully named: this one waits and goes on when accepting fails.
            let (stream, _) = axum::serve::Listener::accept(&mut listener).await;
            (place, stream)
        };
        let (place, stream) = tokio::select! {
            accepted = accepted => accepted,
            () = crate::stopped(&mut stop) => break,
        };
        let connection = connection(acceptor.clone(), stream, router.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            connection.await;
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // What has not ended by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(GRACE, ended).await;
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let shown = shown.iter().map(|certificate| certificate.clone().into_owned()).collect();
    let router = router.layer(Extension(PeerCertificates(shown)));
    let mut server = Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    let serving = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = crate::stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "connection ended");
    }
}
