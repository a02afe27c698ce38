//! An external scaler of a test's own, over HTTP/2 frame by frame, with the messages of KEDA's interface.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use prost::Message;
use testbed::certificates::KeyFiles;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::support::acceptor::acceptor;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct About {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) namespace: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(crate) metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct GetMetrics {
    #[prost(message, optional, tag = "1")]
    about: Option<About>,
    #[prost(string, tag = "2")]
    metric: String,
}

#[derive(Clone, PartialEq, Message)]
struct Active {
    #[prost(bool, tag = "1")]
    result: bool,
}

/// Both a spec and a value: a name, a whole number and a float.
#[derive(Clone, PartialEq, Message)]
struct Amount {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "2")]
    whole: i64,
    #[prost(double, tag = "3")]
    float: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Amounts {
    #[prost(message, repeated, tag = "1")]
    all: Vec<Amount>,
}

/// What the scaler answers, and what it saw.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) active: bool,
    /// Names with their targets.
    pub(crate) specs: Vec<(&'static str, i64, f64)>,
    /// Values by the name that is asked for.
    pub(crate) values: BTreeMap<&'static str, Vec<(i64, f64)>>,
    /// The method that is answered with this status of gRPC.
    pub(crate) refuses: Option<(&'static str, &'static str)>,
    /// The method that is never answered.
    pub(crate) hangs: Option<&'static str>,
    /// Streams end as soon as they begin: well, or broken.
    pub(crate) ends: Option<Ends>,
    pub(crate) seen: Vec<(String, About)>,
    /// Streams that have begun, and those that are open.
    pub(crate) begun: usize,
    pub(crate) open: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ends {
    Well,
    Broken,
}

type Shared = Arc<Mutex<State>>;

/// Ends when dropped.
pub(crate) struct Scaler {
    pub(crate) address: String,
    state: Shared,
    pushes: broadcast::Sender<bool>,
    task: JoinHandle<()>,
}

impl Scaler {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self::with(listener, address, None)
    }

    /// One that speaks TLS, under the name `localhost`.
    pub(crate) async fn start_with_tls(files: &KeyFiles) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        Self::with(listener, address, Some(acceptor(files, &["h2"])))
    }

    fn with(listener: TcpListener, address: String, tls: Option<TlsAcceptor>) -> Self {
        let (state, (pushes, _)) = (Shared::default(), broadcast::channel(64));
        let task = tokio::spawn(serve(listener, tls, Arc::clone(&state), pushes.clone()));
        Self { address, state, pushes, task }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Says so on all streams that are open.
    pub(crate) fn push(&self, active: bool) {
        self.pushes.send(active).unwrap();
    }

    /// Waits until as many streams are open.
    pub(crate) async fn until_open(&self, count: usize) {
        let look = || async {
            let open = self.state().open;
            if open == count { Ok(()) } else { Err(format!("{open} are open")) }
        };
        testbed::wait::until(&format!("{count} open streams"), Duration::from_secs(120), look).await.unwrap();
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    state: Shared,
    pushes: broadcast::Sender<bool>,
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

async fn serve_connection<S>(stream: S, state: Shared, pushes: broadcast::Sender<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut calls = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        calls.spawn(call(request, respond, Arc::clone(&state), pushes.subscribe()));
    }
}

async fn call(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    state: Shared,
    pushes: broadcast::Receiver<bool>,
) {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(chunk.len());
        body.extend(chunk);
    }
    let message = &body[5..];
    let method = head.uri.path().strip_prefix("/externalscaler.ExternalScaler/").unwrap().to_owned();
    let (about, metric) = match method.as_str() {
        "GetMetrics" => {
            let question = GetMetrics::decode(message).unwrap();
            (question.about.unwrap(), question.metric)
        }
        _ => (About::decode(message).unwrap(), String::new()),
    };
    state.lock().unwrap().seen.push((method.clone(), about));
    let response = || Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let (refuses, hangs) = {
        let state = state.lock().unwrap();
        (state.refuses, state.hangs)
    };
    if hangs == Some(&*method) {
        return std::future::pending().await;
    }
    if let Some((_, status)) = refuses.filter(|(refused, _)| *refused == method) {
        let mut send = respond.send_response(response(), false).unwrap();
        return end(&mut send, status);
    }
    if method == "StreamIsActive" {
        let send = respond.send_response(response(), false).unwrap();
        return stream_active(send, state, pushes).await;
    }
    let answer = {
        let state = state.lock().unwrap();
        let amount = |name: &str, (whole, float)| Amount { name: name.to_owned(), whole, float };
        match method.as_str() {
            "IsActive" => Active { result: state.active }.encode_to_vec(),
            "GetMetricSpec" => {
                let all = state.specs.iter().map(|(name, whole, float)| amount(name, (*whole, *float)));
                Amounts { all: all.collect() }.encode_to_vec()
            }
            "GetMetrics" => {
                let values = state.values.get(&*metric).cloned().unwrap_or_default();
                // The names in an answer do not matter.
                Amounts { all: values.into_iter().map(|value| amount("any", value)).collect() }
                    .encode_to_vec()
            }
            other => panic!("{other}"),
        }
    };
    let mut send = respond.send_response(response(), false).unwrap();
    let _ = send.send_data(framed(&answer), false);
    end(&mut send, "0");
}

/// Says what is pushed until the client hangs up.
async fn stream_active(mut send: SendStream<Bytes>, state: Shared, mut pushes: broadcast::Receiver<bool>) {
    let ends = {
        let mut state = state.lock().unwrap();
        state.begun += 1;
        state.ends
    };
    match ends {
        Some(Ends::Well) => return end(&mut send, "0"),
        Some(Ends::Broken) => return send.send_reset(h2::Reason::INTERNAL_ERROR),
        None => state.lock().unwrap().open += 1,
    }
    loop {
        let pushed = tokio::select! {
            pushed = pushes.recv() => pushed,
            _ = std::future::poll_fn(|context| send.poll_reset(context)) => break,
        };
        let Ok(result) = pushed else { break };
        if send.send_data(framed(&Active { result }.encode_to_vec()), false).is_err() {
            break;
        }
    }
    state.lock().unwrap().open -= 1;
}

fn end(send: &mut SendStream<Bytes>, status: &'static str) {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(status),
    )]);
    let _ = send.send_trailers(trailers);
}

fn framed(message: &[u8]) -> Bytes {
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    framed.into()
}
