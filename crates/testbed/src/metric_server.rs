//! A metric endpoint that answers as a test configures it, good or bad, and
//! remembers what it was asked. Real HTTP over a real socket; a test changes
//! the answers while it runs, and can take the whole endpoint down and back.

mod answer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::ports::PortClaim;

pub use answer::{Answer, Body};

/// What the server knows about the requests to one path.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How many there were.
    pub count: u64,
    /// The headers of the last one.
    pub headers: HeaderMap,
    /// The query of the last one, without the question mark.
    pub query: Option<String>,
}

/// What is answered and what was asked, by path.
#[derive(Debug, Default)]
struct Book {
    answers: BTreeMap<String, Answer>,
    seen: BTreeMap<String, Seen>,
}

/// An HTTP server on 127.0.0.1 whose answers are set from outside. A path
/// without an answer gets 404. It ends with this value.
#[derive(Debug)]
pub struct MetricServer {
    address: SocketAddr,
    /// Held so that the port stays ours while it is down.
    _port: PortClaim,
    book: Arc<Mutex<Book>>,
    serving: Option<Serving>,
}

impl MetricServer {
    /// Starts one on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let (port, listener) = PortClaim::listening()?;
        let listener = TcpListener::from_std(listener).context("cannot listen")?;
        let address = listener.local_addr().context("a listener without an address")?;
        let book = Arc::default();
        let serving = Some(Serving::start(listener, &book));
        Ok(Self { address, _port: port, book, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The full address of a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets the answer to requests for a path from now on, whatever their query.
    pub fn set(&self, path: &str, answer: Answer) {
        self.book().answers.insert(path.to_owned(), answer);
    }

    /// Sets the usual answer: 200 with JSON.
    pub fn set_json(&self, path: &str, value: &Value) {
        self.set(path, Answer::json(value));
    }

    /// What came in for a path so far, in particular how often it was asked for.
    #[must_use]
    pub fn seen(&self, path: &str) -> Seen {
        self.book().seen.get(path).cloned().unwrap_or_default()
    }

    /// How many requests came in for all paths together.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.book().seen.values().map(|seen| seen.count).sum()
    }

    /// Takes the endpoint down: open connections are cut, new ones refused.
    pub async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            // Both fail only when the task has ended already.
            let _ = serving.stop.send(());
            let _ = serving.task.await;
        }
    }

    /// Brings the endpoint back on the same port with the same answers.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        if self.serving.is_none() {
            let listener = TcpListener::bind(self.address)
                .await
                .with_context(|| format!("cannot listen on {} again", self.address))?;
            self.serving = Some(Serving::start(listener, &self.book));
        }
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that accepts, and what ends it: the sender's use or its end.
#[derive(Debug)]
struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    fn start(listener: TcpListener, book: &Arc<Mutex<Book>>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(serve(listener, Arc::clone(book), stopped)) }
    }
}

/// Accepts until stopped. The connections belong to this task, so that it can
/// cut them; a server that spawns them on its own would let them live on.
async fn serve(mut listener: TcpListener, book: Arc<Mutex<Book>>, mut stopped: oneshot::Receiver<()>) {
    let service = TowerToHyperService::new(Router::new().fallback(reply).with_state(book));
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            // Fully named: this one waits and goes on when accepting fails.
            accepted = axum::serve::Listener::accept(&mut listener) => accepted,
            _ = &mut stopped => break,
        };
        let service = service.clone();
        connections.spawn(async move {
            let server = Builder::new(TokioExecutor::new()).http1_only();
            // A caller that hangs up early is part of what is tested.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    connections.shutdown().await;
}

async fn reply(State(book): State<Arc<Mutex<Book>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let answer = {
        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = book.seen.entry(path.clone()).or_default();
        seen.count += 1;
        seen.query = request.uri().query().map(str::to_owned);
        seen.headers = request.headers().clone();
        book.answers.get(&path).cloned()
    };
    answer.unwrap_or_else(|| Answer::text(StatusCode::NOT_FOUND, "no such metric")).give().await
}
