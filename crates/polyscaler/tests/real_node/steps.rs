//! How long each step takes between more load and the first new container that is ready: the operator's own from its
//! traces, those after them from a watch on pods.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use testbed::cloud_monitoring::now;
use testbed::{OtlpReceiver, ReceivedSpan, wait};
use tokio::task::JoinHandle;

use crate::real_node::cluster::LIMIT;

/// When a pod came to what it is now, as a watch saw it.
#[derive(Clone, Copy, Default)]
struct Life {
    scheduled: Option<Timestamp>,
    started: Option<Timestamp>,
    ready: Option<Timestamp>,
}

/// Notes what becomes of new pods of a namespace until it is dropped.
pub(crate) struct NewPods {
    lives: Arc<Mutex<BTreeMap<String, Life>>>,
    task: JoinHandle<()>,
}

impl NewPods {
    pub(crate) async fn watch(client: &Client, namespace: &str) -> Self {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let version = pods.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
        let mut events = pods.watch(&WatchParams::default(), &version).await.unwrap().boxed();
        let lives = Arc::new(Mutex::new(BTreeMap::new()));
        let noted = Arc::clone(&lives);
        let task = tokio::spawn(async move {
            // Those that were there before come as changes only.
            while let Some(Ok(event)) = events.next().await {
                match event {
                    WatchEvent::Added(pod) => {
                        noted.lock().unwrap().insert(pod.name_any(), Life::default());
                    }
                    WatchEvent::Modified(pod) => {
                        if let Some(life) = noted.lock().unwrap().get_mut(&pod.name_any()) {
                            life.note(&pod);
                        }
                    }
                    _ => {}
                }
            }
        });
        Self { lives, task }
    }

    /// The first that was ready.
    fn first(&self) -> Option<[Timestamp; 3]> {
        let lives = self.lives.lock().unwrap();
        let whole = lives.values().filter_map(|life| Some([life.scheduled?, life.started?, life.ready?]));
        whole.min_by_key(|[_, _, ready]| *ready)
    }
}

impl Drop for NewPods {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Life {
    fn note(&mut self, pod: &Pod) {
        let status = pod.status.as_ref();
        let container = status.and_then(|status| status.container_statuses.as_ref()?.first());
        let is_started = container.is_some_and(|container| container.started == Some(true));
        if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()) {
            self.scheduled.get_or_insert_with(now);
        }
        if is_started {
            self.started.get_or_insert_with(now);
        }
        if container.is_some_and(|container| container.ready) {
            self.ready.get_or_insert_with(now);
        }
    }
}

/// A decision to have more replicas, with what led to it and what it led to.
struct Reaction {
    poll: ReceivedSpan,
    decide: ReceivedSpan,
    act: ReceivedSpan,
}

/// The first after a time.
fn reaction(spans: &[ReceivedSpan], after: Timestamp) -> Option<Reaction> {
    let replicas = |span: &ReceivedSpan, name: &str| span.attributes.get(name)?.as_i64();
    let acts = spans.iter().filter(|span| {
        span.name == "act"
            && at(span.time.0) > after
            && replicas(span, "polyscaler.to") > replicas(span, "polyscaler.from")
    });
    let act = acts.min_by_key(|span| span.time.0)?;
    let of_trace =
        |name: &str| spans.iter().find(|span| span.trace_id == act.trace_id && span.name == name).cloned();
    Some(Reaction { poll: of_trace("poll")?, decide: of_trace("decide")?, act: act.clone() })
}

fn at(nanoseconds: u64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap()
}

/// Prints the steps since the load grew, a line each.
pub(crate) async fn print(load: Timestamp, receiver: &OtlpReceiver, pods: &NewPods) {
    let look = || async { receiver.spans().ok().and_then(|spans| reaction(&spans, load)) };
    let reaction = wait::until("traces of the decision", LIMIT, look).await.unwrap();
    let [scheduled, started, ready] =
        wait::until("a new pod is ready", LIMIT, || async { pods.first() }).await.unwrap();
    let steps = [
        (
            "until a poll sees enough of it: scrapes, the window of the query, earlier polls",
            at(reaction.poll.time.0),
        ),
        ("poll: the reading and the target's replicas", at(reaction.decide.time.0)),
        ("decide", at(reaction.decide.time.1)),
        ("write /scale", at(reaction.act.time.1)),
        ("schedule: the pod is made and has its node", scheduled),
        ("start: its container runs", started),
        ("ready: its probe has succeeded", ready),
    ];
    let mut before = load;
    for (step, end) in steps {
        println!("load step to ready container, {step}: {:.3} s", end.duration_since(before).as_secs_f64());
        before = end;
    }
    println!("load step to ready container, all: {:.3} s", ready.duration_since(load).as_secs_f64());
}
