//! How a server is got at: who we are, and by what it is trusted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Absence, Credential, Fault, FaultKind, Holder};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};

use crate::credentials::{Credentials, wrong};
use crate::net::http_client::Headers;
use crate::net::tls::{Tls, Unusable};
use crate::values::fault::{invalid, quoted};
use crate::values::headers;
use crate::values::settings::Settings;

/// Selects the tenant on servers with many of them.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// The settings, found good.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// Headers that are no secret.
    plain: HeaderMap,
    headers_from: Option<Holder>,
    login: Option<Login>,
    authority: Option<Credential>,
    /// Certificate and key.
    identity: Option<(Credential, Credential)>,
}

#[derive(Debug)]
enum Login {
    Bearer(Credential),
    Basic { username: String, password: Credential },
}

/// What a request is made with. Printing it shows no secret.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) headers: Headers,
    pub(super) tls: Tls,
    pub(super) hidden: Hidden,
}

/// Texts that must not be repeated, even where a server sends them back.
#[derive(Default)]
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    /// The text without them.
    pub(super) fn cut_out(&self, text: &str) -> String {
        let hidden = self.0.iter().filter(|hidden| !hidden.is_empty());
        hidden.fold(text.to_owned(), |text, hidden| text.replace(hidden.as_str(), "***"))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} hidden texts", self.0.len())
    }
}

impl Access {
    /// Reads the settings. Where one is wrong the problem is noted there, and it is left out here.
    pub(super) fn parse(settings: &mut Settings<'_>, server: Option<&Url>) -> Self {
        let mut plain = settings.headers("headers");
        if let Some(tenant) = settings.optional_text("tenant") {
            match HeaderValue::from_str(tenant) {
                Ok(value) => drop(plain.insert(TENANT, value)),
                Err(_) => settings.refuse("tenant", invalid(quoted(tenant), "must be the value of a header")),
            }
        }
        let headers_from = settings.secret("headersFrom");
        let login = login(settings);
        let authority = settings.credential("caFrom");
        let identity = both(settings, "certFrom", "keyFrom");
        let is_plain = server.is_some_and(|server| server.scheme() == "http");
        for (field, given) in [("caFrom", authority.is_some()), ("certFrom", identity.is_some())] {
            if given && is_plain {
                let why = "serverAddress is an http address, which does not use TLS";
                settings.refuse(field, Fault::forbidden(why));
            }
        }
        Self { plain, headers_from, login, authority, identity }
    }

    /// What a request is made with, or which secret cannot be used and why.
    pub(super) fn present(&self, secrets: &Credentials) -> Result<Presented, Absence> {
        let mut headers = self.plain.clone();
        let mut hidden = Vec::new();
        if let Some(secret) = &self.headers_from {
            let from_secret = headers::from_secret(secret, secrets)?;
            for (name, value) in &from_secret {
                hidden.extend(value.to_str().into_iter().flat_map(|value| secret_parts(name, value)));
            }
            // One by one: a list would add to what is there, and not replace it.
            for (name, value) in &from_secret {
                headers.insert(name, value.clone());
            }
        }
        if let Some(login) = &self.login {
            headers.insert(AUTHORIZATION, login.header(secrets, &mut hidden)?);
        }
        let headers = Headers { accept: "application/json", secret: headers };
        Ok(Presented { headers, tls: self.tls(secrets)?, hidden: Hidden(hidden) })
    }

