//! Which Leases live: those that change, counted on this machine's clock.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use kube::ResourceExt as _;
use tokio::time::Instant;

/// Namespace and name.
type Key = (String, String);

fn key(lease: &LeaseObject) -> Key {
    (lease.namespace().unwrap_or_default(), lease.name_any())
}

/// The version of each Lease, and when it last changed.
#[derive(Debug, Default)]
pub(super) struct Living(HashMap<Key, (Option<String>, Instant)>);

impl Living {
    /// Forgets all but these.
    pub(super) fn keep(&mut self, leases: &[LeaseObject]) {
        let listed: HashSet<_> = leases.iter().map(key).collect();
        self.0.retain(|known, _| listed.contains(known));
    }

    /// Whether whoever writes the Lease has not fallen silent. One that was not known before lives for its duration.
    pub(super) fn lives(&mut self, lease: &LeaseObject, now: Instant) -> bool {
        let version = lease.resource_version();
        let known = self.0.entry(key(lease)).or_insert_with(|| (version.clone(), now));
        if known.0 != version {
            *known = (version, now);
        }
        let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
        let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        now.saturating_duration_since(known.1) < duration
    }
}
