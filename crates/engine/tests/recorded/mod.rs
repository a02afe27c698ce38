//! What a real HPA controller saw and did, sync by sync, and its replay by the engine. `docs/hpa-recordings.md` has the
//! format.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::{PodMeasure, PodResource, Startup};
use engine::{
    AbsenceReason, ContainerRequest, ContainerUsage, Memory, Observation, Plan, PodPhase, PodRequests,
    PodSample, PodUsage, Query, Readiness, Reading, Scale, Target, Time, decide,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One HPA.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) hpa: Value,
    /// `None` where nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_replicas: Option<u32>,
    #[serde(default)]
    pub(crate) sync_period: f64,
    /// Flags of the controller that are not the defaults.
    #[serde(default)]
    pub(crate) flags: Flags,
    #[serde(default)]
    pub(crate) changes: Vec<Change>,
    #[serde(default)]
    pub(crate) syncs: Vec<SyncSeen>,
}

/// Flags of the controller, in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Flags {
    pub(crate) cpu_initialization: f64,
    pub(crate) initial_readiness: f64,
    pub(crate) downscale_stabilization: f64,
}

impl Default for Flags {
    fn default() -> Self {
        Self { cpu_initialization: 300.0, initial_readiness: 30.0, downscale_stabilization: 300.0 }
    }
}

/// One change of `spec.replicas`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) t: f64,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// One sync of the controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SyncSeen {
    pub(crate) t: f64,
    /// A metric that is not listed was not answered before the recording ended.
    #[serde(default)]
    pub(crate) values: BTreeMap<String, Option<f64>>,
    /// The target's pods; `None` where the metrics API answered with an error, or no metric is measured at pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pods: Option<Vec<PodSeen>>,
    pub(crate) spec_replicas: u32,
    pub(crate) status_replicas: u32,
    pub(crate) ready: u32,
    pub(crate) replicas_after: u32,
    /// Whether a tenth of a second would change the answer, so that it is not compared.
    #[serde(default)]
    pub(crate) edge: bool,
}

/// One pod, with times in seconds since the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PodSeen {
    pub(crate) name: String,
    pub(crate) phase: String,
    /// Whether its condition Ready is other than False; `None` where it has none.
    pub(crate) ready: Option<bool>,
    pub(crate) ready_since: Option<f64>,
    pub(crate) started: Option<f64>,
    #[serde(default)]
    pub(crate) deleted: bool,
    /// What its containers request.
    #[serde(default)]
    pub(crate) requests: Vec<Amounts>,
    /// What they used; `None` where it was not measured.
    pub(crate) usage: Option<UsageSeen>,
}

/// What one container requests or uses, in thousandths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Amounts {
    pub(crate) container: String,
    pub(crate) cpu: Option<i64>,
    pub(crate) memory: Option<i64>,
}

/// One measurement of a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsageSeen {
    pub(crate) at: f64,
    pub(crate) window: f64,
    pub(crate) containers: Vec<Amounts>,
}

/// Syncs that were compared, and those that could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) agreed: usize,
    pub(crate) at_an_edge: usize,
}

/// Walks through one HPA.
///
/// # Errors
/// The first sync that differs, with its inputs and both answers.
pub(crate) fn replay(recording: &Recording, place: &str) -> Result<Count, String> {
    let mut count = Count::default();
    let mut walk = Walk::new(recording)?;
    for (index, seen) in recording.syncs.iter().enumerate() {
        let before = walk.memory.clone();
        let Synced { to, steps, .. } = walk.sync(index, seen, time(seen.t));
        if seen.edge {
            count.at_an_edge += 1;
        } else if to == seen.replicas_after {
            count.agreed += 1;
        } else {
            return Err(format!(
                "{place}, {}: sync {index} differs: {to} here, {} by the controller\n  spec: {}\n  seen: {}\n  \
                 memory before: {}\n  steps here: {steps}",
                recording.name,
                seen.replicas_after,
                recording.hpa,
                serde_json::to_string(seen).map_err(|error| error.to_string())?,
                serde_json::to_string(&before).map_err(|error| error.to_string())?,
            ));
        }
    }
    Ok(count)
}

/// By so much the instant may be another one at which the controller looked at its clock, in seconds.
const SHIFTS: [f64; 4] = [-0.3, -0.1, 0.1, 0.3];

/// A sync that comes so much later than its period, in seconds, shows a machine so busy that nobody knows what the
/// controller had seen by then.
const LATE: f64 = 0.25;

