//! Addresses: read from settings, and shown without what may be secret in them.

use engine::Fault;
use reqwest::Url;

use crate::values::fault::{invalid, quoted};

/// An http or https URL without credentials, or what is wrong with it.
pub(crate) fn parse_http_url(text: &str) -> Result<Url, Fault> {
    // What cannot be parsed cannot be stripped of its secrets either, so it is not repeated.
    let url =
        Url::parse(text).map_err(|error| Fault::invalid(format!("must be an http or https URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(quoted(&shown(&url)), "must be an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::invalid(
            "must not contain a user or password: put the header that the endpoint expects into a secret and \
             name it in headersFrom",
        ));
    }
    Ok(url)
}

/// Longest address that messages show, in characters.
const MAX_SHOWN: usize = 200;

/// An address for people, without what may be secret: user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let full = format!("{}{}", shown_origin(url), url.path());
    if full.chars().count() <= MAX_SHOWN {
        return full;
    }
    full.chars().take(MAX_SHOWN).chain(['…']).collect()
}

/// Scheme, host and port of an address, for people.
pub(crate) fn shown_origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (url, expected) in [
            ("http://user:pass@host:8080/a/b?token=s#f", "http://host:8080/a/b"),
            ("https://[::1]:443/", "https://[::1]/"),
            ("http://2852039166/", "http://169.254.169.254/"),
        ] {
            assert_eq!(shown(&url.parse().unwrap()), expected);
        }
        let long = shown(&format!("http://host/{}", "a".repeat(500)).parse().unwrap());
        assert_eq!(long.chars().count(), MAX_SHOWN + 1);
    }
}
