//! Source `prometheus`: the result of an instant query to Prometheus, or to any server with its HTTP API.
//!
//! | setting | meaning |
//! |---|---|
//! | `query` | PromQL query that returns an instant vector or a scalar |
//! | `serverAddress` | the server, for example `http://prometheus:9090`; a path before `/api/v1` and a query are kept; default: the operator's `--prometheus-url` |
//! | `aggregate` | how several series are aggregated: `sum` (default), `max`, `avg`, or `only`, which allows a single series |
//! | `method` | `GET` (default), or `POST` for long queries |
//! | `timeoutSeconds` | timeout of a request, 1 to 60, default 5 |
//! | `bearerTokenFrom` | a token, as `{secretKeyRef: {name, key}}` like all credentials |
//! | `username`, `passwordFrom` | basic authentication |
//! | `certFrom`, `keyFrom` | client certificate and private key in PEM format |
//! | `caFrom` | certificate authorities to trust, in PEM format, instead of the system's |
//! | `tenant` | the header `X-Scope-OrgID` |
//! | `headers` | further headers without credentials |
//! | `headersFrom.secretRef.name` | a secret whose keys are header names and whose values are header values |
//!
//! The sum is the default because a query such as `rate(requests_total[5m])` gives a series per pod, and
//! what is to be served is what all of them get.
//!
//! A reading is all or nothing. No series is an absence and not zero, for a series that is gone looks
//! no different from one that never was; one NaN or infinity among many is an absence, as is an answer
//! whose warnings say that it may lack something. Only of the whole is known that it is not too little.

mod access;
mod answer;

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason, Fault, FaultKind, Reading, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{StatusCode, Url};

use crate::clients::Clients;
use crate::net::http_client::{Answer, Body, Call, HttpClient, Limits, MAX_ANSWER_BYTES, Missed};
use crate::prometheus_server::{self, DefaultServer, ServerAddress};
use crate::source::{Ask, Past, PastSpan, Request, Source};
use crate::values::settings::Settings;
use crate::values::url::shown_origin;
use access::{Access, Hidden};
use answer::{Aggregate, Number};

/// The setting that names a server.
const SERVER: &str = "serverAddress";

/// What is wrong where nobody names one.
const NO_SERVER: &str = "the operator runs without --prometheus-url";

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Prometheus { client: Arc::clone(&clients.http), default_server: clients.prometheus.clone() })
}

struct Prometheus {
    client: Arc<HttpClient>,
    default_server: DefaultServer,
}

/// A query, ready to be asked.
struct Query {
    client: Arc<HttpClient>,
    config: Config,
    /// What is asked where; `None` where no server is known, as when a manifest is checked.
    request: Option<(Url, Option<String>)>,
    /// The server, for the past.
    server: Option<ServerAddress>,
}

/// The settings, found good.
struct Config {
    query: String,
    server: Option<ServerAddress>,
    aggregate: Aggregate,
    post: bool,
    timeout: Duration,
    access: Access,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let query = settings.required_text("query").map(str::to_owned);
        if query.as_ref().is_some_and(|query| query.trim().is_empty()) {
            settings.refuse("query", Fault::required());
        }
        let server = settings.optional_http_url(SERVER, prometheus_server::base);
        let aggregate = settings.one_of("aggregate", &Aggregate::NAMES);
        let method = settings.one_of("method", &[("GET", false), ("POST", true)]);
        let access = Access::parse(settings, server.as_ref());
        let timeout = settings.whole_number("timeoutSeconds", 1..=60, 5);
        let (server, timeout) = (server.map(ServerAddress::new), Duration::from_secs(timeout?));
        Some(Self { query: query?, server, aggregate: aggregate?, post: method?, timeout, access })
    }
}

impl Query {
    async fn number(&self, request: Request<'_>) -> Result<Number, Absence> {
        let (url, form) = self.request.as_ref().ok_or_else(no_server)?;
        let aggregate = self.config.aggregate;
        let number = |status, body: &Body, hidden: &Hidden| answer::number(status, body, aggregate, hidden);
        self.call(url, form.as_deref(), request, number).await
    }

