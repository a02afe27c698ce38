//! Source `pubsub`: the backlog of a Google Cloud Pub/Sub subscription, from Cloud Monitoring.
//!
//! | setting | meaning |
//! |---|---|
//! | `projectId` | ID of the project whose metrics are read; optional if `subscription` names it |
//! | `subscription` | the subscription: its short name, or `projects/PROJECT/subscriptions/NAME`, also of another project that the first one's metrics scope includes |
//! | `measure` | optional: `undeliveredMessages` (default), the number of undelivered messages; `oldestUnackedAgeSeconds`, the age of the oldest unacknowledged message |
//! | `credentialsFrom.secretKeyRef` | optional: `name` and `key` of a secret that contains the JSON key of a service account with the role Monitoring Viewer; default: the operator's own identity, if its environment names one (`GCE_METADATA_HOST` or `GOOGLE_APPLICATION_CREDENTIALS`) |
//! | `endpoint` | optional, only together with `credentialsFrom`: the address of Cloud Monitoring, default `https://monitoring.googleapis.com` |
//! | `maxAgeSeconds` | optional: maximum age of a point, 60 to 86400, default 600 |
//! | `timeoutSeconds` | optional: timeout of a reading, 1 to 60, default 10 |
//!
//! Pub/Sub samples its metrics once a minute, and Cloud Monitoring shows a point two to four
//! minutes late. The reading's time is that of the point, so its age is seen; what is older
//! than `maxAgeSeconds` is an absence. So is a subscription without points: one that does not
//! exist looks the same as one that nobody uses, and neither is a backlog of zero.
//!
//! The token that is made from an object's own key can only read metrics, and may go wherever
//! the object says. The operator's own token goes to the operator's endpoint and to no other:
//! an object that could choose the address would steal it. The operator's endpoint is Google's,
//! or that of `CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING` in its environment, the name that
//! Google's own command line uses.

mod names;
mod points;
mod time_series;

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason, Credential, Fault, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Url;

use crate::clients::Clients;
use crate::credentials::unusable;
use crate::google::{Credentials, NoToken, OperatorIdentity, Session, Token, Tokens};
use crate::net::http_client::HttpClient;
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::Settings;
use crate::values::url::{shown, shown_origin};
use time_series::{Failed, Measure, Series};

/// Where Cloud Monitoring is, unless someone says otherwise.
const GOOGLE: &str = "https://monitoring.googleapis.com";

/// The operator's environment variable for another place.
const ENDPOINT_VARIABLE: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING";

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    let client = Arc::clone(&clients.http);
    let endpoint = std::env::var(ENDPOINT_VARIABLE).ok().filter(|text| !text.is_empty());
    let endpoint = endpoint.unwrap_or_else(|| GOOGLE.to_owned());
    let parsed = Url::parse(&endpoint).map_err(|_| Fault::invalid("must be a URL")).and_then(base);
    let endpoint = parsed.map_err(|fault| format!("{ENDPOINT_VARIABLE}: {fault}"));
    let tokens = Tokens::new(Arc::clone(&client));
    let operator = OperatorIdentity::from_environment();
    Arc::new(PubSub(Arc::new(Shared { client, tokens, operator, endpoint })))
}

struct PubSub(Arc<Shared>);

/// What all queries share.
struct Shared {
    client: Arc<HttpClient>,
    tokens: Tokens,
    operator: OperatorIdentity,
    /// The operator's endpoint, or what is wrong with its environment.
    endpoint: Result<Url, String>,
}

/// A query, ready to be asked.
struct Query {
    shared: Arc<Shared>,
    config: Config,
}

/// The settings, found good.
struct Config {
    project: String,
    subscription_project: String,
    subscription: String,
    measure: Measure,
    credentials_from: Option<Credential>,
    endpoint: Option<Url>,
    max_age: Duration,
    timeout: Duration,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let project = settings.optional_text("projectId");
        if let Some((text, why)) = project.and_then(|text| Some((text, names::project_problem(text)?))) {
            settings.refuse("projectId", invalid(quoted(text), why));
        }
        let subscription = settings.required_text("subscription").and_then(|text| {
            let parsed = names::subscription(text);
            parsed.map_err(|why| settings.refuse("subscription", invalid(quoted(text), why))).ok()
        });
        let measure = measure(settings);
        let credentials_from = settings.credential("credentialsFrom");
        let endpoint = endpoint(settings);
        let max_age = settings.whole_number("maxAgeSeconds", 60..=86_400, 600);
        let timeout = settings.whole_number("timeoutSeconds", 1..=60, 10);
        let named = subscription.and_then(|named| named.project);
        let project = project.or(named);
        if project.is_none() && subscription.is_some() && !settings.has("projectId") {
            settings.refuse("projectId", Fault::required());
        }
        let project = project?;
        Some(Self {
            project: project.to_owned(),
            subscription_project: named.unwrap_or(project).to_owned(),
            subscription: subscription?.name.to_owned(),
            measure: measure?,
            credentials_from,
            endpoint,
            max_age: Duration::from_secs(max_age?),
            timeout: Duration::from_secs(timeout?),
        })
    }
}

