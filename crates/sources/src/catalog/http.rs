//! Source `http`: one number in the JSON answer of an HTTP endpoint.
//!
//! | setting | meaning |
//! |---|---|
//! | `url` | asked with GET; http or https, without credentials |
//! | `valuePath` | JSONPath (RFC 9535, without `match()` and `search()`) of the number |
//! | `headersFrom.secretRef.name` | optional: a secret whose keys are header names and whose values their values |
//! | `timeoutSeconds` | optional: time for the whole answer, 1 to 60, default 5 |

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, ConfigPath, Problem, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::clients::Clients;
use crate::net::headers;
use crate::net::http_client::{Headers, HttpClient, Limits, MAX_ANSWER_BYTES, absence};
use crate::source::{Request, SecretRef, Source};
use crate::values::json_number;
use crate::values::json_path::JsonPath;
use crate::values::settings::{Settings, invalid, of_query, quoted};

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Http { client: Arc::clone(&clients.http) })
}

struct Http {
    client: Arc<HttpClient>,
}

/// The settings, found good.
struct Config {
    url: Url,
    value_path: JsonPath,
    value_path_text: String,
    headers_from: Option<SecretRef>,
    timeout: Duration,
}

impl Config {
    fn parse(config: &Value, path: &ConfigPath<'_>) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::new(config, path);
        let url = settings.http_url("url", Ok);
        let value_path = settings.required_text("valuePath").and_then(|text| {
            let parsed = JsonPath::parse(text);
            let parsed = parsed.map_err(|why| settings.refuse("valuePath", invalid(quoted(text), why)));
            Some((parsed.ok()?, text.to_owned()))
        });
        let headers_from = settings.secret_ref("headersFrom");
        let timeout = settings.whole_number("timeoutSeconds", 1..=60, 5);
        let problems = settings.finish();
        match (url, value_path, timeout) {
            (Some(url), Some((value_path, value_path_text)), Some(timeout)) if problems.is_empty() => {
                let timeout = Duration::from_secs(timeout);
                Ok(Self { url, value_path, value_path_text, headers_from, timeout })
            }
            _ => Err(problems),
        }
    }
}

impl Http {
    async fn number(&self, request: Request<'_>) -> Result<f64, Absence> {
        let config = of_query(request.config, Config::parse)?;
        let secret = match &config.headers_from {
            Some(secret) => headers::from_secret(secret, request.secrets)?,
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
    fn validate(&self, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem> {
        Config::parse(config, path).err().unwrap_or_default()
    }

    fn secrets(&self, config: &Value) -> Vec<SecretRef> {
        of_query(config, Config::parse).ok().and_then(|config| config.headers_from).into_iter().collect()
    }

    fn read<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { Reading::answered(self.number(request).await, request.begun) }.boxed()
    }
}

#[cfg(test)]
mod tests;
