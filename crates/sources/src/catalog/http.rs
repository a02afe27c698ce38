//! Source `http`: one number in the response of an HTTP endpoint.
//!
//! | setting | meaning |
//! |---|---|
//! | `url` | requested with GET; http or https, without credentials |
//! | `valuePath` | JSONPath (RFC 9535, without `match()` and `search()`) of the number, in a JSON response |
//! | `valueLocation` | instead: where the number is, as `name.0.name` with names of members and places in lists; `#` at the end counts a list, `#(name=="a")` finds an item in one, `*` and `?` stand for signs of a name, `\` takes the sign after it as it is. For `prometheus` the metric, as `name{label="value"}` |
//! | `format` | optional, with `valueLocation`: `json` (default), `yaml`, `xml` or `prometheus`, the text format of metrics |
//! | `onlyStatus` | optional: the only status that is accepted; default: any that means success |
//! | `aggregateEndpoints` | optional: `average`, `sum`, `max` or `min` of what all ready endpoints of the Service say that is the host of `url`, as `SERVICE.NAMESPACE` |
//! | `bearerTokenFrom` | optional: a token, as `{secretKeyRef: {name, key}}` like all credentials |
//! | `username`, `passwordFrom` | optional: basic authentication |
//! | `oauth2.tokenUrl`, `oauth2.clientId`, `oauth2.clientSecretFrom` | optional: a token of the client credentials grant, fetched there; also `oauth2.scopes`, a list, and `oauth2.endpointParams`, an object of texts |
//! | `authHeader.name`, `authHeader.valueFrom` | optional: a header, and its value |
//! | `apiKey.keyFrom`, `apiKey.in`, `apiKey.name` | optional: a key, sent in the `header` (default) or the `query` of this name; default `X-API-KEY` and `api_key` |
//! | `certFrom`, `keyFrom` | optional: client certificate and private key in PEM format |
//! | `caFrom` | optional: certificate authorities to trust, in PEM format, instead of the system's |
//! | `insecureSkipVerify` | optional: whether to accept any certificate; default false |
//! | `headers` | optional: headers without credentials |
//! | `headersFrom.secretRef.name` | optional: a secret whose keys are header names and whose values are header values |
//! | `timeoutSeconds` | optional: timeout of a request, 1 to 60, default 5; or `timeoutMillis`, 1 to 60000 |
//!
//! With `valueLocation` a text counts, too, where it is a quantity as Kubernetes writes them: `1k`, `250m`, `64Mi`. In XML the
//! root element itself is not named, attributes are named `@name`, and an element is the number in its text.
//!
//! `username`, `authHeader.name`, `apiKey.key` and the settings of `oauth2` may also come as a credential, under their name with
//! `From` at its end: `usernameFrom`.
//!
//! With `aggregateEndpoints` the endpoints are asked beside each other, each at the port of `url` and without its query. Those
//! that do not answer are left out, as long as one does.

mod endpoints;
mod extract;

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason, Fault, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use crate::access::{self, Access, Doorman, Presented};
use crate::clients::Clients;
use crate::net::http_client::{Call, HttpClient, Limits, MAX_ANSWER_BYTES, absence};
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::Settings;
use crate::values::settings::given_later::GivenLater;
use endpoints::{Aggregation, Service};
use extract::{Format, Place};

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Http { client: Arc::clone(&clients.http), doorman: Arc::clone(&clients.doorman) })
}

struct Http {
    client: Arc<HttpClient>,
    doorman: Arc<Doorman>,
}

/// A query, ready to be asked.
struct Query {
    client: Arc<HttpClient>,
    doorman: Arc<Doorman>,
    config: Config,
}

