//! How an HTTP server is got at: who we are, and by what it is trusted. Sources that speak HTTP share these settings.
//!
//! | setting | meaning |
//! |---|---|
//! | `bearerTokenFrom` | a token, as `{secretKeyRef: {name, key}}` like all credentials |
//! | `username`, `passwordFrom` | basic authentication |
//! | `authHeader.name`, `authHeader.valueFrom` | a header, and its value |
//! | `apiKey.key`, `apiKey.in`, `apiKey.name` | a key, sent in the `header` (default) or the `query` of this name |
//! | `oauth2` | a token of the client credentials grant ([`oauth2`]) |
//! | `certFrom`, `keyFrom`, `caFrom` | client certificate with its key, and the authorities to trust, in PEM format |
//! | `insecureSkipVerify` | any certificate is believed |
//! | `headers`, `headersFrom.secretRef.name` | further headers, without and with credentials |

mod hidden;
mod login;
mod oauth2;
mod trust;

use engine::{Absence, Holder};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::net::http_client::{Headers, HttpClient};
use crate::net::tls::Tls;
use crate::values::headers;
use crate::values::settings::Settings;
use crate::values::settings::given_later::{Form, GivenLater};
pub(crate) use hidden::Hidden;
use login::{ApiKey, Login, SecretHeader};
use oauth2::{Grant, Granted, Grants};
pub(crate) use trust::Trust;

/// What may come as a credential, too.
pub(crate) const GIVEN_LATER: [GivenLater; 9] = {
    const NAME: GivenLater =
        GivenLater { name: "username", sample: "a", must_be: "a name", form: Form::Text };
    const URL: &str = "http://any.invalid/";
    [
        GivenLater { must_be: "the name of a user, without a colon", ..NAME },
        GivenLater { name: "authHeader.name", must_be: "the name of a header", ..NAME },
        GivenLater { name: "apiKey.key", must_be: "a key that can be sent as a header", ..NAME },
        GivenLater { name: "apiKey.in", sample: "header", must_be: "header or query", ..NAME },
        GivenLater { name: "apiKey.name", must_be: "the name of a header or a parameter", ..NAME },
        GivenLater { name: "oauth2.tokenUrl", sample: URL, must_be: "an http or https URL", ..NAME },
        GivenLater { name: "oauth2.clientId", must_be: "the ID of a client", ..NAME },
        GivenLater { name: "oauth2.scopes", must_be: "scopes with commas between", form: Form::List, ..NAME },
        GivenLater {
            name: "oauth2.endpointParams",
            must_be: "parameters as in a URL",
            form: Form::Pairs,
            ..NAME
        },
    ]
};

/// The settings, found good. Most objects have none of what stands in boxes, and there is one of these for each query.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// Headers that are no secret.
    plain: Option<Box<HeaderMap>>,
    headers_from: Option<Box<Holder>>,
    login: Option<Box<Login>>,
    secret_header: Option<Box<SecretHeader>>,
    api_key: Option<Box<ApiKey>>,
    grant: Option<Box<Grant>>,
    trust: Option<Box<Trust>>,
}

/// What a request is made with. Printing it shows no secret.
pub(crate) struct Presented {
    /// Headers, those with secrets included.
    pub(crate) headers: Headers,
    /// By what the server is trusted and knows us.
    pub(crate) tls: Tls,
    /// What no message may repeat.
    pub(crate) hidden: Hidden,
    granted: Option<Granted>,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { headers, tls, hidden, granted: _ } = self;
        f.debug_struct("Presented")
            .field("headers", headers)
            .field("tls", tls)
            .field("hidden", hidden)
            .finish()
    }
}

/// Gets what has to be asked for before a request, such as tokens; shared by all sources.
pub(crate) struct Doorman {
    grants: Grants,
}

impl Doorman {
    pub(crate) fn new(client: std::sync::Arc<HttpClient>) -> Self {
        Self { grants: Grants::new(client) }
    }

