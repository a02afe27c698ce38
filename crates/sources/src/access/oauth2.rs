//! Tokens of OAuth 2.0's client credentials grant.
//!
//! | setting | meaning |
//! |---|---|
//! | `oauth2.tokenUrl` | the token endpoint |
//! | `oauth2.clientId`, `oauth2.clientSecretFrom` | the client, and optionally its secret |
//! | `oauth2.scopes` | optional: the scopes that are asked for |
//! | `oauth2.endpointParams` | optional: further parameters of the token request |
//!
//! A token is kept until shortly before it expires, for all who show the same credentials to the same endpoint. The
//! client shows itself in the header `Authorization`, and in the form where the endpoint does not take that, as there
//! are both sorts of servers.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Absence, AbsenceReason, Credential};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::net::http_client::{Answer, Call, Headers, HttpClient, Limits, absence};
use crate::net::tls::Tls;
use crate::token_cache::{Kept, TokenCache};
use crate::values::settings::Settings;
use crate::values::url::parse_http_url;

/// Largest answer of a token endpoint.
const MAX_BYTES: usize = 64 * 1024;

/// How long a token lives whose server does not say.
const UNSAID_LIFE: Duration = Duration::from_secs(300);

/// Most scopes that an object may name.
const MAX_SCOPES: usize = 64;

/// The settings, found good.
#[derive(Debug)]
pub(super) struct Grant {
    token_url: Url,
    client_id: String,
    client_secret: Option<Credential>,
    scopes: Vec<String>,
    parameters: Vec<(String, String)>,
}

type Digest = [u8; 32];

/// Fetches tokens and keeps them.
pub(crate) struct Grants {
    client: Arc<HttpClient>,
    kept: TokenCache<Digest, String, Absence>,
}

/// A token that was granted. It has no `Debug`, so it cannot be printed by mistake.
pub(crate) struct Granted {
    pub(super) token: String,
    digest: Digest,
}

/// Where the client shows itself.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Header,
    Form,
}

impl Grant {
    pub(super) fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        settings.section("oauth2", |grant| {
            let token_url = grant.parsed("tokenUrl", parse_http_url);
            let client_id = grant.required_text("clientId").map(str::to_owned);
            let client_secret = grant.credential("clientSecretFrom");
            let scopes = grant.texts("scopes", MAX_SCOPES, |scope| Ok(scope.to_owned()));
            let parameters = grant.pairs("endpointParams");
            Some(Self { token_url: token_url?, client_id: client_id?, client_secret, scopes, parameters })
        })?
    }

    /// What is posted where the client shows itself in `place`.
    fn form(&self, secret: &str, place: Place) -> String {
        let mut url = self.token_url.clone();
        url.set_query(None);
        let mut form = url.query_pairs_mut();
        form.append_pair("grant_type", "client_credentials");
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        form.extend_pairs(&self.parameters);
        if place == Place::Form {
            form.append_pair("client_id", &self.client_id);
            if !secret.is_empty() {
                form.append_pair("client_secret", secret);
            }
        }
        drop(form);
        url.query().unwrap_or_default().to_owned()
    }

    fn headers(&self, secret: &str, place: Place) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if place == Place::Header {
            // Both are written as in a form first, as RFC 6749 has it.
            let encoded = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let login = STANDARD.encode(format!("{}:{}", encoded(&self.client_id), encoded(secret)));
            if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {login}")) {
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
        headers
    }

    fn digest(&self, secret: &str) -> Digest {
        let Self { token_url, client_id, scopes, parameters, .. } = self;
        let all = json!([token_url.as_str(), client_id, secret, scopes, parameters]).to_string();
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, all.as_bytes()).as_ref());
        bytes
    }
}

impl Grants {
    pub(crate) fn new(client: Arc<HttpClient>) -> Self {
        Self { client, kept: TokenCache::new() }
    }

    /// A token by `grant`, whose endpoint is trusted by `tls`.
    pub(super) async fn get(
        &self,
        grant: &Grant,
        credentials: &Credentials,
        tls: &Tls,
        deadline: Instant,
    ) -> Result<Granted, Absence> {
        let secret = grant.client_secret.as_ref().map(|secret| credentials.text(secret)).transpose()?;
        let secret = secret.unwrap_or_default();
        let digest = grant.digest(&secret);
        let fetch = self.fetch(grant, &secret, tls, deadline);
        let token = self.kept.get(digest, deadline, fetch).await?;
        let token =
            token.ok_or_else(|| absence(AbsenceReason::Timeout, &grant.token_url, "no token in time"))?;
        Ok(Granted { token, digest })
    }

    /// Forgets a token that was refused, so that the next reading has a new one.
    pub(crate) async fn refused(&self, granted: &Granted) {
        self.kept.forget(granted.digest, &granted.token, Instant::now()).await;
    }

    async fn fetch(
        &self,
        grant: &Grant,
        secret: &str,
        tls: &Tls,
        deadline: Instant,
    ) -> Result<Kept<String>, Absence> {
        let began = Instant::now();
        let mut answer = self.ask(grant, secret, tls, deadline, Place::Header).await?;
        if matches!(answer.status.as_u16(), 400 | 401) {
            answer = self.ask(grant, secret, tls, deadline, Place::Form).await?;
        }
        let failed = |reason, what: String| absence(reason, &grant.token_url, what);
        let document: Option<Value> = serde_json::from_slice(&answer.body.text()).ok();
        if !answer.status.is_success() {
            // One of a few words that OAuth has for it; what else it says may repeat what it was sent.
            let code = document.as_ref().and_then(|document| document["error"].as_str());
            let is_word = |code: &&str| {
                code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            let code = code.filter(is_word).map(|code| format!(": {code}")).unwrap_or_default();
            let what = format!("no token: it answered with status {}{code}", answer.status.as_u16());
            return Err(failed(AbsenceReason::Unauthorized, what));
        }
        kept(document.as_ref(), began).ok_or_else(|| {
            let what = "the response is not that of a token endpoint: it needs access_token";
            failed(AbsenceReason::Malformed, what.to_owned())
        })
    }

    async fn ask(
        &self,
        grant: &Grant,
        secret: &str,
        tls: &Tls,
        deadline: Instant,
        place: Place,
    ) -> Result<Answer, Absence> {
        let form = grant.form(secret, place);
        let headers = Headers { accept: "application/json", secret: grant.headers(secret, place) };
        let call = Call {
            url: &grant.token_url,
            headers: &headers,
            form: Some(&form),
            tls,
            limits: Limits::new(deadline.saturating_duration_since(Instant::now()), MAX_BYTES),
            reads_errors: true,
            follows_redirects: false,
        };
        self.client.call(&call).await
    }
}

fn kept(document: Option<&Value>, began: Instant) -> Option<Kept<String>> {
    let document = document?;
    let token = document["access_token"]
        .as_str()
        .filter(|token| !token.is_empty() && HeaderValue::from_str(token).is_ok())?;
    // Some servers write the number as a text.
    let life = &document["expires_in"];
    let life = life.as_u64().or_else(|| life.as_str()?.parse().ok()).filter(|seconds| *seconds > 0);
    let life = life.map_or(UNSAID_LIFE, Duration::from_secs);
    Some(Kept::new(token.to_owned(), began, life))
}
