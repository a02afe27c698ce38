//! What the controller is answered, and what becomes of it, noted while it happens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use engine::hpa::Quantity;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;

use super::chance::{Chance, EXTERNAL};
use super::recorded::{Amounts, Change, Flags, PodSeen, Recording, SyncSeen, UsageSeen};

/// Pods and their target may look otherwise to the controller for so long after a change, on a busy machine.
const KNOWN_AFTER: f64 = 1.0;
/// And between its first question and its last look.
const KNOWN_BEFORE: f64 = 0.3;

/// One HPA's notes, shared by the server, the watches and the disturber.
#[derive(Clone)]
pub(super) struct Notes(Arc<Mutex<Book>>);

pub(super) struct Book {
    /// The instant from which times count, in whole seconds of Unix time.
    start: i64,
    name: String,
    spec: serde_json::Value,
    replicas: u32,
    has_external: bool,
    /// What each pod uses, and how its measurements are late, is drawn by this.
    chance: Chance,
    /// The load at all pods together, as a multiple of what one requests.
    pub(super) load: f64,
    /// Pods that nobody measures, by the remainder of a number in their names.
    pub(super) unmeasured: Option<u64>,
    /// Whether the metrics APIs answer with errors.
    pub(super) pods_fail: bool,
    pub(super) external_fails: bool,
    pub(super) pods: BTreeMap<String, Pod>,
    pub(super) scale: (u32, u32),
    /// When pods or the target changed.
    moved: Vec<f64>,
    changes: Vec<Change>,
    syncs: Vec<SyncSeen>,
}

/// What is answered about pods.
pub(super) type Measured = Vec<(String, UsageSeen)>;

