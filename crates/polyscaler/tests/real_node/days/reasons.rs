//! Every reason that condition Ready of an object has had, none left out that was stored.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use kube::api::{DynamicObject, WatchEvent, WatchParams};
use testbed::wait;
use tokio::task::JoinHandle;

use crate::harness::{Scaling, condition};
use crate::real_node::cluster::LIMIT;

/// Records until it is dropped.
pub(super) struct Reasons {
    /// Each with the version of the object that had it.
    seen: Arc<Mutex<Vec<(u64, String)>>>,
    task: JoinHandle<()>,
}

impl Reasons {
    pub(super) async fn record(scaler: &Scaling) -> Self {
        let first = scaler.get().await;
        let params = WatchParams::default().fields(&format!("metadata.name={}", scaler.name)).timeout(3600);
        let from = first.metadata.resource_version.clone().unwrap();
        let mut events = scaler.api.watch(&params, &from).await.unwrap().boxed();
        let seen = Arc::new(Mutex::new(vec![entry(&first)]));
        let noted = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else { continue };
                noted.lock().unwrap().push(entry(&object));
            }
        });
        Self { seen, task }
    }

    /// Those since the object had a version, and that of now, up to which they go.
    pub(super) async fn since(&self, version: u64, scaler: &Scaling) -> (Vec<String>, u64) {
        let (now, _) = entry(&scaler.get().await);
        let last = || async {
            let last = self.seen.lock().unwrap().last().map_or(0, |(version, _)| *version);
            if last >= now { Ok(()) } else { Err(format!("{last} of {now}")) }
        };
        wait::until("the watch to come to now", LIMIT, last).await.unwrap();
        assert!(!self.task.is_finished(), "the watch has ended");
        let seen = self.seen.lock().unwrap();
        // The one that it had at that time is one of them.
        let first = seen.iter().rposition(|(at, _)| *at <= version).unwrap_or(0);
        (seen[first..].iter().filter(|(at, _)| *at <= now).map(|(_, reason)| reason.clone()).collect(), now)
    }
}

impl Drop for Reasons {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn entry(object: &DynamicObject) -> (u64, String) {
    let reason = condition(&object.data["status"], "Ready")["reason"].as_str().unwrap_or_default();
    let version = object.metadata.resource_version.as_deref().unwrap_or_default();
    (version.parse().unwrap(), reason.to_owned())
}
