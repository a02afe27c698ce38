//! Asks for pages of servers' monitoring ports, within the time and the size of one reading.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::Instant;

use super::address::{Address, endpoint};
use super::report::Selector;
use super::started::Started;
use super::wire::{Routez, Varz};
use crate::net::http_client::{Answer, Body, Headers, HttpClient, Limits, absence};
use crate::net::json_number::not_json;

/// Largest answer that is read, and the sum of all for one reading.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Asks servers on behalf of one reading.
pub(super) struct Monitor<'a> {
    client: &'a HttpClient,
    selector: &'a Selector,
    started: &'a Started,
    secret: HeaderMap,
    deadline: Instant,
    timeout: Duration,
    bytes_left: AtomicUsize,
}

impl<'a> Monitor<'a> {
    pub(super) fn new(
        client: &'a HttpClient,
        selector: &'a Selector,
        started: &'a Started,
        secret: HeaderMap,
        timeout: Duration,
    ) -> Self {
        let (deadline, bytes_left) = (Instant::now() + timeout, AtomicUsize::new(MAX_BYTES));
        Self { client, selector, started, secret, deadline, timeout, bytes_left }
    }

    /// What the reading counts.
    pub(super) fn selector(&self) -> &Selector {
        self.selector
    }

    /// The servers that are known to have loaded all they have.
    pub(super) fn started(&self) -> &Started {
        self.started
    }

    /// How much of the reading's time is left.
    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Who the server at `address` is.
    pub(super) async fn identity(&self, address: &Address) -> Result<Varz, Absence> {
        self.get(address, &endpoint(&address.base, "varz", &[])).await
    }

    /// The servers to which the one at `address` is connected.
    pub(super) async fn routes(&self, address: &Address) -> Result<Routez, Absence> {
        self.get(address, &endpoint(&address.base, "routez", &[])).await
    }

    /// What a page says.
    pub(super) async fn get<T: DeserializeOwned>(&self, address: &Address, url: &Url) -> Result<T, Absence> {
        let body = self.fetch(address, url).await?;
        serde_json::from_slice(&body.text()).map_err(|error| {
            let absent = malformed(&body, &error);
            absence(absent.reason, url, absent.message)
        })
    }

    async fn fetch(&self, address: &Address, url: &Url) -> Result<Body, Absence> {
        self.ask(address, url).await?.successful(url)
    }

    /// What a page answers, whatever its status.
    pub(super) async fn ask(&self, address: &Address, url: &Url) -> Result<Answer, Absence> {
        let secret = if address.given { self.secret.clone() } else { HeaderMap::new() };
        let headers = Headers { accept: "application/json", secret };
        let max_bytes = MAX_ANSWER_BYTES.min(self.bytes_left.load(Ordering::Relaxed));
        let limits = Limits::new(self.time_left(), max_bytes);
        let answer = self.client.get_any(url, &headers, limits).await;
        let answer = answer.map_err(|absent| self.in_time(url, absent))?;
        // Requests in flight together may each take what is left; the next ones then get nothing.
        let spend = |left: usize| Some(left.saturating_sub(answer.body.bytes.len()));
        let _ = self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        Ok(answer)
    }

    /// A request is given what earlier ones left of the time; people know only the whole of it.
    fn in_time(&self, url: &Url, absent: Absence) -> Absence {
        match absent.reason {
            AbsenceReason::Timeout if self.time_left().is_zero() => {
                let waited = format!("no complete response within {} s", self.timeout.as_secs_f64());
                absence(AbsenceReason::Timeout, url, waited)
            }
            _ => absent,
        }
    }
}

/// What is reported of an answer that another server gave.
pub(super) const NOT_NATS: &str = "not a response of a NATS server's monitoring endpoint";

/// What is wrong with an answer that cannot be read, without repeating any of it.
fn malformed(body: &Body, error: &serde_json::Error) -> Absence {
    if error.classify() != Category::Data {
        return not_json(body, error);
    }
    let (line, column) = (error.line(), error.column());
    let message = format!("the response is JSON, but {NOT_NATS} (line {line}, column {column})");
    Absence { reason: AbsenceReason::Malformed, message }
}
