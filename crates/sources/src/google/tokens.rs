//! Tokens, fetched once for everyone who has the same credentials and kept until shortly
//! before they expire.
//!
//! They are kept by a digest of the credentials, so a changed key is another one at once,
//! and two objects share a token only if both hold the very key. What a secret holds and
//! what the operator has of its own are kept apart, so that nobody can write into a secret
//! what would lead to the operator's token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Absence, AbsenceReason, Time};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout_at};

use super::identity::{Credentials, OperatorIdentity};
use super::key::ServiceAccountKey;
use super::session::Session;
use super::{assertion, explained};
use crate::net::address::AddressPolicy;
use crate::net::http_client::{Answer, Headers, HttpClient, absence};

/// Largest answer of a token endpoint.
const MAX_BYTES: usize = 64 * 1024;

/// A token is not used in the last minute of its life, or in the last half of a short one.
const MARGIN: Duration = Duration::from_secs(60);

/// Longest life that is believed.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// Where metadata servers are. The client that may call these is used for one URL only.
const METADATA_NETS: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd20:ce::254/128"];

/// Fetches tokens and keeps them.
pub(crate) struct Tokens {
    client: Arc<HttpClient>,
    metadata_client: HttpClient,
    slots: Mutex<Slots>,
}

/// A bearer token. It has no `Debug`, so it cannot be printed by mistake.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    header: HeaderValue,
    digest: Digested,
}

/// Why there is no token.
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

#[derive(Default)]
struct Slots {
    by_digest: HashMap<Digested, Arc<AsyncMutex<Slot>>>,
    sweep_at: usize,
}

/// What is known for one set of credentials. Locked while a token is being fetched.
#[derive(Default)]
struct Slot {
    kept: Option<Kept>,
    failed: Option<(Instant, Absence)>,
}

struct Kept {
    token: Token,
    until: Instant,
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
        Self { client, metadata_client, slots: Mutex::default() }
    }

    /// A token for `credentials` that is good at least for one request more.
    pub(crate) async fn get(
        &self,
        credentials: &Credentials<'_>,
        session: &Session,
        now: Time,
    ) -> Result<Token, NoToken> {
        let asked = Instant::now();
        let credentials = Exact::of(credentials).await?;
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).of(credentials.digest());
        let Ok(mut slot) = timeout_at(session.deadline(), slot.lock()).await else {
            return Err(NoToken::Absent(session.no_token()));
        };
        if let Some(kept) = slot.kept.as_ref().filter(|kept| Instant::now() < kept.until) {
            return Ok(kept.token.clone());
        }
        // Whoever waited while another one failed takes its answer: a key that is refused
        // is sent once a poll, not once an object.
        if let Some((_, absence)) = slot.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(NoToken::Absent(absence.clone()));
        }
        match self.fetch(&credentials, session, now).await {
            Ok(kept) => Ok(slot.kept.insert(kept).token.clone()),
            Err(NoToken::Absent(absence)) => {
                slot.failed = Some((Instant::now(), absence.clone()));
                Err(NoToken::Absent(absence))
            }
            Err(unusable) => Err(unusable),
        }
    }

    /// Forgets `token`, which an API refused, so that a new one is fetched.
    pub(crate) async fn forget(&self, token: &Token, session: &Session) {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).of(token.digest);
        let slot = timeout_at(session.deadline(), slot.lock()).await;
        if let Ok(mut slot) = slot
            && slot.kept.as_ref().is_some_and(|kept| kept.token == *token)
        {
            slot.kept = None;
        }
    }

    /// How a key is exchanged: by which client, where and with which form.
    fn exchange(&self, json: &[u8], now: Time) -> Result<(&HttpClient, Url, Option<String>), NoToken> {
        let key = ServiceAccountKey::parse(json).map_err(NoToken::Unusable)?;
        let form = assertion::form(&key, now).map_err(NoToken::Unusable)?;
        Ok((&self.client, key.token_url, Some(form)))
    }

    async fn fetch(&self, credentials: &Exact<'_>, session: &Session, now: Time) -> Result<Kept, NoToken> {
        let mut headers = Headers { accept: "application/json", secret: HeaderMap::new() };
        let (client, url, form) = match credentials {
            Exact::Secret(json) => self.exchange(json, now)?,
            Exact::File(json) => self.exchange(json, now)?,
            Exact::Metadata(url) => {
                let flavor = HeaderName::from_static("metadata-flavor");
                headers.secret.insert(flavor, HeaderValue::from_static("Google"));
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

fn sha256(credentials: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, credentials).as_ref());
    bytes
}

impl Slots {
    fn of(&mut self, digest: Digested) -> Arc<AsyncMutex<Slot>> {
        if let Some(known) = self.by_digest.get(&digest) {
            return Arc::clone(known);
        }
        if self.by_digest.len() >= self.sweep_at {
            self.by_digest.retain(|_, slot| Arc::strong_count(slot) > 1 || is_of_use(slot));
            self.sweep_at = (self.by_digest.len() * 2).max(64);
        }
        Arc::clone(self.by_digest.entry(digest).or_default())
    }
}

fn is_of_use(slot: &AsyncMutex<Slot>) -> bool {
    let Ok(slot) = slot.try_lock() else { return true };
    slot.kept.as_ref().is_some_and(|kept| Instant::now() < kept.until)
}

/// The token of a token endpoint's answer. Its life counts from before it was asked for.
fn kept(answer: &Answer, began: Instant, digest: Digested) -> Option<Kept> {
    let document: Value = serde_json::from_slice(&answer.body.text()).ok()?;
    let token = Token::new(document["access_token"].as_str()?, digest)?;
    let life = Duration::from_secs(document["expires_in"].as_u64()?).min(LONGEST_LIFE);
    Some(Kept { token, until: began + (life - MARGIN.min(life / 2)) })
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
    fn credentials_that_nobody_uses_are_forgotten() {
        let mut slots = Slots::default();
        let digest = Digested::Operator([255; 32]);
        let used = slots.of(digest);
        for number in 0..1000_u16 {
            let mut number_of = [0; 32];
            number_of[..2].copy_from_slice(&number.to_be_bytes());
            slots.of(Digested::Secret(number_of));
        }
        assert!(slots.by_digest.len() <= 130, "{}", slots.by_digest.len());
        assert!(Arc::ptr_eq(&used, &slots.of(digest)));
    }

    #[test]
    fn no_secret_leads_to_the_operators_token() {
        let url: Url = "http://metadata.google.internal/token".parse().unwrap();
        let operator = Exact::Metadata(&url).digest();
        assert!(operator != Exact::Secret(url.as_str().as_bytes()).digest());
        assert!(Exact::File(b"{}".to_vec()).digest() != Exact::Secret(b"{}").digest());
    }
}
