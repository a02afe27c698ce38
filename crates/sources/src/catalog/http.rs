//! Source `http`: one number in the JSON response of an HTTP endpoint.
//!
//! | setting | meaning |
//! |---|---|
//! | `url` | requested with GET; http or https, without credentials |
//! | `valuePath` | JSONPath (RFC 9535, without `match()` and `search()`) of the number |
//! | `headersFrom.secretRef.name` | optional: a secret whose keys are header names and whose values are header values |
//! | `timeoutSeconds` | optional: timeout of a request, 1 to 60, default 5 |

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, Holder, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::clients::Clients;
use crate::net::http_client::{Headers, HttpClient, Limits, MAX_ANSWER_BYTES, absence};
use crate::net::json_number;
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::headers;
use crate::values::json_path::JsonPath;
use crate::values::settings::Settings;

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Http { client: Arc::clone(&clients.http) })
}

struct Http {
    client: Arc<HttpClient>,
}

/// A query, ready to be asked.
struct Query {
    client: Arc<HttpClient>,
    config: Config,
}

/// The settings, found good.
struct Config {
    url: Url,
    value_path: JsonPath,
    value_path_text: String,
    headers_from: Option<Holder>,
    timeout: Duration,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let url = settings.http_url("url", Ok);
        let value_path = settings.required_text("valuePath").and_then(|text| {
            let parsed = JsonPath::parse(text);
            let parsed = parsed.map_err(|why| settings.refuse("valuePath", invalid(quoted(text), why)));
            Some((parsed.ok()?, text.to_owned()))
        });
        let headers_from = settings.secret("headersFrom");
        let timeout = settings.whole_number("timeoutSeconds", 1..=60, 5);
        let (value_path, value_path_text) = value_path?;
        let timeout = Duration::from_secs(timeout?);
        Some(Self { url: url?, value_path, value_path_text, headers_from, timeout })
    }
}

impl Query {
    async fn number(&self, request: Request<'_>) -> Result<f64, Absence> {
        let config = &self.config;
        let secret = match &config.headers_from {
            Some(secret) => headers::from_secret(secret, request.credentials)?,
            None => HeaderMap::new(),
        };
        let headers = Headers { accept: "application/json", secret };
        let limits = Limits { timeout: config.timeout, max_bytes: MAX_ANSWER_BYTES };
        let body = self.client.get(&config.url, &headers, limits).await?;
        json_number::extract(&body, &config.value_path, &config.value_path_text)
            .map_err(|missing| absence(missing.reason, &config.url, missing.message))
    }
}

impl Source for Http {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings)?;
        Some(Box::new(Query { client: Arc::clone(&self.client), config }))
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { Reading::answered(self.number(request).await, request.begun) }.boxed()
    }
}

#[cfg(test)]
mod tests;
