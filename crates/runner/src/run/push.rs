//! Objects some of whose sources report by themselves that there is work: they are listened to while the object is
//! polled, and the object is looked at when they report.

use super::due::Turn;
use super::*;

impl Runner {
    /// Listens to the sources of an object, or to nothing any more where it is not polled.
    pub(super) fn listen(&self, key: &ObjectKey) {
        let entry = self.entries.get(key).filter(|entry| !self.left_to.contains_key(entry.kind.group));
        let plan = entry.and_then(|entry| entry.compiled.as_ref().ok());
        let plan =
            plan.filter(|plan| self.synced && self.leading && self.ownership.conflict(key, plan).is_none());
        let queries = plan.into_iter().flat_map(|plan| &plan.metrics).map(|metric| &metric.query);
        self.services.sampler.listen(key, &queries.collect::<Vec<_>>());
    }

    /// Listens on behalf of nobody.
    pub(super) fn listen_to_nothing(&self) {
        for key in self.entries.keys() {
            self.services.sampler.listen(key, &[]);
        }
    }

    /// Notes that a poll of an object is still to come, where its HPA may ask for what that publishes.
    pub(super) fn expect(&self, key: &ObjectKey, entry: &Entry) {
        if entry.kind.needs.hpa.is_some() && !self.left_to.contains_key(entry.kind.group) {
            self.services.answers.expect(key);
        }
    }

    /// Somebody waits for the next poll of an object, which is begun now, unless it runs. Where that would press a metric
    /// server, as when all HPAs ask a new leader, it comes when it is due.
    pub(super) fn hasten(&mut self, key: ObjectKey) {
        let now = self.now();
        let Some(entry) = self.entries.get(&key).filter(|_| self.synced && self.leading) else { return };
        let is_to_come = entry.polling.is_none() && entry.due.is_none_or(|due| due > now);
        if is_to_come && entry.compiled.as_ref().map_or(true, |plan| self.pace.has_room(plan, now)) {
            self.attend(key, Turn { due: now, has_waited: false }, now);
        }
    }

    /// A source reports that there is work: the object is due now, with a new reading.
    pub(super) fn pushed(&mut self, key: ObjectKey) {
        if !self.synced || !self.leading {
            return;
        }
        let now = self.now();
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.pushed = true;
        if entry.polling.is_some() {
            // Its poll may have read before: it is due again when that ends.
            entry.woken = true;
        } else {
            self.due_at(key, now);
        }
    }
}
