//! One HPA with its target, and what happens to it.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use testbed::{fixtures, wait};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::chance::{Chance, Drawn, drawn};
use super::notes::Notes;
use crate::harness::LIMIT;

const NAME: &str = "web";
/// Keeps pods from going at once.
const LINGERS: &str = "testbed.polyscaler.dev/lingers";
/// For so long.
const LINGER: f64 = 4.0;

/// One HPA with its target.
pub(super) struct Scaled {
    pub(super) namespace: String,
    pub(super) notes: Notes,
    client: Client,
    drawn: Drawn,
    chance: Chance,
    watches: [JoinHandle<()>; 2],
}

impl Drop for Scaled {
    fn drop(&mut self) {
        self.watches.iter().for_each(JoinHandle::abort);
    }
}

impl Scaled {
    /// The target, ready, and not yet an HPA.
    pub(super) async fn new(client: &Client, mut chance: Chance) -> Self {
        let namespace = fixtures::create_namespace(client, "recorded").await.unwrap();
        let drawn = drawn(&mut chance);
        #[expect(
            clippy::disallowed_methods,
            reason = "the controller goes by the clock of this machine, too"
        )]
        let start = jiff::Timestamp::now().as_second();
        let notes = Notes::new(&namespace, &drawn.spec, drawn.replicas, start, chance.clone());
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
        deployments.create(&PostParams::default(), &target(&drawn)).await.unwrap();
        let watches = [
            tokio::spawn(watch_pods(Api::namespaced(client.clone(), &namespace), notes.clone())),
            tokio::spawn(watch_target(deployments, notes.clone())),
        ];
        let wanted = drawn.replicas.unsigned_abs();
        let look = || async {
            let scale = notes.lock().scale;
            if scale == (wanted, wanted) { Ok(()) } else { Err(format!("{scale:?}")) }
        };
        wait::until("the target's pods", LIMIT, look).await.unwrap();
        Self { namespace, notes, client: client.clone(), drawn, chance, watches }
    }

    /// Creates the HPA.
    pub(super) async fn begin(&self) {
        let mut spec = self.drawn.spec.clone();
        spec["scaleTargetRef"] = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME });
        let hpa = json!({ "metadata": { "name": NAME }, "spec": spec });
        let hpas: Api<HorizontalPodAutoscaler> = self.api();
        hpas.create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
    }

    /// Lets things happen for so long.
    pub(super) async fn disturb(&self, time: Duration) {
        let (mut chance, end) = (self.chance.clone(), Instant::now() + time);
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut healed = [0; 3];
        for second in 0_i64.. {
            seconds.tick().await;
            if Instant::now() >= end {
                return;
            }
            {
                let mut book = self.notes.lock();
                let replicas = f64::from(book.scale.0);
                book.load = match chance.between(0, 20) {
                    0 => replicas * 2.5 * chance.share(),
                    1 => 30.0 * chance.share(),
                    _ => book.load * (0.9 + 0.2 * chance.share()),
                };
                let mut begin = |place: usize, share: f64| {
                    if second >= healed[place] && chance.is(share) {
                        healed[place] = second + chance.between(2, 7);
                    }
                    second < healed[place]
                };
                book.unmeasured = begin(0, 0.1).then_some((second / 8 % 4).unsigned_abs());
                book.pods_fail = begin(1, 0.03);
                book.external_fails = begin(2, 0.05);
            }
            if chance.is(0.04) {
                self.roll_out(second).await;
            }
            if chance.is(0.12) {
                self.flip_a_pod(&mut chance).await;
            }
            if self.drawn.lingers {
                self.let_go().await;
            }
        }
    }

    /// Begins a rolling update.
    async fn roll_out(&self, second: i64) {
        let annotations = json!({ "round": second.to_string() });
        let patch = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
        let deployments: Api<Deployment> = self.api();
        deployments.patch(NAME, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// A pod turns unready, or ready again; or it seems to have started long ago, or fails.
    async fn flip_a_pod(&self, chance: &mut Chance) {
        let (pod, now) = {
            let book = self.notes.lock();
            let running: Vec<Pod> = book
                .pods
                .values()
                .filter(|pod| {
                    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
                })
                .cloned()
                .collect();
            let Some(last) = i64::try_from(running.len()).ok().filter(|count| *count > 0) else { return };
            (running[chance.between(0, last) as usize].clone(), book.now())
        };
        let status = pod.status.clone().unwrap_or_default();
        let is_ready = status
            .conditions
            .iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        let timestamp = |seconds: f64| self.notes.lock().timestamp(seconds);
        let ready = |status: &str| json!({ "conditions": [{ "type": "Ready", "status": status, "lastTransitionTime": timestamp(now) }] });
        let status: Value = match chance.between(0, 10) {
            0 => json!({ "phase": "Failed" }),
            1..4 => json!({ "startTime": timestamp(now - chance.between(16, 60) as f64) }),
            4 => ready("Unknown"),
            _ => ready(if is_ready { "False" } else { "True" }),
        };
        let pods: Api<Pod> = self.api();
        let patch = Patch::Strategic(json!({ "status": status }));
        // It may have gone meanwhile.
        let _ = pods.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await;
    }

    /// Lets pods go that have been ending for a while.
    async fn let_go(&self) {
        let ended: Vec<String> = {
            let book = self.notes.lock();
            let has_ended = |pod: &&Pod| {
                let deletion = pod.metadata.deletion_timestamp.as_ref();
                deletion.is_some_and(|at| book.now() - book.since_start(at) > LINGER)
            };
            book.pods.values().filter(has_ended).map(Pod::name_any).collect()
        };
        let pods: Api<Pod> = self.api();
        for name in ended {
            let patch = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
            let _ = pods.patch(&name, &PatchParams::default(), &patch).await;
        }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

fn target(drawn: &Drawn) -> Deployment {
    let container = |name: &str, cpu: &str, memory: &str| {
        json!({ "name": name, "image": "registry.k8s.io/pause:3.10",
                "resources": { "requests": { "cpu": cpu, "memory": memory } } })
    };
    let finalizers: &[&str] = if drawn.lingers { &[LINGERS] } else { &[] };
    let delay = format!("{}ms", drawn.ready_delay);
    let deployment = json!({
        "metadata": { "name": NAME },
        "spec": {
            "replicas": drawn.replicas,
            "selector": { "matchLabels": { "app": NAME } },
            "strategy": { "rollingUpdate": { "maxSurge": format!("{}%", drawn.surge), "maxUnavailable": "0%" } },
            "template": {
                "metadata": { "labels": { "app": NAME }, "finalizers": finalizers,
                              "annotations": { fixtures::READY_DELAY: delay } },
                "spec": { "containers": [container("app", "500m", "256M"), container("side", "100m", "64M")] },
            },
        },
    });
    serde_json::from_value(deployment).unwrap()
}

async fn watch_pods(pods: Api<Pod>, notes: Notes) {
    let mut events = pods.watch(&WatchParams::default().timeout(3600), "0").await.unwrap().boxed();
    while let Some(event) = events.next().await {
        match event.unwrap() {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => notes.lock().pod(pod),
            WatchEvent::Deleted(pod) => notes.lock().pod_gone(&pod.name_any()),
            WatchEvent::Bookmark(_) | WatchEvent::Error(_) => {}
        }
    }
}

async fn watch_target(deployments: Api<Deployment>, notes: Notes) {
    let mut events = deployments.watch(&WatchParams::default().timeout(3600), "0").await.unwrap().boxed();
    while let Some(event) = events.next().await {
        let (WatchEvent::Added(seen) | WatchEvent::Modified(seen)) = event.unwrap() else { continue };
        let asked = seen.spec.and_then(|spec| spec.replicas).unwrap_or_default();
        let existing = seen.status.and_then(|status| status.replicas).unwrap_or_default();
        notes.lock().scaled(asked.unsigned_abs(), existing.unsigned_abs());
    }
}
