//! A KEDA external scaler, over HTTP/2 frame by frame, so that it can also do wrong what no library would.

mod message;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use prost::Message as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::certificates::KeyFiles;
use crate::wait;
pub use message::About;
use message::{Active, Amount, Amounts, GetMetrics};

/// Before the name of each method.
const SERVICE: &str = "/externalscaler.ExternalScaler/";

/// The status of a method that a server does not have.
const UNIMPLEMENTED: &str = "12";

/// Bytes before a message.
const FRAME: usize = 5;

/// What the scaler answers, and what it saw. A test changes it as it likes.
#[derive(Debug, Default)]
pub struct ScalerState {
    /// What `IsActive` says.
    pub active: bool,
    /// Names of its metrics, each with the whole number and the float that is aimed for.
    pub specs: Vec<(&'static str, i64, f64)>,
    /// Values by the name that is asked for, each a whole number and a float.
    pub values: BTreeMap<&'static str, Vec<(i64, f64)>>,
    /// The method that is answered with this status of gRPC.
    pub refuses: Option<(&'static str, &'static str)>,
    /// The method that is never answered.
    pub hangs: Option<&'static str>,
    /// Whether it has a stream of its specs.
    pub streams_specs: bool,
    /// Streams of specs that are open.
    pub open_specs: usize,
    /// How streams of activity end as soon as they begin; `None` where they stay open.
    pub ends: Option<Ends>,
    /// Each call, with what the scaler was told.
    pub seen: Vec<(String, About)>,
    /// Streams that have begun.
    pub begun: usize,
    /// Streams that are open.
    pub open: usize,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// With the status that all is well.
    Well,
    /// It breaks.
    Broken,
}

/// What is said on streams.
#[derive(Clone, Copy, Debug)]
enum Push {
    Active(bool),
    Specs,
}

type Shared = Arc<Mutex<ScalerState>>;

/// The scaler. It ends when dropped.
#[derive(Debug)]
pub struct ExternalScaler {
    address: String,
    state: Shared,
    pushes: broadcast::Sender<Push>,
    task: JoinHandle<()>,
}

impl ExternalScaler {
    /// Starts one on a port of its own.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        Ok(Self::with(listener, address, None))
    }

    /// One that speaks TLS, under the name `localhost`.
    ///
    /// # Errors
    /// Where no port can be had, or `files` hold no certificate with its key.
    pub async fn start_with_tls(files: &KeyFiles) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("localhost:{}", listener.local_addr()?.port());
        Ok(Self::with(listener, address, Some(acceptor(files)?)))
    }

    fn with(listener: TcpListener, address: String, tls: Option<TlsAcceptor>) -> Self {
        let (state, (pushes, _)) = (Shared::default(), broadcast::channel(64));
        let task = tokio::spawn(serve(listener, tls, Arc::clone(&state), pushes.clone()));
        Self { address, state, pushes, task }
    }

    /// Where it is, as `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it answers, and what it saw.
    pub fn state(&self) -> MutexGuard<'_, ScalerState> {
        locked(&self.state)
    }

    /// Has one metric, with what is aimed for and its value.
    pub fn measures(&self, name: &'static str, target: i64, value: i64) {
        let mut state = self.state();
        state.specs = vec![(name, target, 0.0)];
        state.values = [(name, vec![(value, 0.0)])].into();
    }

    /// Says so on all streams that are open.
    pub fn push(&self, active: bool) {
        // It fails where no stream is open.
        let _ = self.pushes.send(Push::Active(active));
    }

    /// Says on all streams of specs that are open what its metrics are now.
    pub fn push_specs(&self) {
        let _ = self.pushes.send(Push::Specs);
    }

    /// Waits until as many streams are open.
    ///
    /// # Errors
    /// Where that does not happen within two minutes.
    pub async fn until_open(&self, count: usize) -> anyhow::Result<()> {
        let look = || async {
            let open = self.state().open;
            if open == count { Ok(()) } else { Err(format!("{open} are open")) }
        };
        wait::until(&format!("{count} open streams"), Duration::from_secs(120), look).await
    }
}

impl Drop for ExternalScaler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked(state: &Shared) -> MutexGuard<'_, ScalerState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn acceptor(files: &KeyFiles) -> anyhow::Result<TlsAcceptor> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&files.key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    state: Shared,
    pushes: broadcast::Sender<Push>,
) {
    // Connections end with the server.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state, pushes) = (tls.clone(), Arc::clone(&state), pushes.clone());
        connections.spawn(async move {
            match tls {
                None => serve_connection(stream, state, pushes).await,
                // A client that does not trust us hangs up here.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_connection(stream, state, pushes).await;
                    }
                }
            }
        });
    }
}

