//! Tokens, fetched once for everyone who has the same credentials and kept until shortly
//! before they expire.
//!
//! They are kept by a digest of the credentials, so a changed key is another one at once,
//! and two objects share a token only if both hold the very key. What a secret holds and
//! what the operator has of its own are kept apart, so that nobody can write into a secret
//! what would lead to the operator's token.

use std::sync::Arc;
use std::time::Duration;

use engine::{Absence, AbsenceReason, Time};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::identity::{Credentials, OperatorIdentity, PROJECT_PATH};
use super::key::ServiceAccountKey;
use super::session::Session;
use super::{assertion, explained};
use crate::net::address::AddressPolicy;
use crate::net::http_client::{Answer, Headers, HttpClient, absence};
use crate::token_cache::{Kept, TokenCache};
use crate::values::text;

/// Largest answer of a token endpoint.
const MAX_BYTES: usize = 64 * 1024;

/// Where metadata servers are. The client that may call these is used for one URL only.
const METADATA_NETS: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd20:ce::254/128"];

/// Fetches tokens and keeps them.
pub(crate) struct Tokens {
    client: Arc<HttpClient>,
    metadata_client: HttpClient,
    kept: TokenCache<Digested, Token, NoToken>,
    /// The metadata server's project, which never changes.
    project: OnceCell<String>,
}

/// A bearer token. It has no `Debug`, so it cannot be printed by mistake.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    header: HeaderValue,
    digest: Digested,
}

/// Why there is no token.
#[derive(Clone)]
pub(crate) enum NoToken {
    /// The credentials cannot be used: the end of a sentence that begins with their name.
    Unusable(String),
    /// They could not be exchanged.
    Absent(Absence),
}

/// What a token is kept by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Digested {
    Secret([u8; 32]),
    Operator([u8; 32]),
}

/// What a token is exchanged for, as it stands at the moment.
enum Exact<'a> {
    /// A key's JSON from a secret. It is parsed only where no token is kept.
    Secret(&'a [u8]),
    /// The same from the operator's own file.
    File(Vec<u8>),
    Metadata(&'a Url),
}

impl Token {
    fn new(text: &str, digest: Digested) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).ok()?;
        header.set_sensitive(true);
        (!text.is_empty()).then_some(Self { header, digest })
    }

    /// The header that presents it.
    pub(crate) fn header(&self) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, self.header.clone())])
    }

    /// The token itself, to keep it out of messages.
    pub(crate) fn secret(&self) -> &str {
        self.header.to_str().unwrap_or_default().trim_start_matches("Bearer ")
    }
}

impl Tokens {
    pub(crate) fn new(client: Arc<HttpClient>) -> Self {
        let allow = METADATA_NETS.iter().filter_map(|net| net.parse().ok()).collect();
        let metadata_client = HttpClient::new(AddressPolicy { deny: Vec::new(), allow });
        Self { client, metadata_client, kept: TokenCache::new(), project: OnceCell::new() }
    }

    /// A token for `credentials` that is good at least for one request more.
    pub(crate) async fn get(
        &self,
        credentials: &Credentials<'_>,
        session: &Session,
        now: Time,
    ) -> Result<Token, NoToken> {
        let credentials = Exact::of(credentials).await?;
        let fetch = self.fetch(&credentials, session, now);
        let token = self.kept.get(credentials.digest(), session.deadline(), fetch).await?;
        token.ok_or_else(|| NoToken::Absent(session.no_token()))
    }

    /// The project of the operator's own identity: that of its key, or the one that the metadata server is in.
    pub(crate) async fn project(
        &self,
        operator: &OperatorIdentity,
        session: &Session,
    ) -> Result<String, NoToken> {
        let url = match Exact::of(&Credentials::Operator(operator)).await? {
            Exact::Secret(_) => unreachable!("the operator's own is no secret"),
            Exact::File(json) => {
                let unnamed = || NoToken::Unusable("is a key without a \"project_id\"".to_owned());
                return project_of_key(&json).ok_or_else(unnamed);
            }
            Exact::Metadata(url) => url.clone(),
        };
        self.project.get_or_try_init(|| self.ask_project(url, session)).await.cloned()
    }

    async fn ask_project(&self, mut url: Url, session: &Session) -> Result<String, NoToken> {
        url.set_path(PROJECT_PATH);
        let headers = Headers { accept: "text/plain", secret: metadata_flavor() };
        let answer = session.ask(&self.metadata_client, &url, &headers, None, MAX_BYTES).await;
        let answer = answer.map_err(NoToken::Absent)?;
        let text = String::from_utf8_lossy(&answer.body.text()).into_owned();
        if answer.status.is_success() && !text.is_empty() {
            return Ok(text);
        }
        let what = format!("no project: it answered with status {}", answer.status.as_u16());
        Err(NoToken::Absent(absence(AbsenceReason::BadStatus, &url, what)))
    }