    fn tls(&self, secrets: &Credentials) -> Result<Tls, Absence> {
        let mut tls = Tls::default();
        if let Some(reference) = &self.authority {
            tls = tls.trusting(&secrets.value(reference)?);
        }
        if let Some((certificate, key)) = &self.identity {
            tls = tls.known_as(&secrets.value(certificate)?, &secrets.value(key)?);
        }
        // Looked at here, where it is known which secret it comes from.
        match (tls.config(&[]).err(), &self.authority, &self.identity) {
            (Some(Unusable::Authority), Some(authority), _) => Err(wrong(authority, NO_CERTIFICATE)),
            (Some(Unusable::Certificate), _, Some((certificate, _))) => {
                Err(wrong(certificate, NO_CERTIFICATE))
            }
            (Some(Unusable::Key), _, Some((_, key))) => Err(wrong(key, "is not a private key in PEM format")),
            (Some(Unusable::Pair), _, Some((_, key))) => Err(wrong(key, "does not match the certificate")),
            _ => Ok(tls),
        }
    }
}

/// What is wrong with a text where a certificate is expected.
const NO_CERTIFICATE: &str = "is not a certificate in PEM format";

impl Login {
    fn header(&self, secrets: &Credentials, hidden: &mut Vec<String>) -> Result<HeaderValue, Absence> {
        let (reference, text) = match self {
            Self::Bearer(token) => {
                let text = secrets.text(token)?;
                hidden.push(text.clone());
                (token, format!("Bearer {text}"))
            }
            Self::Basic { username, password } => {
                let text = secrets.text(password)?;
                let encoded = STANDARD.encode(format!("{username}:{text}"));
                hidden.extend([text, encoded.clone()]);
                (password, format!("Basic {encoded}"))
            }
        };
        let value = HeaderValue::from_str(&text);
        let mut value = value.map_err(|_| wrong(reference, "cannot be sent as a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn login(settings: &mut Settings<'_>) -> Option<Login> {
    let bearer = settings.credential("bearerTokenFrom");
    let username = settings.optional_text("username").map(str::to_owned);
    let password = settings.credential("passwordFrom");
    if settings.has_credential("bearerTokenFrom")
        && (settings.has("username") || settings.has_credential("passwordFrom"))
    {
        let why = "must not be set together with username and passwordFrom";
        settings.refuse("bearerTokenFrom", Fault::forbidden(why));
    }
    if username.as_ref().is_some_and(|name| name.contains(':')) {
        settings.refuse("username", Fault::invalid("must not have a colon"));
    }
    for (given, other) in [("username", "passwordFrom"), ("passwordFrom", "username")] {
        if settings.has_credential(given) && !settings.has_credential(other) {
            settings.refuse(other, Fault::new(FaultKind::Required, format!("{given} is set")));
        }
    }
    match (bearer, username, password) {
        (Some(token), ..) => Some(Login::Bearer(token)),
        (None, Some(username), Some(password)) => Some(Login::Basic { username, password }),
        _ => None,
    }
}

/// A header's value, and what of it is secret by itself: the credential behind its scheme, the password in that.
/// The longest first, so that each is cut out as a whole.
fn secret_parts(name: &HeaderName, value: &str) -> Vec<String> {
    let mut parts = vec![value.to_owned()];
    let carries_credential = [AUTHORIZATION, PROXY_AUTHORIZATION].contains(name);
    if let Some((scheme, credential)) = value.split_once(' ').filter(|_| carries_credential) {
        let credential = credential.trim();
        parts.push(credential.to_owned());
        if scheme.eq_ignore_ascii_case("basic") {
            let login = STANDARD.decode(credential).ok().and_then(|login| String::from_utf8(login).ok());
            parts.extend(login.and_then(|login| Some(login.split_once(':')?.1.to_owned())));
        }
    }
    parts
}

/// Two settings of which each needs the other.
fn both(
    settings: &mut Settings<'_>,
    one: &'static str,
    other: &'static str,
) -> Option<(Credential, Credential)> {
    let found = (settings.credential(one), settings.credential(other));
    for (given, other) in [(one, other), (other, one)] {
        if settings.has_credential(given) && !settings.has_credential(other) {
            settings.refuse(other, Fault::new(FaultKind::Required, format!("{given} is set")));
        }
    }
    found.0.zip(found.1)
}

#[cfg(test)]
mod tests;
