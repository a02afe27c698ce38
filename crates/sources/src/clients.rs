//! What sources share to reach the world, made once and handed to each of them.

use std::sync::Arc;

use crate::access::Doorman;
use crate::net::address::AddressPolicy;
use crate::net::http_client::HttpClient;
use crate::prometheus_server::DefaultServer;

/// What sources share to reach the world.
pub(crate) struct Clients {
    pub(crate) http: Arc<HttpClient>,
    /// Gets tokens before a request.
    pub(crate) doorman: Arc<Doorman>,
    /// For sources that connect by themselves.
    pub(crate) policy: AddressPolicy,
    /// The Prometheus server of objects that name none.
    pub(crate) prometheus: DefaultServer,
}

impl Clients {
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        let http = Arc::new(HttpClient::new(policy.clone()));
        let doorman = Arc::new(Doorman::new(Arc::clone(&http)));
        Self { http, doorman, policy, prometheus: DefaultServer::Unknown }
    }
}