/// Marks the syncs whose answer is another one a moment earlier or later, those at which the controller was late, and those
/// that look back on one that may have recommended another count to the controller: where pods or the target were changing,
/// with the states of either neighbour.
///
/// # Errors
/// Where the HPA's spec cannot be read.
pub(crate) fn mark_edges(recording: &mut Recording) -> Result<(), String> {
    mark_late(recording);
    let mut marks = Vec::with_capacity(recording.syncs.len());
    let mut walk = Walk::new(recording)?;
    let window = walk.plan.limits.up.window.max(walk.plan.limits.down.window).as_secs_f64();
    let mut doubtful_until = f64::NEG_INFINITY;
    for (index, seen) in recording.syncs.iter().enumerate() {
        let near = SHIFTS.map(|shift| walk.clone().sync(index, seen, time(seen.t + shift)));
        let neighbours = [index.checked_sub(1), Some(index + 1)].into_iter().flatten();
        let neighbours = neighbours.filter(|_| seen.edge).filter_map(|other| recording.syncs.get(other));
        let others: Vec<Synced> = neighbours
            .map(|other| walk.clone().sync(index, &seen.with_target_as_in(other), time(seen.t)))
            .chain(near.iter().cloned())
            .collect();
        let here = walk.sync(index, seen, time(seen.t));
        marks.push(seen.t <= doubtful_until || near.iter().any(|other| other.to != here.to));
        let is_unanswered = walk.plan.metrics.iter().any(|metric| {
            metric.query.content::<PodMeasure>().is_none() && !seen.values.contains_key(&metric.name)
        });
        if is_unanswered || others.iter().any(|other| other.recommended != here.recommended) {
            doubtful_until = seen.t + window + 0.3;
        }
    }
    for (sync, is_at_an_edge) in recording.syncs.iter_mut().zip(marks) {
        sync.edge |= is_at_an_edge;
    }
    Ok(())
}

fn mark_late(recording: &mut Recording) {
    let period = recording.sync_period;
    let times: Vec<f64> = recording.syncs.iter().map(|sync| sync.t).collect();
    for (index, pair) in times.windows(2).enumerate() {
        if period > 0.0 && pair[1] - pair[0] > period + LATE {
            recording.syncs[index].edge = true;
            recording.syncs[index + 1].edge = true;
        }
    }
}

/// What one sync comes to.
#[derive(Clone)]
struct Synced {
    to: u32,
    recommended: Option<u32>,
    steps: String,
}

/// The way through one recording.
#[derive(Clone)]
struct Walk<'a> {
    recording: &'a Recording,
    plan: Plan,
    memory: Memory,
    /// The change that is to be looked at next.
    change: usize,
    /// The change that the last sync wrote.
    written: Option<usize>,
}

impl<'a> Walk<'a> {
    fn new(recording: &'a Recording) -> Result<Self, String> {
        let spec = HpaSpec::deserialize(&recording.hpa).map_err(|error| error.to_string())?;
        let mut hpa = Hpa::compile(&spec, "hpa").map_err(|problems| format!("{problems:?}"))?;
        let Flags { cpu_initialization, initial_readiness, downscale_stabilization } = recording.flags;
        let rules = spec.behavior.as_ref().and_then(|behavior| behavior.scale_down.as_ref());
        if rules.is_none_or(|rules| rules.stabilization_window_seconds.is_none()) {
            hpa.limits.down.window = span(downscale_stabilization);
        }
        let startup = Startup {
            cpu_initialization: span(cpu_initialization),
            initial_readiness: span(initial_readiness),
        };
        let [api_version, kind, namespace, name] =
            ["apps/v1", "Deployment", "recorded", "web"].map(str::to_owned);
        let target = Target { api_version, kind, namespace, name };
        let queries = hpa.metrics.iter().map(|metric| match metric.aim.measure() {
            // What is measured goes along, so that the readings can be made.
            Some(measure) => Query::new("pods", "", measure.clone()),
            None => Query::new("external", "", ()),
        });
        let plan = hpa.plan(target, queries, startup, Duration::from_secs(1));
        let mut walk = Self { recording, plan, memory: Memory::default(), change: 0, written: None };
        if recording.start_replicas == Some(0) {
            // A sync that finds its target switched off asks for no metric, and still notes the count that it found.
            walk.enforce_bounds(0, Time::default());
        }
        Ok(walk)
    }

    /// What a sync comes to that asks for no metric, as its target is outside of its bounds.
    fn enforce_bounds(&mut self, replicas: u32, now: Time) -> u32 {
        let scale = Scale { replicas, status_replicas: replicas, ready: None };
        let observation = Observation { scales: vec![Some(scale)], ..Observation::default() };
        decide(&self.plan, &mut self.memory, &observation, now).members[0].to
    }

