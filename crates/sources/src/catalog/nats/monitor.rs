//! Asks one server's monitoring port: `/jsz` page by page, and in a cluster `/varz` and
//! `/routez` besides.
//!
//! Two things make that more than a request. A server answers `/jsz` while it still loads
//! its streams, for seconds after a start, and until then they look as if they had no
//! consumers; so what it says counts only once its `/healthz` was good. And an address may
//! lead to another server with each request, or to a restarted one; so answers belong
//! together only where they bear the same server id.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::Instant;

use super::pages::{Page, Pages};
use super::report::{Report, Selector};
use super::started::Started;
use super::wire::{Group, Jsz, Routez, Varz};
use crate::net::http_client::{Answer, Body, Headers, HttpClient, Limits, absence};
use crate::values::json_number::not_json;

/// Largest answer that is read, and the sum of all for one reading.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How often a server is asked again whose answers do not belong together.
const ATTEMPTS: usize = 3;

/// Where a server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The monitoring port, with the path before `/jsz` if there is one.
    pub(super) base: Url,
    /// Whether it stands in the object. Only such an address is sent the object's secret.
    pub(super) given: bool,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) address: Address,
    /// `None` where JetStream is not enabled.
    pub(super) jetstream: Option<JetStream>,
}

#[derive(Debug)]
pub(super) struct JetStream {
    pub(super) report: Report,
    /// `None` for a server by itself.
    pub(super) cluster: Option<Membership>,
}

/// What a server knows of its cluster.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) identity: Varz,
    /// Names of servers of the cluster, perhaps not all.
    pub(super) servers: Vec<String>,
    /// How many servers it has, those that are lost included, and in a super-cluster those of all clusters.
    pub(super) size: usize,
    /// Names of servers that it has lost.
    pub(super) gone: Vec<String>,
}

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

/// Why one attempt led to nothing.
pub(super) enum Failed {
    Absent(Absence),
    /// Another server answered in between; asking again may help.
    OtherServer,
}

impl From<Absence> for Failed {
    fn from(absence: Absence) -> Self {
        Self::Absent(absence)
    }
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

    /// How much of the reading's time is left.
    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// All that the server at `address` has to say.
    pub(super) async fn server(&self, address: &Address) -> Result<Server, Absence> {
        for _ in 0..ATTEMPTS {
            match self.attempt(address).await {
                Ok(server) => return Ok(server),
                Err(Failed::Absent(absence)) => return Err(absence),
                Err(Failed::OtherServer) => {}
            }
        }
        let what = "answers of different servers come from this address, or its server restarts again and \
                    again; name every server's own address in monitoringUrls";
        Err(absence(AbsenceReason::ConnectionFailed, &address.base, what))
    }

    /// Who the server at `address` is.
    pub(super) async fn identity(&self, address: &Address) -> Result<Varz, Absence> {
        self.get(address, &endpoint(&address.base, "varz", &[])).await
    }

    /// The servers to which the one at `address` is connected.
    pub(super) async fn routes(&self, address: &Address) -> Result<Routez, Absence> {
        self.get(address, &endpoint(&address.base, "routez", &[])).await
    }

    async fn attempt(&self, address: &Address) -> Result<Server, Failed> {
        let mut page = self.first_page(address).await?;
        let server = |id, jetstream| Server { id, address: address.clone(), jetstream };
        if page.disabled {
            return Ok(server(page.server_id, None));
        }
        if !self.started.contains(address, &page.server_id) {
            self.check_started(address).await?;
            let again = self.first_page(address).await?;
            if again.server_id != page.server_id {
                return Err(Failed::OtherServer);
            }
            if again.meta_cluster.is_some() {
                let (id, assets) = (&again.server_id, again.assets());
                let loaded = self.started.check_loaded(address, id, assets, Instant::now());
                loaded.map_err(|what| absence(AbsenceReason::ValueMissing, &address.base, what))?;
            }
            page = again;
        }
        self.started.note(address, &page.server_id, page.assets());
        let (id, meta) = (page.server_id.clone(), page.meta_cluster.take());
        let report = Pages::new(self, address, &id).rest(page).await?;
        let cluster = match &meta {
            Some(meta) => Some(self.membership(address, &id, meta).await?),
            None => None,
        };
        Ok(server(id, Some(JetStream { report, cluster })))
    }

