//! What the Lease holds. Pure.

use engine::Time;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt as _;
use kube::api::ObjectMeta;

use super::settings::LeaseSettings;

/// The annotation of the Lease with the address at which replicas reach its holder.
const PEER_ADDRESS: &str = "polyscaler.dev/peer-address";

/// `found`, or a new Lease, as it is when the replica of `settings` holds it from `now` on.
pub(super) fn claimed(found: Option<Lease>, settings: &LeaseSettings, now: Time) -> Lease {
    let mut lease = renewed(found, settings, now);
    let annotations = lease.metadata.annotations.get_or_insert_default();
    match &settings.peer_address {
        Some(address) => annotations.insert(PEER_ADDRESS.to_owned(), address.clone()),
        None => annotations.remove(PEER_ADDRESS),
    };
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_ref() != Some(&settings.identity) {
        spec.holder_identity = Some(settings.identity.clone());
        spec.acquire_time = spec.renew_time.clone();
        spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count + 1));
    }
    lease
}

/// `found`, or a new Lease, as it is while the installation of `settings` stands back: nobody holds it, and others see
/// that it changes.
pub(super) fn standing_back(found: Option<Lease>, settings: &LeaseSettings, now: Time) -> Lease {
    let mut lease = renewed(found, settings, now);
    lease.spec.get_or_insert_default().holder_identity = Some(String::new());
    lease
}

/// `found`, or a new Lease, renewed at `now`.
fn renewed(found: Option<Lease>, settings: &LeaseSettings, now: Time) -> Lease {
    let mut lease = found.unwrap_or_else(|| Lease {
        metadata: ObjectMeta { name: Some(settings.name.clone()), ..ObjectMeta::default() },
        spec: None,
    });
    if let Some(installation) = &settings.installation {
        installation.mark(&mut lease);
    }
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    spec.renew_time = k8s_openapi::jiff::Timestamp::from_millisecond(now.as_millis()).ok().map(MicroTime);
    spec.lease_duration_seconds = i32::try_from(settings.duration.as_secs()).ok();
    lease
}

/// The Lease as it is when nobody holds it.
pub(super) fn given_back(mut lease: Lease) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    lease
}

/// The replica that holds it; empty where none does.
pub(super) fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

/// Where its holder is reached by other replicas.
pub(super) fn peer_address(lease: &Lease) -> Option<String> {
    lease.annotations().get(PEER_ADDRESS).cloned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(identity: &str, peer_address: Option<&str>) -> LeaseSettings {
        LeaseSettings {
            namespace: "system".to_owned(),
            namespace_set_by: "--lease-namespace",
            name: "polyscaler".to_owned(),
            identity: identity.to_owned(),
            peer_address: peer_address.map(str::to_owned),
            duration: Duration::from_secs(15),
            installation: None,
        }
    }

    #[test]
    fn a_lease_changes_hands_and_counts_how_often() {
        let at = |second| Time::from_seconds(second);
        let first = claimed(None, &settings("one", Some("10.0.0.1:8083")), at(10));
        assert_eq!((holder(&first), peer_address(&first).as_deref()), ("one", Some("10.0.0.1:8083")));
        let renewed = claimed(Some(first), &settings("one", Some("10.0.0.1:8083")), at(12));
        let spec = renewed.spec.as_ref().unwrap();
        assert_eq!((spec.lease_transitions, spec.lease_duration_seconds), (Some(0), Some(15)));
        assert!(spec.acquire_time < spec.renew_time);
        let taken = claimed(Some(renewed), &settings("two", None), at(30));
        assert_eq!((holder(&taken), peer_address(&taken)), ("two", None));
        assert_eq!(taken.spec.as_ref().unwrap().lease_transitions, Some(1));
        assert_eq!(holder(&given_back(taken)), "");
    }

    #[test]
    fn whoever_stands_back_holds_nothing_and_is_seen() {
        let held = claimed(None, &settings("one", None), Time::from_seconds(10));
        for found in [None, Some(held)] {
            let lease = standing_back(found, &settings("one", None), Time::from_seconds(20));
            assert_eq!(holder(&lease), "");
            let spec = lease.spec.unwrap();
            assert_eq!(spec.lease_duration_seconds, Some(15), "it lives as long as one that is held");
            assert_eq!(spec.renew_time.unwrap().0.as_second(), 20);
        }
    }
}
