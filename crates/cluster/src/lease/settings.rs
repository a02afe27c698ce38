//! Which Lease is held, by whom and for how long; and what to do where the API server refuses it.

use std::time::Duration;

use super::rivals::Installation;
use crate::refusal::{Asked, Cause, Refusal};

/// How the Lease is held.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Namespace of the Lease.
    pub namespace: String,
    /// How people set that namespace, for advice: a flag or a variable.
    pub namespace_set_by: &'static str,
    /// Name of the Lease: replicas that use the same one elect a leader among them.
    pub name: String,
    /// Who this replica is; unique among them.
    pub identity: String,
    /// Host and port at which other replicas reach this one while it leads; `None` where they do not.
    pub peer_address: Option<String>,
    /// For how long others leave the Lease alone after it last changed. At least 3 s.
    pub duration: Duration,
    /// On what this installation acts, where it acts on objects of the cluster: another one that acts on the same is
    /// looked for by its Lease.
    pub installation: Option<Installation>,
}

impl LeaseSettings {
    /// For how long the holder may write after a renewal was sent: two thirds of the duration.
    pub(super) fn right_to_write(&self) -> Duration {
        self.duration * 2 / 3
    }

    /// Time between two attempts to renew or take over: two fifteenths of the duration (2 s of 15 s).
    pub(super) fn retry(&self) -> Duration {
        self.duration * 2 / 15
    }

    /// A request about the Lease.
    pub(super) fn asked(&self, verb: &'static str) -> Asked {
        Asked {
            verb,
            group: "coordination.k8s.io".to_owned(),
            resource: "leases".to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            ..Asked::default()
        }
    }

    /// What to do about a refusal.
    pub(super) fn advice(&self, Refusal { cause, message }: Refusal) -> String {
        let Self { namespace, name, namespace_set_by, .. } = self;
        match cause {
            Some(Cause::MissingRight | Cause::Forbidden) => format!(
                "lease {namespace}/{name}: grant get, create and update on leases.coordination.k8s.io \
                 ({message})"
            ),
            Some(Cause::NotFound) => format!(
                "lease {namespace}/{name}: create the namespace, or name another with {namespace_set_by} \
                 ({message})"
            ),
            _ => format!("lease {namespace}/{name}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do_about_the_lease() {
        let settings = LeaseSettings {
            namespace: "system".to_owned(),
            namespace_set_by: "--lease-namespace",
            name: "polyscaler".to_owned(),
            identity: "one".to_owned(),
            peer_address: None,
            duration: Duration::from_secs(15),
            installation: None,
        };
        let advice =
            |cause| settings.advice(Refusal { cause, message: "as the API server puts it".to_owned() });
        for (cause, words) in [
            (Some(Cause::MissingRight), "grant get, create and update on leases.coordination.k8s.io"),
            (Some(Cause::Forbidden), "grant get, create and update on leases.coordination.k8s.io"),
            (Some(Cause::NotFound), "create the namespace, or name another with --lease-namespace"),
            (Some(Cause::AdmissionPolicy), "as the API server puts it"),
            (None, "as the API server puts it"),
        ] {
            let advice = advice(cause);
            assert!(advice.starts_with("lease system/polyscaler: ") && advice.contains(words), "{advice}");
        }
        assert_eq!(settings.asked("update").to_string(), "update on leases.coordination.k8s.io");
    }
}
