//! Source `pubsub`: the backlog of a Google Cloud Pub/Sub subscription, or another metric of a subscription or a topic, from
//! Cloud Monitoring.
//!
//! | setting | meaning |
//! |---|---|
//! | `projectId` | ID of the project whose metrics are read; optional if `subscription` or `topic` names it, or the key in `credentialsFrom` does |
//! | `identityProject` | optional: without `projectId`, whether the project is that of the operator's own identity; default false |
//! | `subscription` | the subscription: its short name, or `projects/PROJECT/subscriptions/NAME`, also of another project that the first one's metrics scope includes |
//! | `topic` | instead: the topic, by its short name or as `projects/PROJECT/topics/NAME` |
//! | `measure` | optional: `undeliveredMessages` (default), the number of undelivered messages; `oldestUnackedAgeSeconds`, the age of the oldest unacknowledged message |
//! | `metric` | instead of `measure`, and needed for a topic: the end of the metric's type, for example `byte_cost` for `pubsub.googleapis.com/topic/byte_cost` |
//! | `credentialsFrom.secretKeyRef` | optional: `name` and `key` of a secret that contains the JSON key of a service account with the role Monitoring Viewer; default: the operator's own identity, if its environment names one (`GCE_METADATA_HOST` or `GOOGLE_APPLICATION_CREDENTIALS`) |
//! | `endpoint` | optional, only together with `credentialsFrom`: the address of Cloud Monitoring, default `https://monitoring.googleapis.com` |
//! | `maxAgeSeconds` | optional: maximum age of a point, 60 to 86400, default 600 |
//! | `timeHorizonSeconds` | optional, instead of `maxAgeSeconds`: how far back points are looked for, 1 to 86400 |
//! | `aggregation` | optional: `mean`, `median`, `variance`, `stddev`, `sum`, `count`, `percentile5`, `percentile95` or `percentile99` of the changes within three minutes, over all series |
//! | `valueIfNull` | optional: the number that counts where there are no points; default: none does |
//! | `timeoutSeconds` | optional: timeout of a reading, 1 to 60, default 10; or `timeoutMillis`, 1 to 60000 |
//!
//! `subscription` and `topic` may also come as a credential: as `subscriptionFrom` and `topicFrom`.
//!
//! An aggregation is made by `timeSeries.list`: each series is aligned by `ALIGN_DELTA` to three minutes, and all are reduced to
//! one. In the retired query language MQL that is `align delta(3m) | every 3m | group_by [], …`; it differs from that in the percentiles, of
//! which there are the named ones only, and in a metric that is a level and no count, which the API refuses to align so.
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
use crate::google::{Credentials, NoToken, OperatorIdentity, Session, Token, Tokens, project_of_key};
use crate::net::http_client::HttpClient;
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::Settings;
use crate::values::settings::given_later::{Form, GivenLater};
use crate::values::url::{shown, shown_origin};
use names::{Named, Resource};
use time_series::{Aggregation, Failed, Series, Subject, Window};

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
    /// The project whose metrics are read; `None` where the key says it.
    project: Option<String>,
    subject: Subject,
    value_if_null: Option<f64>,
    credentials_from: Option<Credential>,
    endpoint: Option<Url>,
    timeout: Duration,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let project = settings.optional_text("projectId");
        if let Some((text, why)) = project.and_then(|text| Some((text, names::project_problem(text)?))) {
            settings.refuse("projectId", invalid(quoted(text), why));
        }
        let named = named(settings);
        let resource = named.map_or(Resource::Subscription, |(resource, _)| resource);
        let metric = metric(settings, resource);
        let credentials_from = settings.credential("credentialsFrom");
        let endpoint = endpoint(settings);
        let window = window(settings);
        let aggregation = settings.one_word_of("aggregation", &Aggregation::NAMES);
        let value_if_null = settings.number("valueIfNull");
        let timeout = settings.timeout(10);
        let own = named.and_then(|(_, named)| named.project);
        let project = project.or(own).map(str::to_owned);
        let identity_project = settings.flag("identityProject");
        let is_in_key = settings.has_credential("credentialsFrom") || identity_project;
        if project.is_none() && named.is_some() && !settings.has("projectId") && !is_in_key {
            settings.refuse("projectId", Fault::required());
        }
        let (resource, named) = named?;
        let (metric_type, may_be_negative) = metric?;
        let subject = Subject {
            resource,
            project: own.map(str::to_owned),
            name: named.name.to_owned(),
            metric_type,
            may_be_negative,
            window: window?,
            aggregation,
        };
        Some(Self { project, subject, value_if_null, credentials_from, endpoint, timeout: timeout? })
    }
}