fn measure(settings: &mut Settings<'_>) -> Option<Measure> {
    let given = settings.optional_text("measure");
    let Some(word) = given else { return Some(Measure::UndeliveredMessages) };
    let found = Measure::ALL.into_iter().find(|measure| measure.word() == word);
    if found.is_none() {
        let known = Measure::ALL.map(Measure::word);
        settings.refuse("measure", Fault::unsupported(quoted(word), known));
    }
    found
}

fn endpoint(settings: &mut Settings<'_>) -> Option<Url> {
    if !settings.has("endpoint") {
        return settings.optional_text("endpoint").and(None);
    }
    if !settings.has_credential("credentialsFrom") {
        let why = "may be set only together with credentialsFrom: the operator's own token is sent to the \
                   operator's endpoint only";
        settings.refuse("endpoint", Fault::forbidden(why));
    }
    settings.http_url("endpoint", base)
}

/// The address before `/v3`, whether or not it ends with a slash.
fn base(mut url: Url) -> Result<Url, Fault> {
    if url.query().is_some() || url.fragment().is_some() || !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(quoted(&shown(&url)), "must be an http or https URL without a query"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

impl Query {
    async fn reading(&self, request: Request<'_>) -> Result<Reading, Absence> {
        let Self { shared, config } = self;
        let session = Session::start(config.timeout);
        let key = config.credentials_from.as_ref().map(|from| request.credentials.value(from)).transpose()?;
        let credentials = match &key {
            Some(json) => Credentials::Key(json),
            None => Credentials::Operator(&shared.operator),
        };
        let endpoint = match &config.endpoint {
            Some(endpoint) => endpoint,
            None => shared.endpoint.as_ref().map_err(unavailable)?,
        };
        let series = Series {
            endpoint,
            project: &config.project,
            subscription_project: &config.subscription_project,
            subscription: &config.subscription,
            measure: config.measure,
            now: request.begun,
            max_age: config.max_age,
        };
        let token = self.token(&credentials, &session, request).await?;
        let point = match series.newest(&shared.client, &session, &token).await {
            // It may have been withdrawn, or our clock stood still for a while.
            Err(Failed::Unauthorized(_)) => {
                shared.tokens.forget(&token, &session).await;
                let token = self.token(&credentials, &session, request).await?;
                series.newest(&shared.client, &session, &token).await
            }
            other => other,
        };
        let point = point.map_err(Failed::absence)?;
        Ok(Reading::of(point.value, point.at))
    }

    async fn token(
        &self,
        credentials: &Credentials<'_>,
        session: &Session,
        request: Request<'_>,
    ) -> Result<Token, Absence> {
        let token = self.shared.tokens.get(credentials, session, request.begun).await;
        token.map_err(|failed| match (failed, &self.config.credentials_from) {
            (NoToken::Absent(absence), _) => absence,
            (NoToken::Unusable(why), Some(Credential { holder, key })) => {
                unusable(holder, format_args!("its key {key:?} {why}"))
            }
            (NoToken::Unusable(why), None) => {
                unavailable(format_args!("the operator's own Google identity {why}"))
            }
        })
    }
}

fn unavailable(message: impl ToString) -> Absence {
    Absence { reason: AbsenceReason::SecretUnavailable, message: message.to_string() }
}

impl Source for PubSub {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings)?;
        if let Ok(endpoint) = &self.0.endpoint {
            settings.asks(|| shown_origin(endpoint));
        }
        Some(Box::new(Query { shared: Arc::clone(&self.0), config }))
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { self.reading(request).await.unwrap_or_else(Reading::Absent) }.boxed()
    }
}

#[cfg(test)]
mod tests;
