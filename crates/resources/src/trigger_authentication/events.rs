//! Events on authentications, by KEDA's reasons and words.

use super::{CLUSTER_TRIGGER_AUTHENTICATION, TRIGGER_AUTHENTICATION};
use crate::events::Announcement;
use crate::supporting::Step;

/// What happened to a TriggerAuthentication.
pub(super) fn of_namespaced(step: Step, name: &str) -> Announcement {
    match step {
        // KEDA gives both kinds one reason and one sentence for it.
        Step::Changed => of_cluster(step, name),
        Step::Added | Step::Deleted => of(TRIGGER_AUTHENTICATION.kind, step, name),
    }
}

/// What happened to a ClusterTriggerAuthentication.
pub(super) fn of_cluster(step: Step, name: &str) -> Announcement {
    of(CLUSTER_TRIGGER_AUTHENTICATION.kind, step, name)
}

fn of(kind: &str, step: Step, name: &str) -> Announcement {
    let (action, word, note) = match step {
        Step::Added => ("Created", "Added", format!("New {kind} configured")),
        Step::Changed => ("Updated", "Updated", format!("{kind} {name} is updated")),
        Step::Deleted => ("Removed", "Deleted", format!("{kind} was deleted")),
    };
    Announcement { is_warning: false, action, reason: format!("{kind}{word}"), note }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_4_10_reasons_and_words_are_kedas() {
        let said = |announcement: Announcement| (announcement.reason, announcement.note);
        for (found, reason, note) in [
            (
                of_namespaced(Step::Added, "a"),
                "TriggerAuthenticationAdded",
                "New TriggerAuthentication configured",
            ),
            (
                of_namespaced(Step::Deleted, "a"),
                "TriggerAuthenticationDeleted",
                "TriggerAuthentication was deleted",
            ),
            (
                of_namespaced(Step::Changed, "a"),
                "ClusterTriggerAuthenticationUpdated",
                "ClusterTriggerAuthentication a is updated",
            ),
            (
                of_cluster(Step::Added, "a"),
                "ClusterTriggerAuthenticationAdded",
                "New ClusterTriggerAuthentication configured",
            ),
            (
                of_cluster(Step::Changed, "a"),
                "ClusterTriggerAuthenticationUpdated",
                "ClusterTriggerAuthentication a is updated",
            ),
            (
                of_cluster(Step::Deleted, "a"),
                "ClusterTriggerAuthenticationDeleted",
                "ClusterTriggerAuthentication was deleted",
            ),
        ] {
            assert_eq!(said(found), (reason.to_owned(), note.to_owned()));
        }
    }
}
