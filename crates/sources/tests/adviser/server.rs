//! A gRPC server of a test's own. It speaks HTTP/2 frame by frame, so that it can do wrong what no
//! library would.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use h2::server::SendResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use testbed::certificates::KeyFiles;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::support::acceptor::acceptor;

/// How a call is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// The whole body, frame and all.
    pub(crate) body: Vec<u8>,
    /// What the trailers say; `None` for a body that just ends.
    pub(crate) trailers: Option<Vec<(&'static str, &'static str)>>,
    /// The same in the head, as for a call that fails at once.
    pub(crate) head: Vec<(&'static str, &'static str)>,
    pub(crate) then: Then,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Then {
    End,
    /// Nothing more comes.
    Hang,
    /// The connection breaks after the body.
    Break,
    /// The connection breaks when it is used once more.
    Once,
}

impl Answer {
    /// That all is well, with this message.
    pub(crate) fn message(message: &[u8]) -> Self {
        let mut body = vec![0];
        body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        body.extend(message);
        Self::body(body)
    }

    /// That all is well, with this body.
    pub(crate) fn body(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type: "application/grpc",
            body,
            trailers: Some(vec![("grpc-status", "0")]),
            head: Vec::new(),
            then: Then::End,
        }
    }

    /// That the call failed.
    pub(crate) fn status(code: &'static str, words: &'static str) -> Self {
        let trailers = Some(vec![("grpc-status", code), ("grpc-message", words)]);
        Self { trailers, ..Self::body(Vec::new()) }
    }
}

/// A message `DecideResponse` by hand: it must be right whatever the code under test holds for right.
pub(crate) fn response(recommendations: &[(&str, i64)], reason: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let mut field = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        field.extend(bytes);
        field
    };
    let mut message = Vec::new();
    for (member, replicas) in recommendations {
        let mut recommendation = field(1, member.as_bytes());
        recommendation.push(2 << 3);
        let mut rest = replicas.cast_unsigned();
        while rest >= 0x80 {
            recommendation.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        recommendation.push(rest as u8);
        message.extend(field(1, &recommendation));
    }
    message.extend(field(2, reason.as_bytes()));
    message
}

/// What a call had: path, `content-type`, `te` and body.
pub(crate) type Seen = (String, String, String, Vec<u8>);

/// Ends when dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    answer: Arc<Mutex<Answer>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    pub(crate) fn on(listener: TcpListener, answer: Answer) -> Self {
        let address = format!("http://{}", listener.local_addr().unwrap());
        Self::with(listener, None, address, answer)
    }

    /// One that speaks TLS, under the name `localhost`.
    pub(crate) async fn start_with_tls(files: &KeyFiles, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        Self::with(listener, Some(acceptor(files, &["h2"])), address, answer)
    }

    fn with(listener: TcpListener, tls: Option<TlsAcceptor>, address: String, answer: Answer) -> Self {
        let (answer, seen) = (Arc::new(Mutex::new(answer)), Arc::default());
        let task = tokio::spawn(serve(listener, tls, Arc::clone(&answer), Arc::clone(&seen)));
        Self { address, answer, seen, task }
    }

    pub(crate) fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: Arc<Mutex<Answer>>,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    // Connections end with the server.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, answer, seen) = (tls.clone(), Arc::clone(&answer), Arc::clone(&seen));
        connections.spawn(async move {
            match tls {
                None => serve_connection(stream, answer, seen).await,
                // A client that does not trust us hangs up here.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_connection(stream, answer, seen).await;
                    }
                }
            }
        });
    }
}

async fn serve_connection<S>(stream: S, answer: Arc<Mutex<Answer>>, seen: Arc<Mutex<Vec<Seen>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut calls = JoinSet::new();
    let mut served = 0;
    loop {
        tokio::select! {
            call = connection.accept() => {
                let Some(Ok((request, respond))) = call else { return };
                let answer = answer.lock().unwrap().clone();
                if answer.then == Then::Once && served > 0 {
                    return;
                }
                served += 1;
                calls.spawn(one(request, respond, answer, Arc::clone(&seen)));
            }
            Some(Ok(Then::Break)) = calls.join_next() => {
                // What was answered is sent before the connection goes.
                let flush = std::future::poll_fn(|context| connection.poll_closed(context));
                let _ = tokio::time::timeout(Duration::from_millis(200), flush).await;
                return;
            }
        }
    }
}

async fn one(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<bytes::Bytes>,
    answer: Answer,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Then {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(chunk.len());
        body.extend(chunk);
    }
    let field = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    seen.lock().unwrap().push((head.uri.path().to_owned(), field("content-type"), field("te"), body));

    let mut response = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap())
        .header("content-type", answer.content_type);
    for (name, value) in &answer.head {
        response = response.header(*name, *value);
    }
    let is_all = answer.body.is_empty() && answer.trailers.is_none() && answer.then == Then::End;
    // A client that has hung up meanwhile wants nothing more.
    let Ok(mut send) = respond.send_response(response.body(()).unwrap(), is_all) else { return Then::End };
    if is_all {
        return Then::End;
    }
    let ends = answer.trailers.is_none() && answer.then == Then::End;
    let _ = send.send_data(answer.body.into(), ends);
    match answer.then {
        Then::Hang => std::future::pending().await,
        Then::Break => return Then::Break,
        Then::End | Then::Once => {}
    }
    if let Some(trailers) = answer.trailers {
        let fields = trailers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let _ = send.send_trailers(HeaderMap::from_iter(fields));
    }
    Then::End
}
