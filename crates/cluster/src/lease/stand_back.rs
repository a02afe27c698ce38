//! Standing back: another installation acts on the same objects and is older, so this one does nothing while that one
//! holds its Lease. Its own Lease then has no holder and keeps changing, so that the other installation sees it, too.

use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use runner::Guard as _;
use tokio::time::Instant;

use super::rivals::Seen;
use super::{Lease, LeaseGuard, LeaseSettings, object};

impl Lease {
    /// Other installations that act on the same objects.
    pub(super) async fn look_for_rivals(&mut self, own: Option<&LeaseObject>) -> Seen {
        let LeaseSettings { namespace, name, .. } = &self.settings;
        let Some(rivals) = &mut self.rivals else { return Seen::default() };
        let seen = rivals.look(own, namespace, name).await;
        self.metrics.rivals(seen.living.len());
        self.metrics.stands_back(seen.elder.is_some());
        if seen.living != self.known_rivals {
            if !seen.living.is_empty() && seen.elder.is_none() {
                tracing::warn!(
                    others = seen.living.join(", "),
                    "another installation is there for the same objects and younger, and stands back as soon as it sees the Lease of this one: uninstall one of the two, or separate their namespaces"
                );
            }
            self.known_rivals.clone_from(&seen.living);
        }
        seen
    }

    /// Writes nothing while the installation whose Lease is `elder` acts, and shows by its own Lease, which is `found`, that
    /// it is there.
    pub(super) async fn stand_back(&mut self, elder: &str, found: Option<LeaseObject>) -> Result<(), String> {
        self.deadline.send_replace(None);
        self.yielding_since = None;
        if self.waits_for.as_deref() != Some(elder) {
            tracing::error!(
                elder,
                "another installation acts on the same objects and is older, this one does nothing while its Lease is held: uninstall one of the two, or separate their namespaces"
            );
            self.waits_for = Some(elder.to_owned());
        }
        let now = self.clock.now();
        let Some(found) = found else {
            let lease = object::standing_back(None, &self.settings, now);
            if let Some(created) = self.create(&lease).await? {
                self.look(&created);
            }
            return Ok(());
        };
        self.look(&found);
        // Another replica that holds it gives it back itself, unless it is gone.
        if !self.may_claim(&found) || (object::holder(&found).is_empty() && !self.is_due()) {
            return Ok(());
        }
        let replaced = self.replace(&object::standing_back(Some(found), &self.settings, now)).await?;
        self.look(&replaced);
        Ok(())
    }

    /// Whether this replica, which holds the Lease at `now`, still waits for a younger installation that acts. That one stops
    /// when it sees this Lease. Whoever leads already need not wait, and nobody waits for longer than a lease duration:
    /// the other may not be able to see it, and must not keep this installation from its work.
    pub(super) fn yields(&mut self, now: Instant) -> bool {
        if LeaseGuard(self.deadline.subscribe()).time_left().is_some() {
            return false;
        }
        let since = *self.yielding_since.get_or_insert(now);
        now.saturating_duration_since(since) < self.settings.duration
    }

    /// Whether the Lease has not changed for so long that others might soon take this installation for gone.
    fn is_due(&self) -> bool {
        self.seen.as_ref().is_none_or(|(_, since)| {
            Instant::now().saturating_duration_since(*since) >= self.settings.duration / 3
        })
    }
}
