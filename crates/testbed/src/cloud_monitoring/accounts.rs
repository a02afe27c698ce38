//! Service accounts: their keys, the tokens they were exchanged for, and what these may read.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::SignatureScheme;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{error, now};
use crate::metric_server::Answer;
use crate::ports::random_u64;
use crate::programs::{self, OPENSSL};

/// Scopes that let a token read metrics.
const SCOPES: [&str; 3] = [
    "https://www.googleapis.com/auth/monitoring.read",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/cloud-platform",
];

/// Longest life of an assertion.
const LONGEST_ASSERTION: i64 = 3600;

/// A service account and its key.
#[derive(Clone)]
pub struct ServiceAccount {
    /// Its e-mail address.
    pub email: String,
    /// Its private key, PEM with PKCS #8, to look for where it must not be.
    pub private_key: String,
    /// The key as Google's console hands it out: JSON.
    pub key_json: String,
    key_id: String,
    public_key: Vec<u8>,
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

impl ServiceAccount {
    /// A new key of 2048 bits. The programs of the tree that make keys make none with RSA.
    pub(super) async fn new(name: &str, token_uri: &str) -> anyhow::Result<Self> {
        let generate = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let private_key = String::from_utf8(openssl(&generate, b"").await?)?;
        let public = ["rsa", "-RSAPublicKey_out", "-outform", "DER"];
        let public_key = openssl(&public, private_key.as_bytes()).await?;
        let key_id = format!("{:016x}{:016x}", random_u64(), random_u64());
        let email = format!("{name}@shop.iam.gserviceaccount.com");
        let key_json = json!({
            "type": "service_account",
            "project_id": "shop",
            "private_key_id": key_id,
            "private_key": private_key,
            "client_email": email,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        });
        Ok(Self { email, private_key, key_json: key_json.to_string(), key_id, public_key })
    }
}

async fn openssl(args: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let program = tokio::task::spawn_blocking(|| programs::ensure(&OPENSSL, &mut |_| {})).await??;
    let mut process = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot run openssl")?;
    process.stdin.take().context("openssl without an input")?.write_all(input).await?;
    let output = process.wait_with_output().await.context("cannot wait for openssl")?;
    ensure!(output.status.success(), "openssl {} failed ({})", args.join(" "), output.status);
    Ok(output.stdout)
}

/// All accounts and tokens.
#[derive(Debug)]
pub(super) struct Accounts {
    token_uri: String,
    pub(super) life: Duration,
    by_key: BTreeMap<String, Account>,
    metadata: Option<BTreeSet<String>>,
    tokens: BTreeMap<String, Issued>,
}

#[derive(Debug)]
struct Account {
    email: String,
    public_key: Vec<u8>,
    projects: BTreeSet<String>,
}

#[derive(Debug)]
struct Issued {
    projects: BTreeSet<String>,
    until: Timestamp,
}

impl Accounts {
    pub(super) fn new(token_uri: String) -> Self {
        let (by_key, tokens) = (BTreeMap::new(), BTreeMap::new());
        Self { token_uri, life: Duration::from_secs(3600), by_key, metadata: None, tokens }
    }

    pub(super) fn add(&mut self, account: &ServiceAccount, projects: &[&str]) {
        let ServiceAccount { email, key_id, public_key, .. } = account.clone();
        self.by_key.insert(key_id, Account { email, public_key, projects: owned(projects) });
    }

    pub(super) fn lend(&mut self, projects: &[&str]) {
        self.metadata = Some(owned(projects));
    }

    pub(super) fn withdraw(&mut self, account: &ServiceAccount) {
        self.by_key.remove(&account.key_id);
    }

    pub(super) fn expire_all(&mut self) {
        self.tokens.values_mut().for_each(|token| token.until = Timestamp::MIN);
    }

    pub(super) fn issued(&self) -> Vec<String> {
        self.tokens.keys().cloned().collect()
    }

    /// Whether the token of a request may read `project`.
    pub(super) fn check(&self, headers: &HeaderMap, project: &str) -> Result<(), Answer> {
        let unauthenticated = |why| error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", why);
        let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let presented = presented.and_then(|value| value.strip_prefix("Bearer "));
        let presented = presented.ok_or_else(|| unauthenticated("the request has no bearer token"))?;
        let token = self.tokens.get(presented).ok_or_else(|| unauthenticated("the token is not known"))?;
        if now() >= token.until {
            return Err(unauthenticated("the token has expired"));
        }
        if !token.projects.contains(project) {
            let why = "Permission monitoring.timeSeries.list denied (or the resource may not exist).";
            return Err(error(StatusCode::FORBIDDEN, "PERMISSION_DENIED", why));
        }
        Ok(())
    }

