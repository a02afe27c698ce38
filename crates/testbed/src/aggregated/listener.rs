//! Accepts the front proxy and nobody else.

use std::sync::Arc;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::ControlPlane;

/// How it shows itself, and whom it answers.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    front_proxy: CertificateDer<'static>,
}

impl Tls {
    /// A certificate for `host`, which the API server of `control_plane` calls it by.
    pub(crate) fn of(control_plane: &ControlPlane, host: &str) -> anyhow::Result<Self> {
        let files = control_plane.authority().server(host, &[host])?;
        let certificates =
            CertificateDer::pem_file_iter(&files.certificate)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&files.key)?;
        let (front_proxy, authority) = control_plane.front_proxy();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates, key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { acceptor, front_proxy: CertificateDer::from_pem_file(front_proxy)? })
    }
}

/// The task that accepts. Dropping it cuts all connections.
pub(crate) struct Listening {
    task: JoinHandle<()>,
}

impl Listening {
    pub(crate) fn start(listener: TcpListener, tls: &Tls, router: Router) -> Self {
        Self { task: tokio::spawn(serve(listener, tls.clone(), router)) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut listener: TcpListener, tls: Tls, router: Router) {
    let service = TowerToHyperService::new(router);
    // Within this task, so that they end with it.
    let mut connections = JoinSet::new();
    loop {
        // Fully named: this one waits and goes on when accepting fails.
        let (stream, _) = axum::serve::Listener::accept(&mut listener).await;
        let (tls, service) = (tls.clone(), service.clone());
        connections.spawn(async move {
            let Some(stream) = accept(&tls, stream).await else { return };
            let server = Builder::new(TokioExecutor::new()).http1_only();
            // A caller that hangs up early needs no answer.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// The connection, where the front proxy itself is at its other end: the verifier has seen that
/// its authority signed the certificate.
async fn accept(tls: &Tls, stream: TcpStream) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let stream = tls.acceptor.accept(stream).await.ok()?;
    let shown = stream.get_ref().1.peer_certificates()?.first()?.clone();
    (shown == tls.front_proxy).then_some(stream)
}
