//! Brings manifest, workload file and load together: every default becomes a number, every metric finds its source.

mod inflow;
mod pods;

use engine::{Fault, FaultKind, Plan, Problem, TargetType};
use serde_json::Value;

use super::spec::{MetricSource, Overload, SignalSpec, SloSpec, WorkloadSpec};
use super::startup::{Startup, StartupSpec};
use super::world::{Service, Signal, SignalKind, Slo, Workload};
use super::{Span, Variability};
use crate::Manifest;
use crate::manifest::PODS;
use pods::is_of_pods;

/// Sources whose value is the length of a queue.
const QUEUES: [&str; 4] = ["redis", "nats", "pubsub", "queue"];
/// A world, and what it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The world.
    pub workload: Workload,
    /// The columns to read, in the order in which places count them.
    pub columns: Vec<String>,
    /// Where each of the manifest's metrics comes from.
    pub signals: Vec<Signal>,
}

/// Binds a manifest and a workload file to a load with these columns.
///
/// # Errors
/// Everything that does not fit together, each with its path in the workload file.
pub fn bind(manifest: &Manifest, spec: &WorkloadSpec, columns: &[String]) -> Result<Bound, Vec<Problem>> {
    let mut binder = Binder::new(manifest, spec, columns, Vec::new());
    let signals = binder.signals();
    let members = binder.members(manifest, &signals);
    let slo = binder.slo(&members);
    binder.refuse_unknown_names();
    let variability = spec.variability.unwrap_or(Variability { arrivals: 1.0, service: 1.0 });
    let per = spec.per.unwrap_or(Span::seconds(1)).as_seconds();
    if per <= 0.0 {
        binder.refuse("per", "must be above 0");
    }
    if variability.arrivals < 0.0 || variability.service < 0.0 {
        binder.refuse("variability", "must not be negative");
    }
    if !binder.problems.is_empty() {
        return Err(binder.problems);
    }
    let column = binder.used.first().cloned().unwrap_or_default();
    let graph = manifest.plan.group.as_ref().map(|group| group.graph.order().to_vec());
    let workload = Workload {
        unit: spec.unit.clone().unwrap_or(column),
        per,
        slo: slo.unwrap_or(Slo::Utilization(1.0)),
        variability: f64::midpoint(variability.arrivals, variability.service),
        order: graph.unwrap_or_else(|| (0..members.len()).collect()),
        members,
        seed: spec.seed,
        initial_replicas: spec.initial_replicas,
        contenders: spec.contenders,
    };
    Ok(Bound { workload, columns: binder.used, signals: signals.into_iter().flatten().collect() })
}

/// Where the metrics of a further manifest come from, which is replayed in the world of the first.
///
/// # Errors
/// Where its targets are others, or a metric has no source among the columns that are read.
pub fn signals(manifest: &Manifest, spec: &WorkloadSpec, bound: &Bound) -> Result<Vec<Signal>, Vec<Problem>> {
    let plan = &manifest.plan;
    if plan.members.len() != bound.workload.members.len() {
        let (here, there) = (plan.members.len(), bound.workload.members.len());
        let message =
            format!("scales {here} targets, and the first manifest {there}; they cannot be compared");
        return Err(vec![Problem::new("", Fault::new(FaultKind::Unreadable, message))]);
    }
    let mut binder = Binder::new(manifest, spec, &bound.columns, bound.columns.clone());
    let signals = binder.signals();
    if binder.problems.is_empty() {
        Ok(signals.into_iter().flatten().collect())
    } else {
        Err(binder.problems)
    }
}

struct Binder<'a> {
    /// The manifest's object.
    object: &'a Value,
    plan: &'a Plan,
    spec: &'a WorkloadSpec,
    /// Those that the load has.
    columns: &'a [String],
    /// Those that are read.
    used: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Binder<'a> {
    fn new(manifest: &'a Manifest, spec: &'a WorkloadSpec, columns: &'a [String], used: Vec<String>) -> Self {
        let Manifest { object, plan, .. } = manifest;
        Self { object, plan, spec, columns, used, problems: Vec::new() }
    }
}