/// The settings, found good.
struct Config {
    url: Url,
    place: Place,
    only_status: Option<StatusCode>,
    /// Whose endpoints are asked, and what their numbers come to.
    endpoints: Option<(Service, Aggregation)>,
    access: Access,
    timeout: Duration,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let url = settings.http_url("url", Ok);
        let place = place(settings);
        let only_status = only_status(settings);
        let endpoints = endpoints(settings, url.as_ref());
        let access = Access::parse(settings, url.as_ref().map(|url| ("url", url)));
        let timeout = settings.timeout(5);
        Some(Self {
            url: url?,
            place: place?,
            only_status: only_status?,
            endpoints: endpoints?,
            access,
            timeout: timeout?,
        })
    }
}

fn place(settings: &mut Settings<'_>) -> Option<Place> {
    if !settings.has("valueLocation") {
        // Known names, also where they are left out.
        settings.optional_text("valueLocation");
        settings.forbid("format", "it is only valid with valueLocation");
        return settings
            .parsed("valuePath", |text| Place::of_path(text).map_err(|why| invalid(quoted(text), why)));
    }
    settings.forbid("valuePath", "must not be set together with valueLocation");
    let format = settings.one_of("format", &Format::NAMES)?;
    settings.parsed("valueLocation", |text| {
        Place::of_location(format, text).map_err(|why| invalid(quoted(text), why))
    })
}

/// `Some(None)` where any status of success will do.
fn only_status(settings: &mut Settings<'_>) -> Option<Option<StatusCode>> {
    let status = settings.whole_number("onlyStatus", 200..=299, 0)?;
    match status {
        0 => Some(None),
        status => Some(u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok())),
    }
}

/// `Some(None)` where the address itself is asked.
fn endpoints(settings: &mut Settings<'_>, url: Option<&Url>) -> Option<Option<(Service, Aggregation)>> {
    let aggregation = settings.one_word_of("aggregateEndpoints", &Aggregation::NAMES);
    if !settings.has("aggregateEndpoints") {
        return Some(None);
    }
    let service = Service::of(url?);
    if service.is_none() {
        let why = "with aggregateEndpoints, its host must be SERVICE.NAMESPACE, with or without what follows";
        settings.refuse("url", Fault::invalid(why));
    }
    Some(Some((service?, aggregation?)))
}

impl Query {
    async fn number(&self, request: Request<'_>) -> Result<f64, Absence> {
        let Self { config, doorman, .. } = self;
        let deadline = Instant::now() + config.timeout;
        let accept = config.place.accept();
        let presented = config.access.present(accept, request.credentials, doorman, deadline).await?;
        match &config.endpoints {
            None => self.ask(&config.url, &presented, deadline).await,
            Some((service, aggregation)) => {
                let urls = service.urls(&config.url, request.services).await?;
                let numbers = urls.iter().map(|url| self.ask(url, &presented, deadline).boxed());
                endpoints::aggregated(numbers.collect(), *aggregation).await
            }
        }
    }

    /// The number that one address answers.
    async fn ask(&self, url: &Url, presented: &Presented, deadline: Instant) -> Result<f64, Absence> {
        let config = &self.config;
        let url = &config.access.url(url);
        let call = Call {
            url,
            headers: &presented.headers,
            form: None,
            tls: &presented.tls,
            limits: Limits::until(deadline, config.timeout, MAX_ANSWER_BYTES),
            reads_errors: false,
            follows_redirects: true,
        };
        let answer = self.client.call(&call).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.doorman.refused(presented).await;
        }
        if let Some(only) = config.only_status
            && answer.status != only
            && answer.status.is_success()
        {
            let what = format!("it answered with status {}, not {}", answer.status.as_u16(), only.as_u16());
            return Err(absence(AbsenceReason::BadStatus, url, what));
        }
        let body = answer.successful(url)?;
        let number = config.place.number(&body);
        number.map_err(|missing| absence(missing.reason, url, missing.message))
    }
}

impl Source for Http {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings)?;
        let (client, doorman) = (Arc::clone(&self.client), Arc::clone(&self.doorman));
        Some(Box::new(Query { client, doorman, config }))
    }

    fn given_later(&self) -> &'static [GivenLater] {
        &access::GIVEN_LATER
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { Reading::answered(self.number(request).await, request.begun) }.boxed()
    }
}

#[cfg(test)]
mod tests;