/// The subscription or the topic.
fn named<'a>(settings: &mut Settings<'a>) -> Option<(Resource, Named<'a>)> {
    let (field, resource) = match settings.has("topic") {
        true => ("topic", Resource::Topic),
        false => ("subscription", Resource::Subscription),
    };
    if resource == Resource::Topic {
        settings.forbid("subscription", "must not be set together with topic");
    } else {
        // A known name, also where it is left out.
        settings.optional_text("topic");
    }
    let text = settings.required_text(field)?;
    let parsed = names::named(resource, text);
    parsed
        .map(|named| (resource, named))
        .map_err(|why| settings.refuse(field, invalid(quoted(text), why)))
        .ok()
}

/// Google's name of the metric, and whether it may be below 0.
fn metric(settings: &mut Settings<'_>, resource: Resource) -> Option<(String, bool)> {
    let of = |name: &str| format!("pubsub.googleapis.com/{}/{name}", resource.word());
    if settings.has("metric") || resource == Resource::Topic {
        settings.forbid("measure", "must not be set together with metric or topic");
        let name = settings.parsed("metric", |text| {
            let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_/".contains(&byte);
            match text.bytes().all(good) {
                true => Ok(text.to_owned()),
                false => Err(invalid(
                    quoted(text),
                    "must be the end of a metric's type, such as num_undelivered_messages",
                )),
            }
        });
        return name.map(|name| (of(&name), true));
    }
    settings.optional_text("metric");
    let measures = [
        ("undeliveredMessages", "num_undelivered_messages"),
        ("oldestUnackedAgeSeconds", "oldest_unacked_message_age"),
    ];
    settings.one_of("measure", &measures).map(|name| (of(name), false))
}

fn window(settings: &mut Settings<'_>) -> Option<Window> {
    if settings.has("timeHorizonSeconds") {
        settings.forbid("maxAgeSeconds", "must not be set together with timeHorizonSeconds");
        let horizon = settings.whole_number("timeHorizonSeconds", 1..=86_400, 600);
        return horizon.map(Duration::from_secs).map(Window::Horizon);
    }
    let max_age = settings.whole_number("maxAgeSeconds", 60..=86_400, 600);
    settings.whole_number("timeHorizonSeconds", 1..=86_400, 600)?;
    max_age.map(Duration::from_secs).map(Window::MaxAge)
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
        let project = self.project(key.as_deref(), &session).await?;
        let series = Series { endpoint, project: &project, subject: &config.subject, now: request.begun };
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
        match (point.map_err(Failed::absence)?, config.value_if_null) {
            (Some(point), _) => Ok(Reading::of(point.value, point.at)),
            (None, Some(value)) => Ok(Reading::of(value, request.begun)),
            (None, None) => Err(series.missing()),
        }
    }

    /// The project whose metrics are read.
    async fn project(&self, key: Option<&[u8]>, session: &Session) -> Result<String, Absence> {
        let found = match (&self.config.project, key) {
            (Some(project), _) => return Ok(project.clone()),
            (None, Some(key)) => project_of_key(key),
            (None, None) => {
                let found = self.shared.tokens.project(&self.shared.operator, session).await;
                Some(found.map_err(|failed| self.explain(failed))?)
            }
        };
        // It becomes a part of an address.
        found
            .filter(|project| names::project_problem(project).is_none())
            .ok_or_else(|| self.unnamed_project())
    }

    fn unnamed_project(&self) -> Absence {
        let what = "has no usable \"project_id\", and neither projectId nor the name of the subscription or topic says the project";
        match &self.config.credentials_from {
            Some(Credential { holder, key }) => unusable(holder, format_args!("its key {key:?} {what}")),
            None => unavailable(format_args!("the operator's own Google identity {what}")),
        }
    }

    async fn token(
        &self,
        credentials: &Credentials<'_>,
        session: &Session,
        request: Request<'_>,
    ) -> Result<Token, Absence> {
        let token = self.shared.tokens.get(credentials, session, request.begun).await;
        token.map_err(|failed| self.explain(failed))
    }

    fn explain(&self, failed: NoToken) -> Absence {
        match (failed, &self.config.credentials_from) {
            (NoToken::Absent(absence), _) => absence,
            (NoToken::Unusable(why), Some(Credential { holder, key })) => {
                unusable(holder, format_args!("its key {key:?} {why}"))
            }
            (NoToken::Unusable(why), None) => {
                unavailable(format_args!("the operator's own Google identity {why}"))
            }
        }
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

    fn given_later(&self) -> &'static [GivenLater] {
        const SUBSCRIPTION: GivenLater = GivenLater {
            name: "subscription",
            sample: "projects/any/subscriptions/any",
            must_be: "the name of a subscription, short or as projects/PROJECT/subscriptions/NAME",
            form: Form::Text,
        };
        const TOPIC: GivenLater = GivenLater {
            name: "topic",
            sample: "projects/any/topics/any",
            must_be: "the name of a topic, short or as projects/PROJECT/topics/NAME",
            ..SUBSCRIPTION
        };
        &[SUBSCRIPTION, TOPIC]
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { self.reading(request).await.unwrap_or_else(Reading::Absent) }.boxed()
    }
}

#[cfg(test)]
mod tests;