async fn serve_connection<S>(stream: S, state: Shared, pushes: broadcast::Sender<Push>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut calls = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (state, pushes) = (Arc::clone(&state), pushes.subscribe());
        calls.spawn(async move {
            if let Err(error) = call(request, respond, state, pushes).await {
                tracing::warn!(%error, "a call of the external scaler failed");
            }
        });
    }
}

async fn call(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    state: Shared,
    pushes: broadcast::Receiver<Push>,
) -> anyhow::Result<()> {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(chunk.len());
        body.extend(chunk);
    }
    let message = body.get(FRAME..).context("a message without its frame")?;
    let method = head.uri.path().strip_prefix(SERVICE).context("another service")?.to_owned();
    let (about, metric) = match method.as_str() {
        "GetMetrics" => {
            let question = GetMetrics::decode(message)?;
            (question.about.context("a question about nothing")?, question.metric)
        }
        _ => (About::decode(message)?, String::new()),
    };
    let (refuses, hangs) = {
        let mut state = locked(&state);
        state.seen.push((method.clone(), about));
        (state.refuses, state.hangs)
    };
    if hangs == Some(&*method) {
        return std::future::pending().await;
    }
    let response = Response::builder().header("content-type", "application/grpc").body(())?;
    let mut send = respond.send_response(response, false)?;
    if let Some((_, status)) = refuses.filter(|(refused, _)| *refused == method) {
        return end(&mut send, status);
    }
    if method == "StreamIsActive" {
        return stream_active(send, state, pushes).await;
    }
    if method == "StreamMetricSpec" && locked(&state).streams_specs {
        return stream_specs(send, state, pushes).await;
    }
    let Some(answer) = answer(&locked(&state), &method, &metric) else {
        return end(&mut send, UNIMPLEMENTED);
    };
    send.send_data(framed(&answer), false)?;
    end(&mut send, "0")
}

/// The message that `method` answers.
fn answer(state: &ScalerState, method: &str, metric: &str) -> Option<Vec<u8>> {
    let amount = |name: &str, (whole, float)| Amount { name: name.to_owned(), whole, float };
    Some(match method {
        "IsActive" => Active { result: state.active }.encode_to_vec(),
        "GetMetricSpec" => {
            let all = state.specs.iter().map(|(name, whole, float)| amount(name, (*whole, *float)));
            Amounts { all: all.collect() }.encode_to_vec()
        }
        "GetMetrics" => {
            let values = state.values.get(metric).cloned().unwrap_or_default();
            // The names in an answer do not matter.
            Amounts { all: values.into_iter().map(|value| amount("any", value)).collect() }.encode_to_vec()
        }
        _ => return None,
    })
}

/// Says what is pushed until the client hangs up.
async fn stream_active(
    mut send: SendStream<Bytes>,
    state: Shared,
    mut pushes: broadcast::Receiver<Push>,
) -> anyhow::Result<()> {
    let ends = {
        let mut state = locked(&state);
        state.begun += 1;
        state.open += usize::from(state.ends.is_none());
        state.ends
    };
    match ends {
        Some(Ends::Well) => return end(&mut send, "0"),
        Some(Ends::Broken) => {
            send.send_reset(h2::Reason::INTERNAL_ERROR);
            return Ok(());
        }
        None => {}
    }
    loop {
        let pushed = tokio::select! {
            pushed = pushes.recv() => pushed,
            _ = std::future::poll_fn(|context| send.poll_reset(context)) => break,
        };
        let result = match pushed {
            Ok(Push::Active(result)) => result,
            Ok(Push::Specs) => continue,
            Err(_) => break,
        };
        if send.send_data(framed(&Active { result }.encode_to_vec()), false).is_err() {
            break;
        }
    }
    locked(&state).open -= 1;
    Ok(())
}

/// Says what its metrics are whenever that is pushed, until the client hangs up.
async fn stream_specs(
    mut send: SendStream<Bytes>,
    state: Shared,
    mut pushes: broadcast::Receiver<Push>,
) -> anyhow::Result<()> {
    locked(&state).open_specs += 1;
    loop {
        let pushed = tokio::select! {
            pushed = pushes.recv() => pushed,
            _ = std::future::poll_fn(|context| send.poll_reset(context)) => break,
        };
        match pushed {
            Ok(Push::Specs) => {
                let specs = answer(&locked(&state), "GetMetricSpec", "").unwrap_or_default();
                if send.send_data(framed(&specs), false).is_err() {
                    break;
                }
            }
            Ok(Push::Active(_)) => {}
            Err(_) => break,
        }
    }
    locked(&state).open_specs -= 1;
    Ok(())
}

fn end(send: &mut SendStream<Bytes>, status: &'static str) -> anyhow::Result<()> {
    let status = (HeaderName::from_static("grpc-status"), HeaderValue::from_static(status));
    Ok(send.send_trailers(HeaderMap::from_iter([status]))?)
}

fn framed(message: &[u8]) -> Bytes {
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend(message);
    framed.into()
}
