//! What sources share to reach the world, made once and handed to each of them.

use std::sync::Arc;

use crate::address::AddressPolicy;
use crate::http_client::HttpClient;

/// What sources share to reach the world.
pub(crate) struct Clients {
    pub(crate) http: Arc<HttpClient>,
    /// For sources that connect by themselves.
    pub(crate) policy: AddressPolicy,
}

impl Clients {
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        Self { http: Arc::new(HttpClient::new(policy.clone())), policy }
    }
}
