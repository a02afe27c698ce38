//! Leader election over one Lease: who may write, and until when.
//!
//! The shape is that of client-go's leaderelection: a candidate takes the Lease over only
//! when it has not seen it change for a whole lease duration *on its own monotonic clock*,
//! so clocks of machines need not agree. The holder renews it and counts its right to write
//! from the moment *before* it sent the renewal, and for less than the lease duration: a
//! holder that hangs or is cut off stops writing before anyone else begins.

mod guard;
mod keda;
mod living;
mod object;
mod rivals;
mod settings;
mod stand_back;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use kube::Api;
use kube::api::PostParams;
use runner::{Clock, Event, Guard as _, Leader, Leadership, Metrics, Readiness};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::connect::no_answer;
use crate::refusal::Refusals;
use crate::{Clients, FIELD_MANAGER};

pub use guard::{Always, LeaseGuard};
pub(crate) use keda::{GROUP as KEDA_GROUP, leave_to_keda};
pub use rivals::Installation;
use rivals::Rivals;
pub use settings::LeaseSettings;

/// This replica's part in the election.
pub struct Lease {
    api: Api<LeaseObject>,
    refusals: Refusals,
    settings: LeaseSettings,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    leadership: Arc<Leadership>,
    deadline: watch::Sender<Option<Instant>>,
    /// The Lease as last seen, and when it last changed on this machine's clock.
    seen: Option<(LeaseObject, Instant)>,
    /// What was last reported: whether this replica leads.
    reported: bool,
    /// The holder that it waits for and has logged; forgotten when it leads itself.
    waits_for: Option<String>,
    rivals: Option<Rivals>,
    /// The other installations that were last logged.
    known_rivals: Vec<String>,
    /// Since when this replica holds the Lease and waits for a younger installation to stop.
    yielding_since: Option<Instant>,
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A dropped sender means that the process ends, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Lease {
    /// A candidate, with the guard that knows whether it leads.
    pub fn new(
        clients: &Clients,
        settings: LeaseSettings,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        readiness: Arc<Readiness>,
        leadership: Arc<Leadership>,
    ) -> (Self, LeaseGuard) {
        let (deadline, guard) = watch::channel(None);
        let api = Api::namespaced(clients.write.clone(), &settings.namespace);
        let installation = settings.installation.clone();
        let rivals = installation.map(|own| Rivals::new(&clients.write, &settings.namespace, own));
        readiness.wait_for("lease", "not requested yet");
        (
            Self {
                api,
                refusals: Refusals::new(clients),
                settings,
                clock,
                metrics,
                readiness,
                leadership,
                deadline,
                seen: None,
                reported: false,
                waits_for: None,
                rivals,
                known_rivals: Vec::new(),
                yielding_since: None,
            },
            LeaseGuard(guard),
        )
    }

    /// Takes part until `stop` turns true; reports to `events` when this replica begins and ceases to lead.
    pub async fn run(&mut self, events: &mpsc::Sender<Event>, mut stop: watch::Receiver<bool>) {
        let mut problem = None;
        loop {
            let tried = tokio::select! {
                tried = self.attempt() => tried,
                () = stopped(&mut stop) => return,
            };
            self.note_problem(&mut problem, tried.err());
            let leads = LeaseGuard(self.deadline.subscribe()).time_left().is_some();
            self.report(events, leads).await;
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                () = self.until_deadline() => self.report(events, false).await,
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Gives the Lease back, so that another replica need not wait for it to end. To be called
    /// when nothing is being written any more.
    pub async fn release(&mut self) {
        let held = self.deadline.send_replace(None).is_some();
        self.metrics.leads(false);
        self.leadership.note(Leader::Unknown);
        let Some((lease, _)) = self.seen.take().filter(|_| held) else { return };
        let mut released = self.replace(&object::given_back(lease)).await;
        if released.is_err()
            && let Some(lease) = self.still_ours().await
        {
            released = self.replace(&object::given_back(lease)).await;
        }
        match released {
            Ok(_) => tracing::info!(lease = self.settings.name, "lease released"),
            Err(error) => tracing::warn!(lease = self.settings.name, error, "lease could not be released"),
        }
    }

    /// The Lease as it is now, where this replica holds it: a renewal that the end cut short may have been carried
    /// out, and others may have labelled it.
    async fn still_ours(&self) -> Option<LeaseObject> {
        let found = self.api.get_opt(&self.settings.name);
        let found = tokio::time::timeout(self.settings.right_to_write() / 2, found).await.ok()?.ok()??;
        let holder = found.spec.as_ref()?.holder_identity.as_ref()?;
        (*holder == self.settings.identity).then_some(found)
    }

    /// A little less than regular, so that candidates do not knock at the same instant.
    fn pause(&self) -> Duration {
        let retry = self.settings.retry();
        retry - retry.mul_f64(0.1 * (self.clock.now().as_millis().rem_euclid(10) as f64 / 10.0))
    }

    async fn until_deadline(&self) {
        let deadline = *self.deadline.borrow();
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }

    /// Reports to the loop, where it changed, whether this replica leads.
    async fn report(&mut self, events: &mpsc::Sender<Event>, leads: bool) {
        if !leads && self.deadline.send_replace(None).is_some() {
            tracing::warn!(lease = self.settings.name, "leadership lost, no more writes");
        }
        self.metrics.leads(leads);
        self.leadership.note(if leads { Leader::This } else { self.other_leader() });
        if leads != self.reported {
            self.reported = leads;
            // A loop that has ended needs no news.
            let _ = events.send(Event::Leading(leads)).await;
        }
    }

    /// The replica that holds the Lease, unless that has fallen silent.
    fn other_leader(&self) -> Leader {
        let Some((lease, since)) = &self.seen else { return Leader::Unknown };
        let holder = object::holder(lease);
        let is_silent = Instant::now().saturating_duration_since(*since) >= self.settings.duration;
        if holder.is_empty() || holder == self.settings.identity || is_silent {
            return Leader::Unknown;
        }
        Leader::Other { identity: holder.to_owned(), address: object::peer_address(lease) }
    }

    fn note_problem(&self, before: &mut Option<String>, now: Option<String>) {
        match &now {
            None => self.readiness.arrived("lease"),
            Some(problem) => {
                self.readiness.wait_for("lease", problem.clone());
                if before.as_ref() != Some(problem) {
                    tracing::warn!(
                        lease = self.settings.name,
                        problem,
                        "lease cannot be requested, retrying"
                    );
                }
            }
        }
        *before = now;
    }

    /// One attempt to renew the Lease or to take it over.
    async fn attempt(&mut self) -> Result<(), String> {
        let limit = self.settings.right_to_write() / 2;
        match tokio::time::timeout(limit, self.attempt_in_time()).await {
            Ok(result) => result,
            Err(_) => Err(no_answer(limit)),
        }
    }

    async fn attempt_in_time(&mut self) -> Result<(), String> {
        let found = match self.api.get_opt(&self.settings.name).await {
            Ok(found) => found,
            Err(error) => return Err(self.refused("get", &error).await),
        };
        let rivals = self.look_for_rivals(found.as_ref()).await;
        if let Some(elder) = &rivals.elder {
            return self.stand_back(elder, found).await;
        }
        let is_alone = !rivals.one_acts;
        let Some(found) = found else {
            let started = Instant::now();
            let lease = object::claimed(None, &self.settings, self.clock.now());
            if let Some(created) = self.create(&lease).await? {
                self.held(created, started, is_alone);
            }
            return Ok(());
        };
        self.look(&found);
        if !self.may_claim(&found) {
            self.yielding_since = None;
            self.report_who_leads(&found);
            return Ok(());
        }
        let started = Instant::now();
        let lease = object::claimed(Some(found), &self.settings, self.clock.now());
        match self.replace(&lease).await {
            Ok(replaced) => {
                self.held(replaced, started, is_alone);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Notes when the Lease last changed.
    fn look(&mut self, found: &LeaseObject) {
        let version = &found.metadata.resource_version;
        if self.seen.as_ref().is_none_or(|(seen, _)| seen.metadata.resource_version != *version) {
            self.seen = Some((found.clone(), Instant::now()));
        }
    }

    fn may_claim(&self, found: &LeaseObject) -> bool {
        let holder = object::holder(found);
        if holder.is_empty() || holder == self.settings.identity {
            return true;
        }
        let unchanged = self.seen.as_ref().map(|(_, since)| Instant::now().saturating_duration_since(*since));
        unchanged.is_some_and(|unchanged| unchanged >= self.settings.duration)
    }

    /// Whoever waits for a Lease does nothing else, so the log says what for.
    fn report_who_leads(&mut self, found: &LeaseObject) {
        let holder = found.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        if holder != self.waits_for {
            tracing::info!(
                lease = self.settings.name,
                holder = holder.as_deref().unwrap_or_default(),
                seconds = self.settings.duration.as_secs(),
                "another replica leads, this one takes over when the Lease has not been renewed for so many \
                 seconds"
            );
            self.waits_for = holder;
        }
    }

    /// Creates the Lease; `None` where another candidate was quicker.
    async fn create(&self, lease: &LeaseObject) -> Result<Option<LeaseObject>, String> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        match self.api.create(&params, lease).await {
            Ok(created) => Ok(Some(created)),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(self.refused("create", &error).await),
        }
    }

    async fn replace(&self, lease: &LeaseObject) -> Result<LeaseObject, String> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let replaced = self.api.replace(&self.settings.name, &params, lease);
        match tokio::time::timeout(self.settings.right_to_write() / 2, replaced).await {
            Ok(Ok(replaced)) => {
                self.metrics.write_result("lease", "done");
                Ok(replaced)
            }
            Ok(Err(error)) => {
                let refused = matches!(&error, kube::Error::Api(status) if status.is_conflict());
                self.metrics.write_result("lease", if refused { "refused" } else { "failed" });
                Err(self.refused("update", &error).await)
            }
            Err(_) => {
                self.metrics.write_result("lease", "timed_out");
                Err("the API server did not answer in time".to_owned())
            }
        }
    }

    /// The Lease is held, and this replica may write for a while from `started`, once no younger installation writes any
    /// more.
    fn held(&mut self, lease: LeaseObject, started: Instant, is_alone: bool) {
        self.seen = Some((lease, Instant::now()));
        self.waits_for = None;
        if !is_alone && self.yields(started) {
            self.deadline.send_replace(None);
            return;
        }
        self.yielding_since = None;
        let led = self.deadline.send_replace(Some(started + self.settings.right_to_write())).is_some();
        if !led {
            tracing::info!(
                lease = self.settings.name,
                identity = self.settings.identity,
                "this replica leads"
            );
        }
    }

    async fn refused(&self, verb: &'static str, error: &kube::Error) -> String {
        self.settings.advice(self.refusals.explain(&self.settings.asked(verb), error).await)
    }
}
