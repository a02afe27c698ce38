//! Whatever ends, and in whatever order: nothing is left behind and nothing hangs.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde::de::DeserializeOwned;
use testbed::wait;

use crate::coordinate::store::{SERVICES, Store, example};

/// Kubernetes tries ever more rarely to delete what it could not, and on a busy machine that happens.
const LONGEST_END: Duration = Duration::from_secs(600);

/// Whoever comes after a kill waits for the Lease to end.
const SHORT_LEASE: [(&str, &str); 1] = [("POLYSCALER_LEASE_DURATION", "3s")];

impl Store {
    /// Deletes the application as `kubectl delete -f` does.
    async fn undeploy(&self) {
        let api = self.deployments();
        let foreground = DeleteParams::foreground();
        join_all(SERVICES.map(|name| api.delete(name, &foreground)))
            .await
            .into_iter()
            .for_each(|deleted| drop(deleted.unwrap()));
    }

    async fn count<K>(&self) -> Result<usize, String>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
        K::DynamicType: Default,
    {
        let api: Api<K> = self.scene.namespaced();
        let listed = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        Ok(listed.items.len())
    }

    /// Waits until nothing of the application is left.
    async fn wait_until_gone(&self) {
        let look = || async {
            let left = (
                self.count::<Deployment>().await?,
                self.count::<ReplicaSet>().await?,
                self.count::<Pod>().await?,
            );
            if left == (0, 0, 0) { Ok(()) } else { Err(format!("{left:?} Deployments, ReplicaSets, Pods")) }
        };
        wait::until("the application gone", LONGEST_END, look).await.unwrap();
    }

    async fn lease_holder(&self) -> String {
        let leases: Api<Lease> = self.scene.namespaced();
        let lease = leases.get("polyscaler-coordinate-teastore").await.unwrap();
        lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_there_is_no_finalizer_and_the_next_one_goes_on() {
    let store = Store::new("killed", &example("groups_1.txt")).await;
    store.deploy_podless(&SERVICES).await;
    let coordinator = store.coordinate(&SHORT_LEASE);
    // In the middle of actions, again and again.
    coordinator.wait_for_actions("group-1", 2).await;
    coordinator.kill().await;
    store.assert_no_finalizers().await;
    let recorders = store.record(&SERVICES).await;
    let next = store.coordinate(&SHORT_LEASE);
    for recorder in &recorders {
        recorder.wait_for(2).await;
    }
    next.kill().await;
    store.assert_no_finalizers().await;
    store.undeploy().await;
    store.wait_until_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_it_gives_the_lease_back() {
    let store = Store::new("asked", &example("groups_1.txt")).await;
    store.deploy_podless(&SERVICES).await;
    let coordinator = store.coordinate(&[]);
    coordinator.wait_for_actions("group-1", 1).await;
    assert_ne!(store.lease_holder().await, "");
    let idle = store.coordinate(&[]);
    idle.wait_for_lines(&["starting"], 1).await;
    coordinator.terminate().await;
    // The second one was waiting for it.
    idle.wait_for_actions("group-1", 1).await;
    idle.terminate().await;
    assert_eq!(store.lease_holder().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_goes_first() {
    let store = Store::new("app-first", &example("groups.txt")).await;
    store.deploy().await;
    let coordinator = store.coordinate(&[]);
    // In the midst of scaling.
    coordinator.wait_for_actions("group-1", 2).await;
    store.undeploy().await;
    store.wait_until_gone().await;
    coordinator.wait_for_lines(&["WARN", "there is no Deployment"], 7).await;
    assert!(coordinator.process.is_running());
    coordinator.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_coordinator_goes_first() {
    let store = Store::new("op-first", &example("groups.txt")).await;
    store.deploy().await;
    let coordinator = store.coordinate(&[]);
    coordinator.wait_for_actions("group-1", 2).await;
    coordinator.terminate().await;
    store.assert_no_finalizers().await;
    store.undeploy().await;
    store.wait_until_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_go_at_once() {
    let store = Store::new("at-once", &example("groups.txt")).await;
    store.deploy().await;
    let coordinator = store.coordinate(&[]);
    coordinator.wait_for_actions("group-1", 2).await;
    tokio::join!(store.undeploy(), coordinator.terminate());
    store.wait_until_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_goes_under_the_coordinator() {
    let store = Store::new("namespace", &example("groups.txt")).await;
    store.deploy().await;
    let coordinator = store.coordinate(&[]);
    coordinator.wait_for_actions("group-1", 2).await;
    let namespaces: Api<Namespace> = Api::all(store.scene.client.clone());
    namespaces.delete(&store.scene.namespace, &DeleteParams::default()).await.unwrap();
    let look = || async {
        match namespaces.get_opt(&store.scene.namespace).await {
            Ok(None) => Ok(()),
            Ok(Some(namespace)) => Err(format!("{:?}", namespace.status)),
            Err(error) => Err(error.to_string()),
        }
    };
    wait::until("the namespace gone", LONGEST_END, look).await.unwrap();
    assert!(coordinator.process.is_running());
    coordinator.terminate().await;
}