impl Binder<'_> {
    fn refuse(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.problems.push(Problem::new(path, Fault::invalid(why)));
    }

    fn require(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::new(path, Fault::new(FaultKind::Required, what)));
    }

    /// The place of `column` among those that are read.
    fn place(&mut self, column: &str) -> usize {
        self.used.iter().position(|used| used == column).unwrap_or_else(|| {
            self.used.push(column.to_owned());
            self.used.len() - 1
        })
    }

    /// The place of a column that the file names at `path`.
    fn named(&mut self, column: &str, path: &str) -> Option<usize> {
        if self.columns.iter().any(|known| known == column) {
            return Some(self.place(column));
        }
        let known = self.columns.join(", ");
        self.refuse(path, format!("the load has no column {column:?}; its columns: {known}"));
        None
    }

    fn signals(&mut self) -> Vec<Option<Signal>> {
        (0..self.plan.metrics.len()).map(|metric| self.signal(metric)).collect()
    }

    fn signal(&mut self, index: usize) -> Option<Signal> {
        let metric = &self.plan.metrics[index];
        let given = self.spec.metrics.get(&metric.name).cloned().unwrap_or_default();
        let scale = given.scale.unwrap_or(1.0);
        let member = metric.member.unwrap_or_else(|| self.entry());
        let source = metric.query.source();
        if let Some(signal) = given.signal.filter(|_| is_of_pods(self.plan, index)) {
            self.refuse_number(index, signal)?;
        }
        let kind = match given.signal.or_else(|| natural_signal(source)) {
            Some(SignalSpec::Queue) => SignalKind::Queue(member),
            Some(SignalSpec::Utilization) => {
                self.refuse_usage(index)?;
                SignalKind::Utilization(member)
            }
            Some(SignalSpec::Latency) => SignalKind::Latency(member),
            Some(SignalSpec::Load) => SignalKind::Column(self.column_of(index, &given)?),
            None if is_of_pods(self.plan, index) => {
                self.require_utilization(index);
                return None;
            }
            None if is_ratio(metric) || source == "memory" => {
                self.refuse_ratio(index);
                return None;
            }
            None if self.is_called(member) && given.column.is_none() && !self.has_column(&metric.name) => {
                SignalKind::Arrivals(member)
            }
            None => SignalKind::Column(self.column_of(index, &given)?),
        };
        if given.column.is_some() && !matches!(kind, SignalKind::Column(_)) {
            let message = "only a metric with signal: load reads a column; name the one of the demand with load: {column: …}";
            self.refuse(format!("metrics.{}.column", self.plan.metrics[index].name), message);
        }
        Some(Signal { kind, scale })
    }

    fn refuse_ratio(&mut self, index: usize) {
        let name = &self.plan.metrics[index].name;
        let message = format!(
            "metric {name} is measured at the replicas (targetType Value, or the memory of pods), so what was \
             recorded of it depends on the replicas of its day and cannot be replayed. Give the demand as load, and say what the metric is: signal: latency, \
             signal: queue or signal: utilization. Where only the metric itself was recorded, beside the replicas of that day, load: \
             {{column: …, kind: latency, replicas: …}} turns it into demand. signal: load replays it as it is"
        );
        let path = format!("metrics.{name}.signal");
        self.require(path, message);
    }

    fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }

    /// Whether other members call the one at `member`.
    fn is_called(&self, member: usize) -> bool {
        self.plan.group.as_ref().is_some_and(|group| group.graph.calls_to(member).next().is_some())
    }

    /// The member at which the load comes in.
    fn entry(&self) -> usize {
        self.plan.group.as_ref().and_then(|group| group.graph.entries().next()).unwrap_or_default()
    }

    /// The column of a metric: the one that is named, one of its own name, or the only one there is.
    fn column_of(&mut self, index: usize, given: &MetricSource) -> Option<usize> {
        let name = self.plan.metrics[index].name.clone();
        if let Some(column) = &given.column {
            return self.named(column, &format!("metrics.{name}.column"));
        }
        if self.has_column(&name) {
            return Some(self.place(&name));
        }
        // What is measured at pods needs none.
        let mut others = self.plan.metrics.iter().enumerate().filter(|(other, _)| *other != index);
        if others.all(|(_, other)| PODS.contains(&other.query.source())) {
            if let Some(column) = &self.spec.load.column {
                return self.named(column, "load.column");
            }
            if let [only] = self.columns {
                return Some(self.place(only));
            }
        }
        let known = self.columns.join(", ");
        self.require(
            format!("metrics.{name}"),
            format!(
                "the load has no column {name:?}; its columns: {known}. Say which one the metric is: \
                 metrics: {{{name}: {{column: …}}}}"
            ),
        );
        None
    }

    fn members(&mut self, manifest: &Manifest, signals: &[Option<Signal>]) -> Vec<Service> {
        (0..self.plan.members.len()).filter_map(|member| self.member(member, manifest, signals)).collect()
    }

    fn member(&mut self, member: usize, manifest: &Manifest, signals: &[Option<Signal>]) -> Option<Service> {
        let (plan, spec) = (self.plan, self.spec);
        let role = &plan.members[member].role;
        let own = spec.members.get(&role.name).cloned().unwrap_or_default();
        let path = if plan.group.is_some() { format!("members.{}.", role.name) } else { String::new() };
        let per = spec.per.unwrap_or(Span::seconds(1)).as_seconds();
        let service_time = own.service_time.or(spec.service_time).map(Span::as_seconds);
        let concurrency = own.concurrency.or(spec.concurrency);
        let by_requests = concurrency.zip(service_time).map(|(count, time)| count * per / time);
        let capacity = own.capacity.or(spec.capacity).or(by_requests);
        let capacity = capacity.or_else(|| natural_capacity(manifest, member, signals));
        let Some(capacity) = capacity else {
            self.require(
                format!("{path}capacity"),
                "the load that one replica can handle; the manifest does not contain it",
            );
            return None;
        };
        let concurrency =
            concurrency.or_else(|| service_time.map(|time| capacity * time / per)).unwrap_or(1.0);
        let service_time = service_time.unwrap_or(concurrency * per / capacity);
        for (name, value) in
            [("capacity", capacity), ("serviceTime", service_time), ("concurrency", concurrency)]
        {
            if !(value.is_finite() && value > 0.0) {
                self.refuse(format!("{path}{name}"), format!("{value}: must be above 0"));
                return None;
            }
        }
        let startup = own.startup.or(spec.startup).unwrap_or(StartupSpec::Fixed(Span::seconds(30)));
        if let Some(problem) = startup.problem() {
            self.refuse(format!("{path}startup"), problem);
        }
        let has_queue = signals.iter().flatten().any(|signal| matches!(signal.kind, SignalKind::Queue(_)));
        let has_queue = has_queue || spec.slo.backlog_age.is_some();
        let overload = own.overload.or(spec.overload);
        let drops = overload.map_or(!has_queue, |overload| overload == Overload::Drop);
        let price = own.cost_per_pod_hour.or(spec.cost_per_pod_hour).or_else(|| natural_cost(plan, member));
        let inflow = self.inflow(member, &own.load, signals);
        let graph = plan.group.as_ref().map(|group| &group.graph);
        let calls = graph.into_iter().flat_map(|graph| graph.calls_to(member));
        Some(Service {
            name: role.name.clone(),
            capacity,
            concurrency,
            service_time,
            startup: Startup::new(startup, spec.seed ^ (member as u64) << 32),
            graceful_stop: own.graceful_stop.or(spec.graceful_stop).unwrap_or_default().0,
            drops,
            queue_limit: spec.queue_limit.unwrap_or(f64::INFINITY),
            cost_per_pod_hour: price.unwrap_or(1.0),
            bounds: plan.members[member].bounds,
            inflow,
            calls: calls.map(|edge| (edge.from, edge.calls_per_call)).collect(),
        })
    }

    fn slo(&mut self, members: &[Service]) -> Option<Slo> {
        let SloSpec { utilization, latency, backlog_age, percentile } = self.spec.slo;
        let given = [utilization.is_some(), latency.is_some(), backlog_age.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            self.refuse("slo", "must be one of utilization, latency and backlogAge");
            return None;
        }
        let percentile = percentile.unwrap_or(95.0);
        if !(percentile > 0.0 && percentile < 100.0) {
            self.refuse("slo.percentile", format!("{percentile}: must be between 0 and 100"));
        }
        if let Some(share) = utilization {
            if !(share > 0.0 && share <= 1.0) {
                self.refuse("slo.utilization", format!("{share}: must be above 0 and at most 1"));
            }
            return Some(Slo::Utilization(share));
        }
        if let Some(limit) = latency {
            let seconds = limit.as_seconds();
            for service in members.iter().filter(|service| service.service_time >= seconds) {
                let message = format!(
                    "{seconds} s: a request takes {} s at {} without waiting, so no number of replicas can \
                     meet it",
                    service.service_time, service.name
                );
                self.refuse("slo.latency", message);
            }
            return Some(Slo::Latency { seconds, percentile: percentile / 100.0 });
        }
        backlog_age.map(|age| Slo::BacklogAge(age.as_seconds()))
    }

    fn refuse_unknown_names(&mut self) {
        let metrics: Vec<&str> = self.plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
        let members: Vec<&str> = self.plan.members.iter().map(|member| member.role.name.as_str()).collect();
        let unknown = |given: Vec<&String>, known: &[&str], what: &str| {
            let unknown = given.into_iter().filter(|name| !known.contains(&name.as_str()));
            let problem = |name: &String| {
                let message = format!("the manifest has no {what} {name:?}; it has {}", known.join(", "));
                Problem::new(format!("{what}s.{name}"), Fault::invalid(message))
            };
            unknown.map(problem).collect::<Vec<_>>()
        };
        let mut problems = unknown(self.spec.metrics.keys().collect(), &metrics, "metric");
        problems.extend(unknown(self.spec.members.keys().collect(), &members, "member"));
        self.problems.extend(problems);
    }
}

