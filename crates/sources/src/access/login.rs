//! As whom a request shows itself: the ways that need nothing but credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Absence, Credential, Fault, FaultKind};
use reqwest::header::{HeaderName, HeaderValue};

use super::hidden::Hidden;
use crate::credentials::{Credentials, wrong};
use crate::values::fault::{invalid, quoted};
use crate::values::headers::is_framing;
use crate::values::settings::Settings;

/// What stands in the header `Authorization`.
#[derive(Debug)]
pub(super) enum Login {
    Bearer(Credential),
    Basic { username: String, password: Option<Credential> },
}

impl Login {
    pub(super) fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let bearer = settings.credential("bearerTokenFrom");
        let username = settings.optional_text("username").map(str::to_owned);
        let password = settings.credential("passwordFrom");
        let (has_user, has_password) = (settings.has("username"), settings.has_credential("passwordFrom"));
        if settings.has_credential("bearerTokenFrom") && (has_user || has_password) {
            let why = "must not be set together with username and passwordFrom";
            settings.refuse("bearerTokenFrom", Fault::forbidden(why));
        }
        if settings.has("oauth2") && (has_user || has_password || bearer.is_some()) {
            let why = "must not be set together with bearerTokenFrom, username and passwordFrom";
            settings.refuse("oauth2", Fault::forbidden(why));
        }
        if username.as_ref().is_some_and(|name| name.contains(':')) {
            settings.refuse("username", Fault::invalid("must not have a colon"));
        }
        if has_password && !has_user {
            settings.refuse("username", Fault::new(FaultKind::Required, "passwordFrom is set"));
        }
        if has_user && !has_password {
            settings.warn("username", "without passwordFrom, the password that is sent is empty");
        }
        match (bearer, username) {
            (Some(token), _) => Some(Self::Bearer(token)),
            (None, Some(username)) => Some(Self::Basic { username, password }),
            (None, None) => None,
        }
    }

    pub(super) fn header(&self, secrets: &Credentials, hidden: &mut Hidden) -> Result<HeaderValue, Absence> {
        match self {
            Self::Bearer(token) => {
                let text = secrets.text(token)?;
                hidden.add(&text);
                secret_value(&format!("Bearer {text}"), token)
            }
            Self::Basic { username, password } => {
                let text = password.as_ref().map(|password| secrets.text(password)).transpose()?;
                let text = text.unwrap_or_default();
                let encoded = STANDARD.encode(format!("{username}:{text}"));
                hidden.add(text);
                hidden.add(&encoded);
                let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
                    .unwrap_or_else(|error| unreachable!("base64 is a header's value: {error}"));
                value.set_sensitive(true);
                Ok(value)
            }
        }
    }
}

/// A header of the object's own choice, whose value is secret.
#[derive(Debug)]
pub(super) struct SecretHeader {
    name: HeaderName,
    value: Credential,
}

impl SecretHeader {
    pub(super) fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        settings.section("authHeader", |header| {
            let name = header.parsed("name", header_name);
            let value = header.credential("valueFrom");
            if !header.has_credential("valueFrom") {
                header.refuse("valueFrom", Fault::required());
            }
            Some(Self { name: name?, value: value? })
        })?
    }

    pub(super) fn header(
        &self,
        secrets: &Credentials,
        hidden: &mut Hidden,
    ) -> Result<(HeaderName, HeaderValue), Absence> {
        let text = secrets.text(&self.value)?;
        hidden.add_header(&self.name, &text);
        Ok((self.name.clone(), secret_value(&text, &self.value)?))
    }
}

/// A key that is sent in a header or in the query.
#[derive(Debug)]
pub(super) struct ApiKey {
    key: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Header(HeaderName),
    Query(String),
}

impl ApiKey {
    pub(super) fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        settings.section("apiKey", |section| {
            if section.is_written("key") {
                section.warn(
                    "key",
                    "whoever may read the object can read it; put it into a secret and name \
                                     that in keyFrom",
                );
            }
            let key = section.parsed("key", |text| match HeaderValue::from_str(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => Err(Fault::invalid("must be a key that can be sent as a header")),
            });
            let in_header = section.one_of("in", &[("header", true), ("query", false)])?;
            let name =
                section.optional_text("name").unwrap_or(if in_header { "X-API-KEY" } else { "api_key" });
            let place = match in_header {
                false => Place::Query(name.to_owned()),
                true => match header_name(name) {
                    Ok(name) => Place::Header(name),
                    Err(fault) => {
                        section.refuse("name", fault);
                        return None;
                    }
                },
            };
            Some(Self { key: key?, place })
        })?
    }

    pub(super) fn header(&self, hidden: &mut Hidden) -> Option<(HeaderName, HeaderValue)> {
        hidden.add(&self.key);
        let Place::Header(name) = &self.place else { return None };
        let mut value = HeaderValue::from_str(&self.key).ok()?;
        value.set_sensitive(true);
        Some((name.clone(), value))
    }

    /// Name and value of a parameter.
    pub(super) fn parameter(&self) -> Option<(&str, &str)> {
        match &self.place {
            Place::Query(name) => Some((name, &self.key)),
            Place::Header(_) => None,
        }
    }
}

fn header_name(text: &str) -> Result<HeaderName, Fault> {
    let name = HeaderName::from_bytes(text.as_bytes());
    let name = name.map_err(|_| invalid(quoted(text), "must be the name of a header"))?;
    if is_framing(&name) {
        return Err(Fault::forbidden("this header frames the request and must not be set"));
    }
    Ok(name)
}

fn secret_value(text: &str, credential: &Credential) -> Result<HeaderValue, Absence> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| wrong(credential, "cannot be sent as a header"))?;
    value.set_sensitive(true);
    Ok(value)
}