impl Notes {
    pub(super) fn new(
        name: &str,
        spec: &serde_json::Value,
        replicas: i32,
        start: i64,
        chance: Chance,
    ) -> Self {
        let metrics = spec["metrics"].as_array().map_or(0, Vec::len);
        let replicas = replicas.unsigned_abs();
        Self(Arc::new(Mutex::new(Book {
            start,
            name: name.to_owned(),
            spec: spec.clone(),
            replicas,
            has_external: metrics > 1,
            chance,
            load: f64::from(replicas) * 0.7,
            unmeasured: None,
            pods_fail: false,
            external_fails: false,
            pods: BTreeMap::new(),
            scale: (replicas, 0),
            moved: Vec::new(),
            changes: Vec::new(),
            syncs: Vec::new(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }
}

impl Book {
    /// Seconds since the start.
    #[expect(clippy::disallowed_methods, reason = "the controller goes by the clock of this machine, too")]
    pub(super) fn now(&self) -> f64 {
        let now = jiff::Timestamp::now().as_millisecond();
        (now - self.start * 1000) as f64 / 1000.0
    }

    /// An instant as the API server writes it, in whole seconds.
    pub(super) fn timestamp(&self, seconds: f64) -> String {
        jiff::Timestamp::from_second(self.start + seconds.floor() as i64).unwrap_or_default().to_string()
    }

    pub(super) fn since_start(&self, time: &Time) -> f64 {
        (time.0.as_millisecond() - self.start * 1000) as f64 / 1000.0
    }

    /// A pod is there, or has changed.
    pub(super) fn pod(&mut self, pod: Pod) {
        let (name, now) = (pod.name_any(), self.now());
        let before = self.pods.insert(name.clone(), pod);
        let stripped = |pod: &Pod| (self.seen(pod, None), counts_as_ready(pod));
        let is_news = before.is_none_or(|before| stripped(&before) != stripped(&self.pods[&name]));
        if is_news {
            self.moved.push(now);
        }
    }

    pub(super) fn pod_gone(&mut self, name: &str) {
        self.pods.remove(name);
        self.moved.push(self.now());
    }

    /// The target asks for so many replicas and has so many.
    pub(super) fn scaled(&mut self, asked: u32, existing: u32) {
        let (from, before) = self.scale;
        if from != asked {
            let t = self.now();
            self.changes.push(Change { t, from, to: asked });
        }
        if before != existing {
            self.moved.push(self.now());
        }
        self.scale = (asked, existing);
    }

    /// The controller asks about pods, which is the beginning of a sync. `None` where it gets an error.
    pub(super) fn sync(&mut self) -> Option<Measured> {
        let t = self.now();
        let measured = (!self.pods_fail).then(|| self.measured());
        let find = |name: &str| {
            measured.iter().flatten().find(|(measured, _)| measured == name).map(|(_, usage)| usage.clone())
        };
        let pods: Vec<PodSeen> =
            self.pods.values().map(|pod| self.seen(pod, find(&pod.name_any()))).collect();
        let (spec_replicas, status_replicas) = self.scale;
        self.syncs.push(SyncSeen {
            t,
            values: BTreeMap::new(),
            spec_replicas,
            status_replicas,
            ready: self.pods.values().filter(|pod| counts_as_ready(pod)).count() as u32,
            // An answer without any measurement is an error to the controller.
            pods: measured.as_ref().filter(|measured| !measured.is_empty()).map(|_| pods),
            replicas_after: spec_replicas,
            edge: false,
        });
        measured
    }

    /// The controller asks for the figure from outside, in thousandths. `None` where it gets an error.
    pub(super) fn external(&mut self) -> Option<i64> {
        let milli = (self.load * 37_123.0) as i64;
        let (answer, now) = ((!self.external_fails).then_some(milli), self.now());
        if let Some(sync) = self.syncs.last_mut() {
            sync.values.insert(EXTERNAL.to_owned(), answer.map(|milli| milli as f64 / 1000.0));
            // The controller looks at its clock when it has all values.
            sync.t = now;
        }
        answer
    }

    /// What running pods use at this instant, as a metrics server knows it.
    fn measured(&mut self) -> Measured {
        let now = self.now();
        let is_running = |pod: &&Pod| phase(pod) == "Running";
        let names: Vec<String> = self.pods.values().filter(is_running).map(Pod::name_any).collect();
        let each = self.load / names.len().max(1) as f64;
        let mut measured = Vec::new();
        for name in names {
            let number = name.bytes().map(u64::from).sum::<u64>();
            if self.unmeasured.is_some_and(|remainder| number % 4 == remainder) {
                continue;
            }
            let used =
                |request: f64, chance: &mut Chance| (request * each * (0.9 + 0.2 * chance.share())) as i64;
            let amounts = |container: &str, chance: &mut Chance| Amounts {
                container: container.to_owned(),
                cpu: Some(used(if container == "app" { 500.0 } else { 100.0 }, chance)),
                // Whole bytes.
                memory: Some(used(if container == "app" { 256e6 } else { 64e6 }, chance) * 1000),
            };
            let mut containers = vec![amounts("app", &mut self.chance)];
            // metrics-server knows a pod, and not all of its containers yet.
            if number % 7 != 3 {
                containers.push(amounts("side", &mut self.chance));
            }
            let at = (now - 2.0 * self.chance.share()).floor();
            measured.push((name, UsageSeen { at, window: 1.0, containers }));
        }
        measured
    }

    fn seen(&self, pod: &Pod, usage: Option<UsageSeen>) -> PodSeen {
        let status = pod.status.clone().unwrap_or_default();
        let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let requests = containers.map(|container| {
            let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
            let milli = |name: &str| Some(requests?.get(name)?.0.parse::<Quantity>().ok()?.milli());
            Amounts { container: container.name.clone(), cpu: milli("cpu"), memory: milli("memory") }
        });
        PodSeen {
            name: pod.name_any(),
            phase: phase(pod).to_owned(),
            ready: ready.map(|ready| ready.status != "False"),
            ready_since: ready.and_then(|ready| Some(self.since_start(ready.last_transition_time.as_ref()?))),
            started: status.start_time.as_ref().map(|at| self.since_start(at)),
            deleted: pod.metadata.deletion_timestamp.is_some(),
            requests: requests.collect(),
            usage,
        }
    }

    /// The recording so far, without the last sync, of which nobody knows yet what came of it.
    pub(super) fn recording(&self, flags: Flags) -> Recording {
        let mut syncs = self.syncs.clone();
        for index in 1..syncs.len() {
            syncs[index - 1].replicas_after = syncs[index].spec_replicas;
        }
        syncs.pop();
        for sync in &mut syncs {
            // What happens after the controller's own write it did not see.
            let written = self.changes.iter().map(|change| change.t).find(|at| *at >= sync.t);
            let last = (sync.t + KNOWN_BEFORE).min(written.unwrap_or(f64::INFINITY));
            let near = (sync.t - KNOWN_AFTER)..last;
            let is_answered = !self.has_external || sync.values.contains_key(EXTERNAL);
            sync.edge = self.moved.iter().any(|moved| near.contains(moved)) || !is_answered;
        }
        Recording {
            name: self.name.clone(),
            hpa: self.spec.clone(),
            start_replicas: Some(self.replicas),
            sync_period: 1.0,
            flags,
            changes: self.changes.clone(),
            syncs,
        }
    }
}

/// Whether the controller counts it where a metric is of the whole target: a pod of which nobody knows whether it is ready
/// ("Unknown") does not count there, while its measurements do.
fn counts_as_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let is_ready = |condition: &PodCondition| condition.type_ == "Ready" && condition.status == "True";
    phase(pod) == "Running" && conditions.into_iter().any(is_ready)
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}