/// What a metric of this source is, where nobody says so.
fn natural_signal(source: &str) -> Option<SignalSpec> {
    if QUEUES.contains(&source) {
        return Some(SignalSpec::Queue);
    }
    (source == "cpu").then_some(SignalSpec::Utilization)
}

fn is_ratio(metric: &engine::Metric) -> bool {
    metric.target.is_some_and(|target| target.type_() == TargetType::Value)
}

/// What a replica bears by the manifest: the share of one replica that it aims for.
fn natural_capacity(manifest: &Manifest, member: usize, signals: &[Option<Signal>]) -> Option<f64> {
    let plan = &manifest.plan;
    let role = &plan.members[member].role;
    let aimed = plan.metrics.iter().zip(signals).find_map(|(metric, signal)| {
        let is_load = matches!(signal.as_ref()?.kind, SignalKind::Column(_) | SignalKind::Arrivals(_));
        let is_here = plan.group.is_none() || metric.member == Some(member);
        let target = metric.target.filter(|target| target.type_() == TargetType::AverageValue)?;
        (is_load && is_here).then(|| target.value())
    });
    role.capacity.or(aimed).or_else(|| manifest.capacity_by_thresholds())
}

/// What a replica costs by the manifest.
fn natural_cost(plan: &Plan, member: usize) -> Option<f64> {
    let by_policy = plan.policy.budget().map(|budget| budget.cost_per_hour(1));
    let role = plan.members[member].role.cost_per_pod_hour;
    by_policy.or((role > 0.0).then_some(role))
}

#[cfg(test)]
mod tests;
