//! How containers of a namespace ended: one that was killed had work in hand, which is lost or done twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use testbed::wait;
use tokio::task::JoinHandle;

use crate::real_node::cluster::LIMIT;

/// Notes the exit status of each pod that is taken away, until it is dropped.
pub(crate) struct Endings {
    codes: Arc<Mutex<BTreeMap<String, i32>>>,
    task: JoinHandle<()>,
}

impl Endings {
    /// Of the pods with a label `app`.
    pub(crate) async fn watch(client: &Client, namespace: &str, app: &str) -> Self {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let params = WatchParams::default().labels(&format!("app={app}")).timeout(3600);
        let mut events = pods.watch(&params, "0").await.unwrap().boxed();
        let codes = Arc::new(Mutex::new(BTreeMap::new()));
        let noted = Arc::clone(&codes);
        let task = tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let (WatchEvent::Modified(pod) | WatchEvent::Deleted(pod)) = event else { continue };
                if let Some(code) = exit_status(&pod) {
                    noted.lock().unwrap().insert(pod.name_any(), code);
                }
            }
        });
        Self { codes, task }
    }

    /// Waits until so many pods have ended, each by itself once it was asked to.
    pub(crate) async fn all_well(&self, count: usize) {
        let look = || async {
            let codes = self.codes.lock().unwrap().clone();
            if codes.len() >= count { Ok(codes) } else { Err(format!("{codes:?}")) }
        };
        let codes = wait::until(&format!("{count} pods have ended"), LIMIT, look).await.unwrap();
        assert!(codes.values().all(|code| *code == 0), "{codes:?}");
        assert!(!self.task.is_finished(), "the watch has ended");
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn exit_status(pod: &Pod) -> Option<i32> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    Some(containers.first()?.state.as_ref()?.terminated.as_ref()?.exit_code)
}