    /// The metadata server's answer.
    pub(super) fn metadata(&mut self, headers: &HeaderMap) -> Answer {
        if headers.get("metadata-flavor").is_none_or(|flavor| flavor != "Google") {
            return Answer::text(StatusCode::FORBIDDEN, "the header Metadata-Flavor: Google is missing");
        }
        if headers.contains_key("x-forwarded-for") {
            return Answer::text(StatusCode::FORBIDDEN, "forwarded requests are refused");
        }
        match self.metadata.clone() {
            Some(projects) => self.issue(projects),
            None => Answer::text(StatusCode::NOT_FOUND, "there is no service account"),
        }
    }

    /// The token endpoint's answer.
    pub(super) fn exchange(&mut self, headers: &HeaderMap, form: &str) -> Answer {
        match self.asserted(headers, form) {
            Ok(projects) => self.issue(projects),
            Err((name, description)) => {
                let body = json!({ "error": name, "error_description": description });
                Answer::json_with(StatusCode::BAD_REQUEST, &body)
            }
        }
    }

    fn issue(&mut self, projects: BTreeSet<String>) -> Answer {
        let token = format!("ya29.{:016x}{:016x}", random_u64(), random_u64());
        let until = now().checked_add(self.life).unwrap_or(Timestamp::MAX);
        self.tokens.insert(token.clone(), Issued { projects, until });
        Answer::json(&json!({
            "access_token": token,
            "expires_in": self.life.as_secs(),
            "token_type": "Bearer",
        }))
    }

    /// The projects of the account that signed the assertion, or an error's name and description.
    fn asserted(
        &self,
        headers: &HeaderMap,
        form: &str,
    ) -> Result<BTreeSet<String>, (&'static str, &'static str)> {
        let form_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if form_type != Some("application/x-www-form-urlencoded") {
            return Err(("invalid_request", "the body must be a form"));
        }
        let fields = super::filter::decoded(form);
        let field =
            |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if field("grant_type") != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return Err(("unsupported_grant_type", "the grant type is not that of an assertion"));
        }
        let refuse = |why| ("invalid_grant", why);
        let assertion = field("assertion").ok_or(refuse("there is no assertion"))?;
        let (message, signature) = assertion.rsplit_once('.').ok_or(refuse("not a JSON Web Token"))?;
        let (head, claims) = message.split_once('.').ok_or(refuse("not a JSON Web Token"))?;
        let (head, claims) = part(head).zip(part(claims)).ok_or(refuse("not a JSON Web Token"))?;
        if head["alg"] != "RS256" || head["typ"] != "JWT" {
            return Err(refuse("the algorithm must be RS256"));
        }
        let account = head["kid"].as_str().and_then(|id| self.by_key.get(id));
        let account = account.ok_or(refuse("Invalid grant: account not found"))?;
        if !verified(&account.public_key, message, signature) {
            return Err(refuse("Invalid JWT Signature."));
        }
        self.check_claims(account, &claims).map_err(refuse)?;
        Ok(account.projects.clone())
    }

    fn check_claims(&self, account: &Account, claims: &Value) -> Result<(), &'static str> {
        let (issued, expires) =
            claims["iat"].as_i64().zip(claims["exp"].as_i64()).ok_or("iat and exp are missing")?;
        let now = now().as_second();
        let scopes = claims["scope"].as_str().unwrap_or_default();
        let checks = [
            (claims["iss"] == account.email.as_str(), "iss is another account"),
            (claims["aud"] == self.token_uri.as_str(), "aud is not this endpoint"),
            (scopes.split(' ').any(|scope| SCOPES.contains(&scope)), "scope does not let read metrics"),
            (issued <= now, "iat lies in the future"),
            (now < expires, "the assertion has expired"),
            (issued < expires && expires - issued <= LONGEST_ASSERTION, "exp must be within an hour of iat"),
        ];
        checks.into_iter().find(|(good, _)| !good).map_or(Ok(()), |(_, why)| Err(why))
    }
}

fn owned(projects: &[&str]) -> BTreeSet<String> {
    projects.iter().map(ToString::to_string).collect()
}

fn part(encoded: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

fn verified(public_key: &[u8], message: &str, signature: &str) -> bool {
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
    let provider = rustls::crypto::ring::default_provider();
    let known = provider.signature_verification_algorithms.mapping.iter();
    let rs256 = known.filter(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
    rs256
        .flat_map(|(_, algorithms)| algorithms.iter())
        .any(|algorithm| algorithm.verify_signature(public_key, message.as_bytes(), &signature).is_ok())
}
