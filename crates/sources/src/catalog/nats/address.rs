//! Where a server is asked, and for which page.

use reqwest::Url;

/// Where a server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The monitoring port, with the path before `/jsz` if there is one.
    pub(super) base: Url,
    /// Whether it stands in the object. Only such an address is sent the object's secret.
    pub(super) given: bool,
}

/// The address of one of the monitoring port's pages.
pub(super) fn endpoint(base: &Url, name: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}
