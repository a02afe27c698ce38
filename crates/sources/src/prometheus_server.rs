//! The address of a Prometheus server: in an object, or the operator's for objects that name none.

use std::str::FromStr;

use engine::Fault;
use reqwest::Url;

use crate::values::fault::{invalid, quoted};
use crate::values::url::parse_http_url;
use crate::values::url::shown;

/// The page that answers instant queries.
const PAGE: &str = "/api/v1/query";

/// The address of a Prometheus server, without the page that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress(Url);

impl ServerAddress {
    /// An address that [`base`] has made.
    pub(crate) fn new(base: Url) -> Self {
        Self(base)
    }

    /// The address that answers queries over the past.
    pub(crate) fn range_endpoint(&self) -> Url {
        let mut url = self.endpoint();
        let path = format!("{}_range", url.path());
        url.set_path(&path);
        url
    }

    /// The address that answers instant queries.
    pub(crate) fn endpoint(&self) -> Url {
        let mut url = self.0.clone();
        let path = format!("{}{PAGE}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_http_url(text).and_then(base).map(Self).map_err(|fault| fault.to_string())
    }
}

/// The server's address, whether or not it ends with a slash or with the page itself.
pub(crate) fn base(mut url: Url) -> Result<Url, Fault> {
    if url.fragment().is_some() {
        return Err(invalid(quoted(&shown(&url)), "must not have a fragment"));
    }
    if url.query_pairs().any(|(name, _)| name == "query") {
        return Err(invalid(
            quoted(&shown(&url)),
            "must not have a parameter query; set the field query instead",
        ));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(PAGE).unwrap_or(path).trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The server that is asked where an object names none.
#[derive(Clone, Debug)]
pub(crate) enum DefaultServer {
    /// What the operator will have is not known here, as when a manifest is checked.
    Unknown,
    /// The operator has none.
    None,
    /// The operator's.
    Known(ServerAddress),
}

impl DefaultServer {
    pub(crate) fn known(&self) -> Option<&ServerAddress> {
        match self {
            Self::Known(server) => Some(server),
            Self::Unknown | Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_found_from_every_spelling() {
        for (address, endpoint) in [
            ("http://p:9090", "http://p:9090/api/v1/query"),
            ("http://p:9090/", "http://p:9090/api/v1/query"),
            ("http://p/prometheus/", "http://p/prometheus/api/v1/query"),
            ("https://p/api/v1/query", "https://p/api/v1/query"),
            ("https://p/a/api/v1/query/?dedup=true", "https://p/a/api/v1/query?dedup=true"),
            (
                "http://p/api/prom?partial_response=false",
                "http://p/api/prom/api/v1/query?partial_response=false",
            ),
        ] {
            assert_eq!(address.parse::<ServerAddress>().unwrap().endpoint().as_str(), endpoint);
        }
    }

    #[test]
    fn what_is_no_server_is_refused_without_its_secrets() {
        for address in
            ["p:9090", "ftp://p", "http://ann:hunter2@p", "http://p/#a", "http://p?query=hunter2", ""]
        {
            let refused = address.parse::<ServerAddress>().unwrap_err();
            assert!(refused.starts_with("Invalid value: ") && !refused.contains("hunter2"), "{refused}");
        }
    }
}
