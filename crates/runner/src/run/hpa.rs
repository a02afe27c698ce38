//! What the loop does about HPAs: foreign ones own their targets, and those that objects of ours keep are
//! looked at again when someone changes them.

use super::*;
use crate::keep::{Keeps, withdraw};

impl Runner {
    pub(super) fn hpa(&mut self, hpa: (String, String), target: Option<Target>, controller: Option<String>) {
        self.terms.owners.hpa(hpa.clone(), target.as_ref(), controller.clone());
        let mut keepers = self.ownership.keepers(&hpa, controller.as_deref());
        let concerned = self.ownership.hpa(hpa.clone(), target, controller.clone());
        keepers.extend(self.ownership.keepers(&hpa, controller.as_deref()));
        self.reconsider(concerned);
        let can_be_polled = |key: &ObjectKey| {
            let entry = self.entries.get_mut(key);
            entry.is_some_and(|entry| entry.wake_for_kept())
        };
        let due = keepers.into_iter().filter(can_be_polled).collect();
        self.wake(due);
    }

    /// Deletes the HPA of an object that has lost its target.
    pub(super) fn withdraw_hpa(&mut self, key: &ObjectKey, plan: Arc<Plan>) {
        let Some(entry) = self.entries.get_mut(key).filter(|_| plan.actuation.hpa().is_some()) else {
            return;
        };
        let (revoke, revoked) = watch::channel(false);
        let (kind, uid, memory) = (entry.kind, entry.identity.uid.clone(), entry.memory().clone());
        let (services, owner, kept_by) = (self.services.clone(), key.clone(), Arc::clone(&plan));
        let withdraw = async move {
            let keeps = Keeps { key: &owner, kind, uid: &uid, plan: &kept_by, revoked: &revoked };
            if let Err(failure) = withdraw(&services, keeps).await {
                tracing::warn!(object = %owner, why = failure.message, "its HPA could not be deleted, \
                     retrying");
            }
            Finished { ask_last_scaled: true, ..Finished::without_outcome(memory) }
        };
        self.spawn(key, plan, revoke, withdraw);
    }
}
