//! Source `prometheus`: the result of an instant query to Prometheus, or to any server with its HTTP API.
//!
//! | setting | meaning |
//! |---|---|
//! | `query` | PromQL query that returns an instant vector or a scalar |
//! | `serverAddress` | the server, for example `http://prometheus:9090`; a path before `/api/v1` and a query are kept; default: the operator's `--prometheus-url` |
//! | `aggregate` | how several series are aggregated: `sum` (default), `max`, `avg`, or `only`, which allows a single series |
//! | `emptyAsZero` | whether no series, and a series that is NaN or infinite, count as 0; default false |
//! | `method` | `GET` (default), or `POST` for long queries |
//! | `queryParameters` | further parameters of the request, as an object of texts |
//! | `namespace` | the parameter `namespace`, sent as it is written |
//! | `timeoutSeconds` | timeout of a request, 1 to 60, default 5; or `timeoutMillis`, 1 to 60000 |
//! | `bearerTokenFrom` | a token, as `{secretKeyRef: {name, key}}` like all credentials |
//! | `username`, `passwordFrom` | basic authentication |
//! | `oauth2.tokenUrl`, `oauth2.clientId`, `oauth2.clientSecretFrom` | instead: a token of the client credentials grant, fetched there; also `oauth2.scopes`, a list, and `oauth2.endpointParams`, an object of texts |
//! | `authHeader.name`, `authHeader.valueFrom` | a header, and its value |
//! | `apiKey.keyFrom`, `apiKey.in`, `apiKey.name` | a key, sent in the `header` (default) or the `query` of this name; default `X-API-KEY` and `api_key` |
//! | `certFrom`, `keyFrom` | client certificate and private key in PEM format |
//! | `caFrom` | certificate authorities to trust, in PEM format, instead of the system's |
//! | `insecureSkipVerify` | whether to accept any certificate; default false |
//! | `tenant` | the header `X-Scope-OrgID` |
//! | `headers` | further headers without credentials |
//! | `headersFrom.secretRef.name` | a secret whose keys are header names and whose values are header values |
//!
//! `username`, `authHeader.name`, `apiKey.key` and the settings of `oauth2` may also come as a credential, under their name with
//! `From` at its end: `usernameFrom`.
//!
//! The sum is the default because a query such as `rate(requests_total[5m])` gives a series per pod, and
//! what is to be served is what all of them get.
//!
//! A reading is all or nothing. No series is an absence and not zero, for a series that is gone looks
//! no different from one that never was; one NaN or infinity among many is an absence, as is an answer
//! whose warnings say that it may lack something. Only of the whole is known that it is not too little.
//! `emptyAsZero` is for whoever knows that no series means no load; in an outage of what writes the series it
//! scales in.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason, Fault, FaultKind, Reading, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use crate::access::{self, Access, Doorman, Hidden};
use crate::clients::Clients;
use crate::net::http_client::{Answer, Body, Call, HttpClient, Limits, MAX_ANSWER_BYTES, Missed};
use crate::prometheus_server::{self, DefaultServer, ServerAddress};
use crate::source::{Ask, Past, PastSpan, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::Settings;
use crate::values::settings::given_later::GivenLater;
use crate::values::url::shown_origin;
use answer::{Aggregate, Number};

/// Selects the tenant on servers with many of them.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// The setting that names a server.
const SERVER: &str = "serverAddress";

/// What is wrong where nobody names one.
const NO_SERVER: &str = "the operator runs without --prometheus-url";

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    let (client, doorman) = (Arc::clone(&clients.http), Arc::clone(&clients.doorman));
    Arc::new(Prometheus { client, doorman, default_server: clients.prometheus.clone() })
}

struct Prometheus {
    client: Arc<HttpClient>,
    doorman: Arc<Doorman>,
    default_server: DefaultServer,
}

/// A query, ready to be asked.
struct Query {
    client: Arc<HttpClient>,
    doorman: Arc<Doorman>,
    config: Config,
}

/// The settings, found good.
struct Config {
    query: String,
    /// `None` where no server is known, as when a manifest is checked.
    server: Option<ServerAddress>,
    aggregate: Aggregate,
    empty_as_zero: bool,
    post: bool,
    parameters: Vec<(String, String)>,
    namespace: Option<String>,
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
        let empty_as_zero = settings.flag("emptyAsZero");
        let parameters = settings.pairs("queryParameters");
        let namespace = settings.optional_text("namespace").map(str::to_owned);
        let mut access = Access::parse(settings, server.as_ref().map(|server| (SERVER, server)));
        if let Some(tenant) = settings.optional_text("tenant") {
            match HeaderValue::from_str(tenant) {
                Ok(value) => access.add_header(TENANT, value),
                Err(_) => settings.refuse("tenant", invalid(quoted(tenant), "must be the value of a header")),
            }
        }
        let timeout = settings.timeout(5);
        Some(Self {
            query: query?,
            server: server.map(ServerAddress::new),
            aggregate: aggregate?,
            empty_as_zero,
            post: method?,
            parameters,
            namespace,
            timeout: timeout?,
            access,
        })
    }

    /// Adds to an address what is asked of it besides the query.
    fn add_parameters(&self, url: &mut Url) {
        if !self.parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.parameters);
        }
        if let Some(namespace) = &self.namespace {
            let before = url.query().map(|query| format!("{query}&")).unwrap_or_default();
            url.set_query(Some(&format!("{before}namespace={namespace}")));
        }
    }
}

impl Query {
    async fn number(&self, request: Request<'_>) -> Result<Number, Absence> {
        // Made for each reading: kept, it would take as much room as all the rest of a query.
        let server = self.config.server.as_ref().ok_or_else(no_server)?;
        let (url, form) = request_for(server, &self.config);
        let Config { aggregate, empty_as_zero, .. } = self.config;
        let number = |status, body: &Body, hidden: &Hidden| {
            answer::number(status, body, aggregate, empty_as_zero, hidden)
        };
        self.call(&url, form.as_deref(), request, number).await
    }

    /// The values of the past. Several series are aggregated by the server, so that the answer stays small.
    async fn values(&self, request: Request<'_>, span: PastSpan) -> Result<Past, Absence> {
        let server = self.config.server.as_ref().ok_or_else(no_server)?;
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
        let deadline = Instant::now() + config.timeout;
        let access = &config.access;
        let presented =
            access.present("application/json", request.credentials, &self.doorman, deadline).await?;
        let asked = access.url(url);
        let call = Call {
            url: &asked,
            headers: &presented.headers,
            form,
            tls: &presented.tls,
            limits: Limits::until(deadline, config.timeout, MAX_ANSWER_BYTES),
            reads_errors: true,
            follows_redirects: true,
        };
        let Answer { url: answered, status, body } = self.client.call(&call).await.map_err(with_advice)?;
        if status == StatusCode::UNAUTHORIZED {
            self.doorman.refused(&presented).await;
        }
        read(status, &body, &presented.hidden)
            .map_err(|missing| Missed::new(missing.reason, missing.message).at(&asked, &answered))
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
    config.add_parameters(&mut url);
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
    config.add_parameters(&mut url);
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
        let mut config = config?;
        config.server = config.server.or_else(|| self.default_server.known().cloned());
        if let Some(server) = &config.server {
            settings.asks(|| shown_origin(&server.endpoint()));
        }
        let (client, doorman) = (Arc::clone(&self.client), Arc::clone(&self.doorman));
        Some(Box::new(Query { client, doorman, config }))
    }

    fn given_later(&self) -> &'static [GivenLater] {
        &access::GIVEN_LATER
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