    /// The values of the past. Several series are aggregated by the server, so that the answer stays small.
    async fn values(&self, request: Request<'_>, span: PastSpan) -> Result<Past, Absence> {
        let server = self.server.as_ref().ok_or_else(no_server)?;
        let (url, form) = past_request(server, &self.config, span);
        self.call(&url, form.as_deref(), request, answer::past).await
    }

    /// Asks the server, and reads its answer.
    async fn call<T>(
        &self,
        url: &Url,
        form: Option<&str>,
        request: Request<'_>,
        read: impl FnOnce(StatusCode, &Body, &Hidden) -> Result<T, Absence>,
    ) -> Result<T, Absence> {
        let config = &self.config;
        let presented = config.access.present(request.credentials)?;
        let call = Call {
            url,
            headers: &presented.headers,
            form,
            tls: &presented.tls,
            limits: Limits { timeout: config.timeout, max_bytes: MAX_ANSWER_BYTES },
            reads_errors: true,
            follows_redirects: true,
        };
        let Answer { url: answered, status, body } = self.client.call(&call).await.map_err(with_advice)?;
        read(status, &body, &presented.hidden)
            .map_err(|missing| Missed::new(missing.reason, missing.message).at(url, &answered))
    }
}

fn no_server() -> Absence {
    let message = format!("{SERVER}: {NO_SERVER}");
    Absence { reason: AbsenceReason::Malformed, message }
}

/// The address of a query over the past, and the form that is posted to it.
fn past_request(server: &ServerAddress, config: &Config, span: PastSpan) -> (Url, Option<String>) {
    // The bracket on a line of its own: a query may end with a comment.
    let query = match config.aggregate {
        Aggregate::Sum => format!("sum({}\n)", config.query),
        Aggregate::Max => format!("max({}\n)", config.query),
        Aggregate::Avg => format!("avg({}\n)", config.query),
        Aggregate::Only => config.query.clone(),
    };
    let seconds = |at: Time| format!("{:.3}", at.as_millis() as f64 / 1000.0);
    let pairs = [
        ("query", query),
        ("start", seconds(span.from)),
        ("end", seconds(span.to)),
        ("step", span.step.as_secs().max(1).to_string()),
    ];
    let mut url = server.range_endpoint();
    let mut form = url.clone();
    if config.post {
        form.set_query(None);
        form.query_pairs_mut().extend_pairs(pairs);
        return (url, form.query().map(str::to_owned));
    }
    url.query_pairs_mut().extend_pairs(pairs);
    (url, None)
}

/// The address of the query, and the form that is posted to it.
fn request_for(server: &ServerAddress, config: &Config) -> (Url, Option<String>) {
    let mut url = server.endpoint();
    if !config.post {
        url.query_pairs_mut().append_pair("query", &config.query);
        return (url, None);
    }
    // Any address does to encode a form.
    let mut form = url.clone();
    form.set_query(None);
    form.query_pairs_mut().append_pair("query", &config.query);
    (url, form.query().map(str::to_owned))
}

fn with_advice(mut absence: Absence) -> Absence {
    if absence.reason == AbsenceReason::TooLarge {
        absence.message.push_str("; let the query return fewer series, for example with sum(…)");
    }
    absence
}

impl Source for Prometheus {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings);
        if !settings.has(SERVER) && matches!(self.default_server, DefaultServer::None) {
            settings.refuse(SERVER, Fault::new(FaultKind::Required, NO_SERVER));
        }
        let config = config?;
        let server = config.server.as_ref().or(self.default_server.known());
        let request = server.map(|server| request_for(server, &config));
        if let Some((url, _)) = &request {
            settings.asks(|| shown_origin(url));
        }
        let server = server.cloned();
        Some(Box::new(Query { client: Arc::clone(&self.client), request, server, config }))
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            match self.number(request).await {
                Ok(number) => Reading::of(number.value, number.at.unwrap_or(request.begun)),
                Err(absence) => Reading::Absent(absence),
            }
        }
        .boxed()
    }

    fn past<'a>(
        &'a self,
        request: Request<'a>,
        span: PastSpan,
    ) -> BoxFuture<'a, Option<Result<Past, Absence>>> {
        async move { Some(self.values(request, span).await) }.boxed()
    }
}

#[cfg(test)]
mod tests;