    /// Forgets `token`, which an API refused, so that a new one is fetched.
    pub(crate) async fn forget(&self, token: &Token, session: &Session) {
        self.kept.forget(token.digest, token, session.deadline()).await;
    }

    /// How a key is exchanged: by which client, where and with which form.
    fn exchange(&self, json: &[u8], now: Time) -> Result<(&HttpClient, Url, Option<String>), NoToken> {
        let key = ServiceAccountKey::parse(json).map_err(NoToken::Unusable)?;
        let form = assertion::form(&key, now).map_err(NoToken::Unusable)?;
        Ok((&self.client, key.token_url, Some(form)))
    }

    async fn fetch(
        &self,
        credentials: &Exact<'_>,
        session: &Session,
        now: Time,
    ) -> Result<Kept<Token>, NoToken> {
        let mut headers = Headers { accept: "application/json", secret: HeaderMap::new() };
        let (client, url, form) = match credentials {
            Exact::Secret(json) => self.exchange(json, now)?,
            Exact::File(json) => self.exchange(json, now)?,
            Exact::Metadata(url) => {
                headers.secret = metadata_flavor();
                (&self.metadata_client, (*url).clone(), None)
            }
        };
        let (url, began) = (&url, Instant::now());
        let answer = session.ask(client, url, &headers, form, MAX_BYTES).await.map_err(NoToken::Absent)?;
        if !answer.status.is_success() {
            let what = format!("no token: {}", explained(answer.status, &answer.body, ""));
            return Err(NoToken::Absent(absence(AbsenceReason::BadStatus, url, what)));
        }
        kept(&answer, began, credentials.digest()).ok_or_else(|| {
            let what = "the response is not that of a token endpoint: it needs access_token and expires_in";
            NoToken::Absent(absence(AbsenceReason::Malformed, url, what))
        })
    }
}

impl<'a> Exact<'a> {
    async fn of(credentials: &'a Credentials<'_>) -> Result<Self, NoToken> {
        let unusable = |why: String| Err(NoToken::Unusable(why));
        match credentials {
            Credentials::Key(json) => Ok(Self::Secret(json)),
            Credentials::Operator(OperatorIdentity::Metadata(url)) => Ok(Self::Metadata(url)),
            Credentials::Operator(OperatorIdentity::File(path)) => match tokio::fs::read(path).await {
                Ok(json) => Ok(Self::File(json)),
                Err(error) => unusable(format!("cannot be read from {}: {}", path.display(), error.kind())),
            },
            Credentials::Operator(OperatorIdentity::Unusable(why)) => {
                unusable(format!("cannot be used: {why}"))
            }
            Credentials::Operator(OperatorIdentity::Nothing) => unusable(
                "is not available: name a secret in credentialsFrom, or set \
                 GOOGLE_APPLICATION_CREDENTIALS or GCE_METADATA_HOST for the operator"
                    .into(),
            ),
        }
    }

    fn digest(&self) -> Digested {
        match self {
            Self::Secret(json) => Digested::Secret(sha256(json)),
            Self::File(json) => Digested::Operator(sha256(json)),
            Self::Metadata(url) => Digested::Operator(sha256(url.as_str().as_bytes())),
        }
    }
}

/// By which the metadata server knows that nobody was led to it unawares.
fn metadata_flavor() -> HeaderMap {
    let flavor = (HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));
    HeaderMap::from_iter([flavor])
}

/// The project that the account of a key is in.
pub(crate) fn project_of_key(json: &[u8]) -> Option<String> {
    let key: Value = serde_json::from_slice(&text::decoded(json, None)).ok()?;
    key["project_id"].as_str().filter(|project| !project.is_empty()).map(str::to_owned)
}

fn sha256(credentials: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, credentials).as_ref());
    bytes
}

/// The token of a token endpoint's answer. Its life counts from before it was asked for.
fn kept(answer: &Answer, began: Instant, digest: Digested) -> Option<Kept<Token>> {
    let document: Value = serde_json::from_slice(&answer.body.text()).ok()?;
    let token = Token::new(document["access_token"].as_str()?, digest)?;
    let life = Duration::from_secs(document["expires_in"].as_u64()?);
    Some(Kept::new(token, began, life))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_a_request_shows_no_token() {
        let digest = Digested::Secret([0; 32]);
        let token = Token::new("ya29.s3cret", digest).unwrap();
        assert_eq!(token.secret(), "ya29.s3cret");
        assert!(!format!("{:?}", token.header()).contains("s3cret"));
        assert!(Token::new("", digest).is_none() && Token::new("a\nb", digest).is_none());
    }

    #[test]
    fn no_secret_leads_to_the_operators_token() {
        let url: Url = "http://metadata.google.internal/token".parse().unwrap();
        let operator = Exact::Metadata(&url).digest();
        assert!(operator != Exact::Secret(url.as_str().as_bytes()).digest());
        assert!(Exact::File(b"{}".to_vec()).digest() != Exact::Secret(b"{}").digest());
    }
}