    /// Takes in the changes before `t` that no recorded sync wrote: those that the controller made to enforce bounds count
    /// for its rates as any other.
    fn catch_up(&mut self, t: f64) {
        while let Some(change) = self.recording.changes.get(self.change).filter(|change| change.t < t) {
            if self.written != Some(self.change) {
                let mut tried = self.clone();
                if tried.enforce_bounds(change.from, time(change.t)) == change.to {
                    self.memory = tried.memory;
                    self.memory.scaled(&self.plan, 0, change.from, change.to, time(change.t));
                }
            }
            self.change += 1;
        }
    }

    /// What one sync comes to; then what the controller wrote is remembered.
    fn sync(&mut self, index: usize, seen: &SyncSeen, now: Time) -> Synced {
        self.catch_up(seen.t);
        let decision = decide(&self.plan, &mut self.memory, &seen.observation(&self.plan, now), now);
        let decided = &decision.members[0];
        // The controller remembers its own writes from the moment they were taken.
        let next = self.recording.syncs.get(index + 1).map_or(f64::INFINITY, |next| next.t);
        let within =
            |change: &Change| (seen.t..next).contains(&change.t) && change.from == seen.spec_replicas;
        let own = |change: &Change| seen.edge || change.to == decided.to;
        let found = self.recording.changes.iter().position(within);
        self.written = found.filter(|place| own(&self.recording.changes[*place]));
        if let Some(change) = self.written.map(|place| self.recording.changes[place]) {
            self.memory.scaled(&self.plan, 0, change.from, change.to, time(change.t));
        }
        Synced { to: decided.to, recommended: decided.recommended, steps: decided.explanation() }
    }
}

impl SyncSeen {
    /// The same with the target and its pods in the states that they have in `other`, as far as pods were measured here.
    fn with_target_as_in(&self, other: &Self) -> Self {
        let &Self { status_replicas, ready, .. } = other;
        let pods = self.pods.as_ref().zip(other.pods.as_ref()).map(|(own, others)| {
            let usage =
                |name: &str| own.iter().find(|pod| pod.name == name).and_then(|pod| pod.usage.clone());
            others.iter().map(|pod| PodSeen { usage: usage(&pod.name), ..pod.clone() }).collect()
        });
        Self { pods: pods.or_else(|| self.pods.clone()), status_replicas, ready, ..self.clone() }
    }

    fn observation(&self, plan: &Plan, now: Time) -> Observation {
        let Self { spec_replicas, status_replicas, ready, .. } = *self;
        let scale = Scale { replicas: spec_replicas, status_replicas, ready: Some(ready) };
        let failed = || Reading::absent(AbsenceReason::BadStatus, "the metrics API answered with an error");
        let reading = |metric: &engine::Metric| match (metric.query.content::<PodMeasure>(), &self.pods) {
            (Some(measure), Some(pods)) => {
                let pods = pods.iter().map(|pod| pod.sample(measure)).collect();
                Reading::Pods { measure: measure.clone(), pods, at: now }
            }
            (Some(_), None) => failed(),
            (None, _) => match self.values.get(&metric.name).copied().flatten() {
                Some(value) => Reading::of(value, now),
                None => failed(),
            },
        };
        let readings = plan.metrics.iter().map(reading).collect();
        Observation { scales: vec![Some(scale)], readings, ..Observation::default() }
    }
}

impl PodSeen {
    fn sample(&self, measure: &PodMeasure) -> PodSample {
        let amount = |amounts: &Amounts| match measure.resource {
            PodResource::Cpu => amounts.cpu,
            PodResource::Memory => amounts.memory,
            // The metrics API has nothing of it.
            PodResource::Custom => None,
        };
        let containers = self
            .requests
            .iter()
            .map(|amounts| ContainerRequest { container: amounts.container.clone(), milli: amount(amounts) });
        let usage = self.usage.as_ref().and_then(|usage| {
            let used = |amounts: &Amounts| {
                Some(ContainerUsage { container: amounts.container.clone(), milli: amount(amounts)? })
            };
            let containers: Vec<ContainerUsage> = usage.containers.iter().filter_map(used).collect();
            let (at, window) = (time(usage.at), span(usage.window));
            (!containers.is_empty()).then_some(PodUsage { at, window, containers })
        });
        PodSample {
            name: self.name.clone(),
            phase: PodPhase::of(&self.phase),
            // A condition without a time has always been as it is.
            readiness: self.ready.map(|ready| Readiness {
                ready,
                since: self.ready_since.map_or(Time::from_millis(i64::MIN), time),
            }),
            started: self.started.map(time),
            deletion: self.deleted.then(Time::default),
            owned: true,
            requests: PodRequests { pod: None, containers: containers.collect() },
            usage,
        }
    }
}

fn time(seconds: f64) -> Time {
    Time::from_millis((seconds * 1000.0).round() as i64)
}

/// So many seconds; none where that is no span.
fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
