//! A small Cloud Monitoring: `projects.timeSeries.list` over points that a test sets, the
//! token endpoint at which service accounts' keys are exchanged, and a metadata server.
//!
//! There is no emulator of it. So this one takes the documentation at its word: what a request
//! must have and may have is checked, and whoever breaks a rule gets the error that Google
//! documents. Points come late, tokens expire, and any answer can be replaced by a bad one.

mod accounts;
mod aggregation;
mod filter;
mod points;
mod time_series;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::metric_server::{Answer, Seen};
use accounts::Accounts;
pub use accounts::ServiceAccount;
use points::Store;
pub use points::{Point, SeriesName};

/// The number of messages that wait in a subscription, in Google's words.
pub const UNDELIVERED: &str = "pubsub.googleapis.com/subscription/num_undelivered_messages";

/// The age in seconds of a subscription's oldest message, in Google's words.
pub const OLDEST_AGE: &str = "pubsub.googleapis.com/subscription/oldest_unacked_message_age";

/// The path at which the metadata server hands out tokens.
const METADATA_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// The path at which it says in which project it is.
const PROJECT_PATH: &str = "/computeMetadata/v1/project/project-id";

/// One of the server's three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `/v3/projects/…/timeSeries`.
    TimeSeries,
    /// `/token`, where keys are exchanged.
    Token,
    /// The metadata server's tokens.
    Metadata,
}

/// The server, on 127.0.0.1 where nothing else was asked for. It ends with this value.
#[derive(Debug)]
pub struct CloudMonitoring {
    address: SocketAddr,
    book: Shared,
    task: JoinHandle<()>,
}

type Shared = Arc<Mutex<Book>>;

/// What is answered and what was asked.
#[derive(Debug)]
struct Book {
    accounts: Accounts,
    store: Store,
    answers: BTreeMap<Part, Answer>,
    seen: BTreeMap<Part, Seen>,
}

impl Drop for CloudMonitoring {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl CloudMonitoring {
    /// Starts one on a free port, without points and accounts.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(Ipv4Addr::LOCALHOST).await
    }

    /// The same at an address of this machine that others reach.
    pub async fn start_on(address: Ipv4Addr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((address, 0)).await.context("cannot listen")?;
        let address = listener.local_addr().context("a listener without an address")?;
        let accounts = Accounts::new(format!("http://{address}/token"));
        let (store, answers, seen) = (Store::default(), BTreeMap::new(), BTreeMap::new());
        let book = Arc::new(Mutex::new(Book { accounts, store, answers, seen }));
        let router = Router::new()
            .route("/token", post(exchange))
            .route(METADATA_PATH, get(metadata))
            .route(PROJECT_PATH, get(project_id))
            .fallback(list)
            .with_state(Arc::clone(&book));
        let task = tokio::spawn(async move {
            // Fails only where the listener cannot be used; then every request is refused.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, book, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cloud Monitoring's endpoint, without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new service account with a key of its own that may read the metrics of `projects`. Takes a moment.
    pub async fn service_account(&self, name: &str, projects: &[&str]) -> anyhow::Result<ServiceAccount> {
        let account = ServiceAccount::new(name, &format!("{}/token", self.endpoint())).await?;
        self.book().accounts.add(&account, projects);
        Ok(account)
    }

    /// Lets the account of the metadata server read the metrics of `projects`; without that it has no account.
    pub fn lend_metadata_account(&self, projects: &[&str]) {
        self.book().accounts.lend(projects);
    }

    /// Withdraws a key: it gets no new tokens. Those that it got stay good.
    pub fn withdraw(&self, account: &ServiceAccount) {
        self.book().accounts.withdraw(account);
    }

    /// Lets tokens issued from now on live that long, one hour at first.
    pub fn set_token_life(&self, life: Duration) {
        self.book().accounts.life = life;
    }

    /// Makes every token that was issued so far invalid.
    pub fn expire_tokens(&self) {
        self.book().accounts.expire_all();
    }

    /// Every token that was issued so far, to look for them where they must not be.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        self.book().accounts.issued()
    }

    /// Adds a point to a series. It shows at once.
    pub fn add_point(&self, series: &SeriesName, point: Point) {
        self.book().store.add(series, point);
    }

    /// Records that `messages` wait in a subscription, `age` ago.
    pub fn set_backlog(&self, project: &str, subscription: &str, messages: i64, age: Duration) {
        let series = SeriesName::of_subscription(project, UNDELIVERED, subscription);
        self.add_point(&series, Point::whole(messages, ago(age)));
    }

    /// Forgets all points.
    pub fn clear_points(&self) {
        self.book().store = Store::default();
    }

    /// Shows the projects of `others` in the metrics scope of `scope`, too.
    pub fn widen_scope(&self, scope: &str, others: &[&str]) {
        self.book().store.widen(scope, others);
    }

    /// Replaces all answers of a part; `None` for the real ones again.
    pub fn answer(&self, part: Part, answer: Option<Answer>) {
        match answer {
            Some(answer) => self.book().answers.insert(part, answer),
            None => self.book().answers.remove(&part),
        };
    }

    /// What came in for a part so far.
    #[must_use]
    pub fn seen(&self, part: Part) -> Seen {
        self.book().seen.get(&part).cloned().unwrap_or_default()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

/// The time, by the machine's clock.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a server that checks times as Google does has a clock of its own"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time that long ago.
#[must_use]
pub fn ago(age: Duration) -> Timestamp {
    now().checked_sub(age).unwrap_or(Timestamp::MIN)
}

fn lock(book: &Shared) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    /// Remembers a request; the answer that was set for its part, if there is one.
    fn note(&mut self, part: Part, query: Option<&str>, headers: &HeaderMap) -> Option<Answer> {
        let seen = self.seen.entry(part).or_default();
        seen.count += 1;
        seen.query = query.map(str::to_owned);
        seen.headers = headers.clone();
        self.answers.get(&part).cloned()
    }
}

async fn exchange(State(book): State<Shared>, headers: HeaderMap, form: String) -> Response {
    let answer = {
        let mut book = lock(&book);
        book.note(Part::Token, None, &headers).unwrap_or_else(|| book.accounts.exchange(&headers, &form))
    };
    answer.give().await
}

async fn metadata(State(book): State<Shared>, request: Request) -> Response {
    let answer = {
        let mut book = lock(&book);
        let set = book.note(Part::Metadata, request.uri().query(), request.headers());
        set.unwrap_or_else(|| book.accounts.metadata(request.headers()))
    };
    answer.give().await
}

/// It is in the project `shop`.
async fn project_id(headers: HeaderMap) -> Response {
    match headers.get("metadata-flavor").is_some_and(|flavor| flavor == "Google") {
        true => "shop\n".into_response(),
        false => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn list(State(book): State<Shared>, request: Request) -> Response {
    let (path, query) = (request.uri().path(), request.uri().query());
    let answer = {
        let mut book = lock(&book);
        let set = book.note(Part::TimeSeries, query, request.headers());
        set.unwrap_or_else(|| {
            let project = time_series::project(request.method(), path);
            let Some(project) = project else {
                return error(StatusCode::NOT_FOUND, "NOT_FOUND", "no such method");
            };
            if let Err(refused) = book.accounts.check(request.headers(), project) {
                return refused;
            }
            book.store.list(project, query.unwrap_or_default())
        })
    };
    answer.give().await
}

/// An error in the form that all of Google's APIs share.
fn error(status: StatusCode, name: &str, message: &str) -> Answer {
    let body = json!({ "error": { "code": status.as_u16(), "message": message, "status": name } });
    Answer::json_with(status, &body)
}