    /// Notes that what was presented was refused, so that the next reading comes with a new token.
    pub(crate) async fn refused(&self, presented: &Presented) {
        if let Some(granted) = &presented.granted {
            self.grants.refused(granted).await;
        }
    }
}

impl Access {
    /// Reads the settings. Where one is wrong the problem is noted there, and it is left out here. `server` is the
    /// setting that names the server, and its address.
    pub(crate) fn parse(settings: &mut Settings<'_>, server: Option<(&str, &Url)>) -> Self {
        let plain = settings.headers("headers");
        let headers_from = settings.secret("headersFrom");
        let login = Login::parse(settings);
        let secret_header = SecretHeader::parse(settings);
        let api_key = ApiKey::parse(settings);
        let grant = Grant::parse(settings);
        let trust = Trust::parse(settings);
        if let Some((name, _)) = server.filter(|(_, server)| server.scheme() == "http") {
            trust.forbid(settings, &format!("{name} is an http address, which does not use TLS"));
        }
        let (login, secret_header) = (login.map(Box::new), secret_header.map(Box::new));
        let (api_key, grant) = (api_key.map(Box::new), grant.map(Box::new));
        let trust = (!trust.is_default()).then(|| Box::new(trust));
        let plain = (!plain.is_empty()).then(|| Box::new(plain));
        let headers_from = headers_from.map(Box::new);
        Self { plain, headers_from, login, secret_header, api_key, grant, trust }
    }

    /// Adds a header that is no secret.
    pub(crate) fn add_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.plain.get_or_insert_default().insert(name, value);
    }

    /// The address that is asked: `url`, with what is to be sent in its query.
    pub(crate) fn url(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if let Some((name, value)) = self.api_key.as_deref().and_then(ApiKey::parameter) {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    /// What a request is made with, for answers in the format `accept`; or which secret cannot be used and why.
    pub(crate) async fn present(
        &self,
        accept: &'static str,
        secrets: &Credentials,
        doorman: &Doorman,
        deadline: Instant,
    ) -> Result<Presented, Absence> {
        let mut presented = self.present_known(accept, secrets)?;
        if let Some(grant) = &self.grant {
            let granted = doorman.grants.get(grant, secrets, &presented.tls, deadline).await?;
            let mut value = HeaderValue::from_str(&format!("Bearer {}", granted.token))
                .unwrap_or_else(|error| unreachable!("looked at when it was granted: {error}"));
            value.set_sensitive(true);
            presented.hidden.add(&granted.token);
            presented.headers.secret.insert(AUTHORIZATION, value);
            presented.granted = Some(granted);
        }
        Ok(presented)
    }

    /// The same without what has to be asked for.
    fn present_known(&self, accept: &'static str, secrets: &Credentials) -> Result<Presented, Absence> {
        let mut headers = self.plain.as_deref().cloned().unwrap_or_default();
        let mut hidden = Hidden::default();
        if let Some(secret) = &self.headers_from {
            // One by one: a list would add to what is there, and not replace it.
            for (name, value) in &headers::from_secret(secret, secrets)? {
                if let Ok(value) = value.to_str() {
                    hidden.add_header(name, value);
                }
                headers.insert(name, value.clone());
            }
        }
        if let Some((name, value)) = self.api_key.as_ref().and_then(|key| key.header(&mut hidden)) {
            headers.insert(name, value);
        }
        if let Some(login) = &self.login {
            headers.insert(AUTHORIZATION, login.header(secrets, &mut hidden)?);
        }
        if let Some(header) = &self.secret_header {
            let (name, value) = header.header(secrets, &mut hidden)?;
            headers.insert(name, value);
        }
        let headers = Headers { accept, secret: headers };
        let tls = self.trust.as_ref().map(|trust| trust.tls(secrets)).transpose()?.unwrap_or_default();
        Ok(Presented { headers, tls, hidden, granted: None })
    }
}

#[cfg(test)]
mod tests;
