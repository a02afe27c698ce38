//! Source `nats`: the pending messages of a subject, from JetStream's monitoring endpoint (`/jsz`).
//!
//! | setting | meaning |
//! |---|---|
//! | `monitoringUrl` | the monitoring port of a server, for example `http://nats:8222`; http or https, without credentials or query |
//! | `monitoringEndpoint`, `useHttps` | instead of `monitoringUrl`: the same as `HOST:PORT`, and whether it is asked by https |
//! | `subject` | subject of the messages; wildcards `*` and `>` are allowed. It may be left out where `stream` and `consumer` are named: then all of that consumer counts, whatever its subjects |
//! | `account` | optional: name or ID of the only account to count in; default: all accounts |
//! | `stream` | optional: the only stream to count in |
//! | `consumer` | optional: the only consumer to count for |
//! | `monitoringUrls` | optional: the monitoring ports of the other servers of a cluster, where they cannot be discovered |
//! | `headersFrom.secretRef.name` | optional: a secret whose keys are header names and whose values are header values |
//! | `timeoutSeconds` | optional: timeout of a reading, 1 to 60, default 5; or `timeoutMillis`, 1 to 60000 |
//!
//! `monitoringEndpoint` and `account` may also come as a credential, under their name with `From` at its end: `accountFrom`.
//!
//! What waits is, over all consumers that get messages on the subject, what they were not yet
//! delivered (`num_pending`) and what they did not yet acknowledge (`num_ack_pending`); and,
//! where a stream that takes the subject has no consumers at all, its messages.
//!
//! A consumer gets messages on the subject if its filter and the subject can match one and
//! the same message: for a plain subject, if the filter covers it; for one with wildcards,
//! also if the filter lies within it or meets it in part. Of several filters one is enough,
//! and the consumer counts once. Without a filter it gets what its stream takes. Numbers
//! are those of the whole consumer: JetStream has none for a part of a filter.
//!
//! A stream that mirrors or sources others lists no subjects for what it copies. Its
//! consumers count by their filters; the stream itself, and consumers without one, only
//! where `stream` names it.
//!
//! In a cluster all servers are asked, and each number is taken from the server that leads
//! (`cluster.rs`). Of what cannot be known there is no number: while a server that belongs
//! to the cluster does not answer, while a leader moves, and while servers are lost if the
//! subject has wildcards and any of its streams is kept by one server only.

mod address;
mod cluster;
mod monitor;
mod names;
mod pages;
mod pending;
mod report;
mod server;
mod siblings;
mod started;
mod subject;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, Fault, Holder, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::clients::Clients;
use crate::net::http_client::{HttpClient, absence};
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::headers;
use crate::values::settings::Settings;
use crate::values::settings::given_later::{Form, GivenLater};
use crate::values::url::{parse_http_url, shown, shown_origin};
use monitor::Monitor;
use pending::Count;
use report::Selector;
use started::Started;

/// Most servers that an object may name besides the first.
const MAX_SERVERS: usize = 31;

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Nats { client: Arc::clone(&clients.http), started: Arc::default() })
}

struct Nats {
    client: Arc<HttpClient>,
    started: Arc<Started>,
}

/// A query, ready to be asked.
struct Query {
    client: Arc<HttpClient>,
    started: Arc<Started>,
    config: Config,
}

/// The settings, found good.
struct Config {
    url: Url,
    other_urls: Vec<Url>,
    selector: Selector,
    headers_from: Option<Holder>,
    timeout: Duration,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let url = server(settings);
        let names_consumer = settings.has("stream") && settings.has("consumer");
        let subject = match names_consumer {
            true => settings.optional_text("subject"),
            false => settings.required_text("subject"),
        };
        if let Some((subject, why)) = subject.and_then(|text| Some((text, subject::problem(text)?))) {
            settings.refuse("subject", invalid(quoted(subject), why));
        }
        let account = settings.optional_text("account").map(str::to_owned);
        let [stream, consumer] = ["stream", "consumer"].map(|field| {
            let name = settings.optional_text(field)?;
            if let Some(why) = subject::name_problem(name) {
                settings.refuse(field, invalid(quoted(name), why));
            }
            Some(name.to_owned())
        });
        let other_urls = settings.http_urls("monitoringUrls", MAX_SERVERS, monitoring_base);
        let headers_from = settings.secret("headersFrom");
        let timeout = settings.timeout(5);
        if subject.is_none() && !names_consumer {
            return None;
        }
        let selector = Selector { subject: subject.map(str::to_owned), account, stream, consumer };
        Some(Self { url: url?, other_urls, selector, headers_from, timeout: timeout? })
    }
}

/// The address of the first server, written as a URL or as host and port.
fn server(settings: &mut Settings<'_>) -> Option<Url> {
    if !settings.has("monitoringEndpoint") {
        settings.forbid("useHttps", "it is only valid with monitoringEndpoint");
        let url = settings.http_url("monitoringUrl", monitoring_base);
        settings.optional_text("monitoringEndpoint");
        return url;
    }
    settings.forbid("monitoringUrl", "must not be set together with monitoringEndpoint");
    let scheme = if settings.flag("useHttps") { "https" } else { "http" };
    let url = settings.parsed("monitoringEndpoint", |text| match text.contains("://") {
        true => Err(Fault::invalid("must be HOST:PORT; use monitoringUrl for a URL")),
        false => parse_http_url(&format!("{scheme}://{text}")).and_then(monitoring_base),
    });
    if let Some(url) = &url {
        settings.asks(|| shown_origin(url));
    }
    url
}

/// The monitoring port's address, whether or not it ends with a slash or with the page itself.
fn monitoring_base(mut url: Url) -> Result<Url, Fault> {
    if url.query().is_some() || url.fragment().is_some() {
        let why = "must be the address of the monitoring port, without a query";
        return Err(invalid(quoted(&shown(&url)), why));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/jsz").unwrap_or(path).trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

impl Query {
    async fn count(&self, request: Request<'_>) -> Result<Count, Absence> {
        let config = &self.config;
        let secret = match &config.headers_from {
            Some(secret) => headers::from_secret(secret, request.credentials)?,
            None => HeaderMap::new(),
        };
        let monitor = Monitor::new(&self.client, &config.selector, &self.started, secret, config.timeout);
        let reports = cluster::reports(&monitor, &config.url, &config.other_urls).await?;
        let count = pending::count(&reports, &config.selector);
        count.map_err(|missing| absence(missing.reason, &config.url, missing.message))
    }
}

impl Source for Nats {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings)?;
        let (client, started) = (Arc::clone(&self.client), Arc::clone(&self.started));
        Some(Box::new(Query { client, started, config }))
    }

    fn given_later(&self) -> &'static [GivenLater] {
        const ACCOUNT: GivenLater = GivenLater {
            name: "account",
            sample: "a",
            must_be: "the name or the ID of an account",
            form: Form::Text,
        };
        const ENDPOINT: GivenLater =
            GivenLater { name: "monitoringEndpoint", sample: "a:1", must_be: "HOST:PORT", ..ACCOUNT };
        &[ACCOUNT, ENDPOINT]
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            match self.count(request).await {
                // Exact up to 9 * 10^15, and no stream has that many messages.
                Ok(Count { messages, largest }) => {
                    let reading = Reading::of(messages as f64, request.begun);
                    match largest {
                        Some((name, part)) => reading.with_largest(name, part as f64),
                        None => reading,
                    }
                }
                Err(absence) => Reading::Absent(absence),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
