//! Every change of a target's replicas, none left out: a watch reports each state that was stored.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use kube::Api;
use kube::api::{DynamicObject, WatchEvent, WatchParams};
use serde_json::Value;
use testbed::wait;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::LIMIT;

/// One change of `spec.replicas`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// When it was reported, a few milliseconds after it was stored.
    pub(crate) at: Instant,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// Records until it is dropped.
pub(crate) struct Recorder {
    changes: Arc<Mutex<Vec<Change>>>,
    task: JoinHandle<()>,
}

impl Recorder {
    pub(super) async fn start(api: Api<DynamicObject>, name: &str) -> Self {
        let object = api.get(name).await.unwrap();
        let version = object.metadata.resource_version.clone().unwrap();
        // Longer than any test: a slow machine needs minutes for what takes seconds elsewhere.
        let params = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(3600);
        let mut events = api.watch(&params, &version).await.unwrap().boxed();
        let changes = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&changes);
        let mut from = replicas(&object);
        let task = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else { continue };
                let to = replicas(&object);
                if from != to {
                    record.lock().unwrap().push(Change { at: Instant::now(), from, to });
                    from = to;
                }
            }
        });
        Self { changes, task }
    }

    /// What was recorded so far.
    pub(crate) fn changes(&self) -> Vec<Change> {
        // A watch that broke off would make every "nothing happened" hollow.
        assert!(!self.task.is_finished(), "the watch has ended");
        self.changes.lock().unwrap().clone()
    }

    /// The replicas after each change so far.
    pub(crate) fn replicas(&self) -> Vec<i64> {
        self.changes().iter().map(|change| change.to).collect()
    }

    /// These and no other changes happened so far, where the last of them may yet have to be reported.
    pub(crate) async fn expect(&self, replicas: &[i64]) {
        self.wait_for(replicas.len()).await;
        assert_eq!(self.replicas(), replicas);
    }

    /// Waits until there are `count` changes, and returns them.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Change> {
        let look = || async {
            let changes = self.changes();
            if changes.len() >= count { Ok(changes) } else { Err(format!("{:?}", self.replicas())) }
        };
        wait::until(&format!("{count} changes"), LIMIT, look).await.unwrap()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn replicas(object: &DynamicObject) -> i64 {
    object.data.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}
