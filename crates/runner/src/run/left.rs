//! Objects that are left to someone else, who acts on them by the same API: nothing is polled for them, and nothing is
//! written, not even their status, which is the other's. What they scale stays theirs.

use super::*;

impl Runner {
    /// Leaves all objects of `group` to `who`, or takes them back.
    pub(super) fn leave_to(&mut self, group: &'static str, who: Option<String>) {
        let keys: Vec<ObjectKey> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.kind.group == group)
            .map(|(key, _)| key.clone())
            .collect();
        match who {
            Some(who) => {
                tracing::warn!(
                    group,
                    other = who,
                    objects = keys.len(),
                    "objects of this group are left to the other operator, which is active: nothing is polled or written for them until it is uninstalled, or --beside-keda is set"
                );
                self.left_to.insert(group, who);
                keys.iter().for_each(|key| self.leave(key));
            }
            None => {
                if self.left_to.remove(group).is_some() {
                    tracing::info!(
                        group,
                        objects = keys.len(),
                        "the other operator is gone, objects of this group are scaled from here"
                    );
                }
            }
        }
        keys.iter().for_each(|key| self.listen(key));
        // Those that are left are only shown then.
        self.wake(keys);
    }

    fn leave(&mut self, key: &ObjectKey) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.stand_back();
        entry.due = None;
        self.services.metrics.stands(key.kind, &mut entry.reported.standing, Standing::default());
        self.services.outages.forget(key, &mut entry.reported.cause, now);
        self.services.answers.forget(key);
    }

    /// Shows that an object is left to someone else.
    pub(super) fn show_left(&mut self, key: &ObjectKey, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(who) = self.left_to.get(entry.kind.group) else { return };
        // What users wrote in it was not looked at since.
        entry.reported.forget();
        self.services.board.leave(key, who, now);
    }
}
