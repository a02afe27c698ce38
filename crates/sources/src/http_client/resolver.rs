//! Name resolution that leaves out addresses which must not be called.
//!
//! The connection is made to the very addresses that were checked here, so a name
//! that answers differently a moment later (DNS rebinding) gains nothing.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{AddressPolicy, Refused};

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
            let permitted = permitted(&policy, found)?;
            if permitted.is_empty() {
                return Err(Unresolved.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// The addresses that may be called; a refusal where there were some and none may.
fn permitted(
    policy: &AddressPolicy,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Refused> {
    let mut refusal = None;
    let mut permitted = Vec::new();
    for address in found {
        match policy.check(address.ip()) {
            Ok(()) => permitted.push(address),
            Err(refused) => refusal = Some(refused),
        }
    }
    match refusal {
        Some(refused) if permitted.is_empty() => Err(refused),
        _ => Ok(permitted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(addresses: &[&str]) -> Result<Vec<SocketAddr>, Refused> {
        let found = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0));
        permitted(&AddressPolicy::default(), found)
    }

    #[test]
    fn refused_addresses_are_left_out() {
        let mixed = filter(&["169.254.169.254", "10.0.0.1", "fe80::1"]).unwrap();
        assert_eq!(mixed, ["10.0.0.1:0".parse().unwrap()]);
    }

    #[test]
    fn a_name_with_refused_addresses_only_is_refused() {
        assert!(filter(&["169.254.169.254", "::ffff:169.254.169.254"]).is_err());
        assert_eq!(filter(&[]), Ok(vec![]));
    }
}
