//! Keeps the record in the cluster: the status of each object, and Events about changes.
//!
//! Statuses are written only when they changed, and at most every ten seconds where only
//! the metric moved. Records wait here, one line for each object, so a slow API server
//! delays them without growing memory or holding up decisions.

mod denials;
pub(crate) mod events;
mod objects;
mod on_hpas;
mod on_targets;
mod patch;
mod status;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runner::{Board, Gone, Guard, Journal, Metrics, ObjectKey, Record};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

pub use objects::Objects;
pub use on_targets::{TargetEvent, TargetEvents};

use crate::Clients;
use status::Writer;
use waiting::Waiting;

/// How many objects are written at the same time.
const CONCURRENT: usize = 16;

/// Where the next poll comes so soon, it brings again what has been said and not kept.
const SOON: Duration = Duration::from_secs(60);

/// Takes records and writes them when the API server lets it.
pub struct Journaler {
    waiting: Mutex<Waiting<ObjectKey, Entry>>,
    woken: Notify,
    writer: Arc<Writer>,
}

/// What is written of an object.
enum Entry {
    /// How it is.
    Record(Record),
    /// That it is gone.
    Gone(Gone),
}

/// Whether a later entry of the same object has all that this one has: it has not where this one scaled something, changed an
/// HPA, or says that the object is gone.
fn is_made_up_for(entry: &Entry) -> bool {
    match entry {
        Entry::Record(record) => has_no_deed(record),
        Entry::Gone(_) => false,
    }
}

/// Whether the next poll brings another record soon that has all that this one has.
fn comes_again(record: &Record) -> bool {
    let poll = record.outcome.poll();
    poll.is_some_and(|poll| poll.plan.interval <= SOON) && has_no_deed(record)
}

/// Whether it says only how the object is, and nothing that was done.
fn has_no_deed(record: &Record) -> bool {
    record.scaled().next().is_none() && !status::changed_hpas(record)
}

impl Journal for Journaler {
    fn record(&self, record: Record) {
        let (key, comes_again) = (record.key.clone(), comes_again(&record));
        let entry = Entry::Record(record);
        match comes_again {
            true => self.lock().offer(key, entry, is_made_up_for),
            false => self.lock().add(key, entry, is_made_up_for),
        }
        self.woken.notify_one();
    }

    fn gone(&self, gone: Gone) {
        self.lock().add(gone.key.clone(), Entry::Gone(gone), is_made_up_for);
        self.woken.notify_one();
    }
}

impl Journaler {
    /// A journal that writes through `clients` while `guard` lets it, as `identity`; `board` shows the Events.
    pub fn new(
        clients: &Clients,
        objects: Arc<Objects>,
        guard: Arc<dyn Guard>,
        metrics: Arc<Metrics>,
        board: Arc<Board>,
        identity: String,
    ) -> Arc<Self> {
        let writer = Arc::new(Writer::new(clients, objects, guard, metrics, board, identity));
        Arc::new(Self { waiting: Mutex::default(), woken: Notify::new(), writer })
    }

    /// Writes until `stop` turns true, and then what still waits, each once more.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut tasks: JoinSet<Result<(), Entry>> = JoinSet::new();
        let mut writing = HashMap::new();
        let mut stopping = false;
        loop {
            let next_rest = self.begin(&mut tasks, &mut writing);
            if stopping && self.lock().is_empty() {
                return;
            }
            let rested = async move {
                match next_rest {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
                    let Some(key) = writing.remove(&id) else { continue };
                    match done {
                        Ok((_, Err(entry))) if !stopping => {
                            self.lock().failed(&key, entry, Instant::now(), is_made_up_for);
                        }
                        // At the end nothing is tried again.
                        Ok(_) => self.lock().done(&key),
                        Err(error) => {
                            tracing::error!(object = %key, %error, "writing a status panicked");
                            self.lock().done(&key);
                        }
                    }
                }
                () = self.woken.notified() => {}
                () = rested => {}
                _ = stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    self.lock().wake_all();
                }
            }
        }
    }

    /// Begins to write what waits, as far as there is room. Returns when the next object has rested, where there is room
    /// for it then.
    fn begin(
        &self,
        tasks: &mut JoinSet<Result<(), Entry>>,
        writing: &mut HashMap<Id, ObjectKey>,
    ) -> Option<Instant> {
        let mut waiting = self.lock();
        while tasks.len() < CONCURRENT {
            let Some((key, entry)) = waiting.next(Instant::now()) else { return waiting.next_rest() };
            let writer = Arc::clone(&self.writer);
            let task = tasks.spawn(async move {
                let written = match &entry {
                    Entry::Record(record) => writer.write(record).await,
                    Entry::Gone(gone) => {
                        writer.part(gone).await;
                        Ok(())
                    }
                };
                written.map_err(|_| entry)
            });
            writing.insert(task.id(), key);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<ObjectKey, Entry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
