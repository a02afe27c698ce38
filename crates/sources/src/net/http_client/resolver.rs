//! Name resolution that leaves out addresses which must not be called.
//!
//! The connection is made to the very addresses that were checked here, so a name
//! that answers differently a moment later (DNS rebinding) gains nothing.

use std::fmt;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::net::address::AddressPolicy;

/// The system's resolver behind the address policy.
pub(super) struct GuardedResolver {
    policy: Arc<AddressPolicy>,
}

/// The name leads to no address.
#[derive(Debug)]
pub(super) struct Unresolved;

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its name does not resolve")
    }
}

impl std::error::Error for Unresolved {}

impl GuardedResolver {
    pub(super) fn new(policy: Arc<AddressPolicy>) -> Self {
        Self { policy }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Unresolved)?;
            let permitted = policy.permitted(found)?;
            if permitted.is_empty() {
                return Err(Unresolved.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
