//! Source `prometheus`: what an instant query gives, from Prometheus or whatever speaks its HTTP API.
//!
//! | setting | meaning |
//! |---|---|
//! | `query` | PromQL that gives an instant vector or a scalar |
//! | `serverAddress` | the server, for example `http://prometheus:9090`; a path before `/api/v1` and a query are kept; default: the operator's `--prometheus-url` |
//! | `aggregate` | what several series come to: `sum` (default), `max`, `avg`, or `only`, with which there may be just one |
//! | `method` | `GET` (default), or `POST` for long queries |
//! | `timeoutSeconds` | time for the whole answer, 1 to 60, default 5 |
//! | `bearerTokenFrom` | a token, as `{secretKeyRef: {name, key}}` like all that is secret |
//! | `username`, `passwordFrom` | basic authentication |
//! | `certFrom`, `keyFrom` | the certificate and private key, in PEM, by which the server knows us |
//! | `caFrom` | the authorities, in PEM, that the server is trusted by instead of the system's |
//! | `tenant` | the header `X-Scope-OrgID` |
//! | `headers` | further headers that are no secret |
//! | `headersFrom.secretRef.name` | a secret whose keys are header names and whose values their values |
//!
//! The sum is the default because a query such as `rate(requests_total[5m])` gives a series a pod, and
//! what is to be served is what all of them get.
//!
//! A reading is all or nothing. No series is an absence and not zero, for a series that is gone looks
//! no different from one that never was; one NaN or infinity among many is an absence, as is an answer
//! whose warnings say that it may lack something. Only of the whole is known that it is not too little.

mod access;
mod answer;
mod server;

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason, ConfigPath, Fault, FaultKind, Problem, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Url;
use serde_json::Value;

use crate::clients::Clients;
use crate::net::http_client::{Answer, Call, HttpClient, Limits, MAX_ANSWER_BYTES, absence, redirected};
use crate::source::{Request, SecretRef, Source};
use crate::values::settings::{Settings, of_query};
use access::Access;
use answer::{Aggregate, Number};

pub(crate) use server::DefaultServer;
pub use server::ServerAddress;

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Prometheus { client: Arc::clone(&clients.http), default_server: clients.prometheus.clone() })
}

struct Prometheus {
    client: Arc<HttpClient>,
    default_server: DefaultServer,
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
    fn parse(config: &Value, path: &ConfigPath<'_>) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::new(config, path);
        let query = settings.required_text("query").map(str::to_owned);
        if query.as_ref().is_some_and(|query| query.trim().is_empty()) {
            settings.refuse("query", Fault::required());
        }
        let server = settings.optional_http_url(server::SETTING, server::base);
        let aggregate = settings.one_of("aggregate", &Aggregate::NAMES);
        let method = settings.one_of("method", &[("GET", false), ("POST", true)]);
        let access = Access::parse(&mut settings, server.as_ref());
        let timeout = settings.whole_number("timeoutSeconds", 1..=60, 5);
        let problems = settings.finish();
        match (query, aggregate, method, timeout) {
            (Some(query), Some(aggregate), Some(post), Some(timeout)) if problems.is_empty() => {
                let timeout = Duration::from_secs(timeout);
                Ok(Self { query, server: server.map(ServerAddress::new), aggregate, post, timeout, access })
            }
            _ => Err(problems),
        }
    }
}

impl Prometheus {
    async fn number(&self, request: Request<'_>) -> Result<Number, Absence> {
        let config = of_query(request.config, Config::parse)?;
        let server = config.server.as_ref().or(self.default_server.known());
        let server = server.ok_or_else(|| Absence {
            reason: AbsenceReason::Malformed,
            message: format!("{}: {}", server::SETTING, server::NO_SERVER),
        })?;
        let credentials = config.access.credentials(request.secrets)?;
        let (url, form) = request_for(server, &config);
        let call = Call {
            url: &url,
            headers: &credentials.headers,
            form: form.as_deref(),
            tls: &credentials.tls,
            limits: Limits { timeout: config.timeout, max_bytes: MAX_ANSWER_BYTES },
            reads_errors: true,
            follows_redirects: true,
        };
        let Answer { url: answered, status, body } = self.client.call(&call).await.map_err(with_advice)?;
        answer::number(status, &body, config.aggregate, &credentials.hidden).map_err(|missing| {
            redirected(absence(missing.reason, &answered, missing.message), &url, &answered)
        })
    }
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
        absence.message.push_str("; let the query give fewer series, for example by sum(…)");
    }
    absence
}

impl Source for Prometheus {
    fn validate(&self, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem> {
        let mut problems = Config::parse(config, path).err().unwrap_or_default();
        let names_none = config.get(server::SETTING).is_none_or(Value::is_null);
        if names_none && matches!(self.default_server, DefaultServer::None) {
            let fault = Fault::new(FaultKind::Required, server::NO_SERVER);
            problems.push(Problem::new(path.setting(server::SETTING), fault));
        }
        problems
    }

    fn secrets(&self, config: &Value) -> Vec<SecretRef> {
        of_query(config, Config::parse).map(|config| config.access.secrets()).unwrap_or_default()
    }

    fn read<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            match self.number(request).await {
                Ok(number) => Reading::of(number.value, number.at.unwrap_or(request.begun)),
                Err(absence) => Reading::Absent(absence),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
