//! Keeps the record in the cluster: the status of each object, and Events about changes.
//!
//! Statuses are written only when they changed, and at most every ten seconds where only
//! the metric moved. Records wait here, one line for each object, so a slow API server
//! delays them without growing memory or holding up decisions.

mod events;
mod objects;
mod on_hpas;
mod on_targets;
mod status;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runner::{Board, Guard, Journal, Metrics, ObjectKey, Record};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use objects::Objects;
pub use on_targets::{TargetEvent, TargetEvents};

use crate::Clients;
use status::Writer;

/// How many objects are written at the same time.
const CONCURRENT: usize = 16;
/// Records of scale operations that wait for one object; beyond it the oldest is dropped.
const MOST_WAITING: usize = 16;
/// A record that could not be written is tried again after this.
const RETRY: Duration = Duration::from_secs(5);

/// Takes records and writes them when the API server lets it.
pub struct Journaler {
    waiting: Mutex<HashMap<ObjectKey, VecDeque<Record>>>,
    woken: Notify,
    writer: Arc<Writer>,
}

impl Journal for Journaler {
    fn record(&self, record: Record) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let line = waiting.entry(record.key.clone()).or_default();
        // A later record has all that an earlier one had, unless that one scaled something.
        if line.back().is_some_and(|last| last.scaled().next().is_none()) {
            line.pop_back();
        }
        line.push_back(record);
        if line.len() > MOST_WAITING {
            line.pop_front();
        }
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

    /// Writes until `stop` turns true, and then what still waits.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut writing = HashSet::new();
        let mut tasks: JoinSet<(ObjectKey, Result<(), Record>)> = JoinSet::new();
        let mut stopping = false;
        loop {
            self.begin(&mut tasks, &mut writing, &stop);
            if stopping && tasks.is_empty() && !self.has_waiting() {
                return;
            }
            tokio::select! {
                Some(done) = tasks.join_next(), if !tasks.is_empty() => match done {
                    Ok((key, result)) => {
                        writing.remove(&key);
                        if let Err(record) = result && !stopping {
                            self.put_back(record);
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "writing a status panicked");
                        writing.clear();
                    }
                },
                () = self.woken.notified() => {}
                _ = stop.wait_for(|stop| *stop), if !stopping => stopping = true,
            }
        }
    }

    fn has_waiting(&self) -> bool {
        !self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Begins to write what waits, as far as there is room.
    fn begin(
        &self,
        tasks: &mut JoinSet<(ObjectKey, Result<(), Record>)>,
        writing: &mut HashSet<ObjectKey>,
        stop: &watch::Receiver<bool>,
    ) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = CONCURRENT.saturating_sub(tasks.len());
        if room == 0 || waiting.is_empty() {
            return;
        }
        // No more than there is room for: after a start thousands wait, and this is done at each poll.
        let free = waiting.keys().filter(|key| !writing.contains(*key)).take(room);
        for key in free.cloned().collect::<Vec<_>>() {
            let Some(record) = waiting.get_mut(&key).and_then(VecDeque::pop_front) else { continue };
            if waiting.get(&key).is_some_and(VecDeque::is_empty) {
                waiting.remove(&key);
            }
            writing.insert(key.clone());
            let (writer, mut stop) = (Arc::clone(&self.writer), stop.clone());
            tasks.spawn(async move {
                let result = writer.write(&record).await;
                if result.is_err() {
                    // At the end nothing is tried again, so nothing is waited for.
                    let stopped = stop.wait_for(|stop| *stop);
                    let _ = tokio::time::timeout(RETRY, stopped).await;
                }
                (key, result.map_err(|_| record))
            });
        }
    }

    /// Puts a record back that could not be written, unless a later one waits already.
    fn put_back(&self, record: Record) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let line = waiting.entry(record.key.clone()).or_default();
        if line.is_empty() || record.scaled().next().is_some() {
            line.push_front(record);
        }
    }
}