    async fn first_page(&self, address: &Address) -> Result<Jsz, Absence> {
        self.page(address, &Page::first(self.selector)).await
    }

    /// One page of `/jsz`.
    pub(super) async fn page(&self, address: &Address, page: &Page<'_>) -> Result<Jsz, Absence> {
        let url = page.url(&address.base);
        let page: Jsz = self.get(address, &url).await?;
        if page.server_id.is_empty() && page.account_details.is_none() {
            return Err(absence(
                AbsenceReason::Malformed,
                &url,
                format!("the response is JSON, but {NOT_NATS}"),
            ));
        }
        Ok(page)
    }

    /// That the server has loaded what it has. Whether every stream of it is sound does not matter.
    async fn check_started(&self, address: &Address) -> Result<(), Absence> {
        let health = endpoint(&address.base, "healthz", &[("js-enabled-only", "true")]);
        let answer = self.ask(address, &health).await.and_then(|answer| match answer.status {
            // Servers before 2.7 do not have the page, and some proxies let nothing but /jsz through.
            StatusCode::NOT_FOUND => Ok(()),
            _ => answer.successful(&health).map(drop),
        });
        answer.map_err(|Absence { reason, message }| {
            let message = format!("the server is not ready, it may be starting: {message}");
            Absence { reason, message }
        })
    }

    async fn membership(&self, address: &Address, id: &str, meta: &Group) -> Result<Membership, Failed> {
        // Cut off from the others, a server goes on reporting what it last knew.
        if meta.leader().is_none() {
            let what = "its cluster has no leader at the moment, or the server has lost the others";
            return Err(absence(AbsenceReason::ValueMissing, &address.base, what).into());
        }
        let identity = self.identity(address).await?;
        if identity.server_id != id {
            return Err(Failed::OtherServer);
        }
        let servers = meta.servers().map(str::to_owned).collect();
        let gone = meta.gone().map(str::to_owned).collect();
        Ok(Membership { identity, servers, size: meta.cluster_size.unwrap_or_default(), gone })
    }

    async fn get<T: DeserializeOwned>(&self, address: &Address, url: &Url) -> Result<T, Absence> {
        let body = self.fetch(address, url).await?;
        serde_json::from_slice(&body.text()).map_err(|error| {
            let absent = malformed(&body, &error);
            absence(absent.reason, url, absent.message)
        })
    }

    async fn fetch(&self, address: &Address, url: &Url) -> Result<Body, Absence> {
        self.ask(address, url).await?.successful(url)
    }

    async fn ask(&self, address: &Address, url: &Url) -> Result<Answer, Absence> {
        let secret = if address.given { self.secret.clone() } else { HeaderMap::new() };
        let headers = Headers { accept: "application/json", secret };
        let max_bytes = MAX_ANSWER_BYTES.min(self.bytes_left.load(Ordering::Relaxed));
        let limits = Limits { timeout: self.time_left(), max_bytes };
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
const NOT_NATS: &str = "not a response of a NATS server's monitoring endpoint";

/// What is wrong with an answer that cannot be read, without repeating any of it.
fn malformed(body: &Body, error: &serde_json::Error) -> Absence {
    if error.classify() != Category::Data {
        return not_json(body, error);
    }
    let (line, column) = (error.line(), error.column());
    let message = format!("the response is JSON, but {NOT_NATS} (line {line}, column {column})");
    Absence { reason: AbsenceReason::Malformed, message }
}

/// The address of one of the monitoring port's pages.
pub(super) fn endpoint(base: &Url, name: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}
