//! The workload file, as users write it.

use std::collections::BTreeMap;
use std::fmt;

use engine::{Fault, FaultKind, Problem};
use serde::{Deserialize, Serialize};

use super::{Span, StartupSpec};

/// What a service is like. Everything has a default; the docs list them, and the report prints what was used.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WorkloadSpec {
    /// The load that one replica bears, in the load's own unit. Default: what the manifest's target says.
    pub capacity: Option<f64>,
    /// What the load counts, for people. Default: the column's name.
    pub unit: Option<String>,
    /// The time in which a value of the load was counted: `30m` where the file has requests of half an hour.
    /// Default 1 s.
    pub per: Option<Span>,
    /// From being asked for to being ready. Default 30 s.
    pub startup: Option<StartupSpec>,
    /// Mean time that one request takes. Default: `concurrency` over `capacity`.
    pub service_time: Option<Span>,
    /// Requests that a replica serves at once. Default: `capacity` times `serviceTime`, and 1 where neither is known.
    pub concurrency: Option<f64>,
    /// How far arrivals and service times vary. Default: both exponential.
    pub variability: Option<Variability>,
    /// What happens to requests that cannot be served. Default: `queue` if a metric is a queue's length,
    /// otherwise `drop`.
    pub overload: Option<Overload>,
    /// The longest queue; what comes on top is dropped. Default: no limit.
    pub queue_limit: Option<f64>,
    /// How long a replica that is removed is still paid for. Default 0.
    pub graceful_stop: Option<Span>,
    /// What a replica costs in an hour. Default: what the manifest says, else 1.
    pub cost_per_pod_hour: Option<f64>,
    /// The service level objective. Default: no more load than replicas bear.
    pub slo: SloSpec,
    /// Seed of everything that is drawn. Default 0.
    pub seed: u64,
    /// Replicas at the begin, all of them ready. Default: what the first value needs, within the bounds.
    pub initial_replicas: Option<u32>,
    /// Which column is the load, and what it is.
    pub load: LoadSpec,
    /// Where the manifest's metrics come from, by their names.
    pub metrics: BTreeMap<String, MetricSource>,
    /// What differs for a group's members, by their names.
    pub members: BTreeMap<String, MemberSpec>,
    /// The settings of the HPA and KEDA that are compared with.
    pub contenders: ContenderSpec,
}

/// How far arrivals and service times vary: squared coefficients of variation; 1 is exponential, 0 is regular.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variability {
    /// Of the times between two arrivals.
    pub arrivals: f64,
    /// Of service times.
    pub service: f64,
}

/// What becomes of requests that cannot be served.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Overload {
    /// They wait.
    Queue,
    /// They fail.
    Drop,
}

/// The service level objective: one of the three.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SloSpec {
    /// The share of what replicas bear that is in use, above 0 and at most 1. Default 1.
    pub utilization: Option<f64>,
    /// The longest that `percentile` of requests take.
    pub latency: Option<Span>,
    /// The longest that the youngest message of a queue must wait.
    pub backlog_age: Option<Span>,
    /// With `latency`, between 0 and 100. Default 95.
    pub percentile: Option<f64>,
}

/// Which column is the load.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LoadSpec {
    /// Its name. Default: that of the first metric, or the only one.
    pub column: Option<String>,
    /// What it is.
    pub kind: LoadKind,
    /// The column with the replicas of that day; required unless `kind` is `rate`.
    pub replicas: Option<String>,
    /// What each value is multiplied by, for example 0.01 where a utilisation is in per cent. Default 1.
    pub scale: Option<f64>,
}

/// What a column is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum LoadKind {
    /// Demand: requests, messages, users. It does not depend on the replicas.
    #[default]
    Rate,
    /// The share of what the replicas of that day bore that was in use.
    Utilization,
    /// The latency, in seconds, that the replicas of that day gave.
    Latency,
}

/// Where a metric comes from.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricSource {
    /// A column of the load. With `signal: load` only.
    pub column: Option<String>,
    /// What the metric is. Default: by its source.
    pub signal: Option<SignalSpec>,
    /// What its value is multiplied by. Default 1.
    pub scale: Option<f64>,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum SignalSpec {
    /// A column of the load, as it was recorded.
    Load,
    /// The messages that wait, as the replay has them.
    Queue,
    /// The share in use of what the replay's replicas bear, in per cent.
    Utilization,
    /// The latency that the replay's replicas give, in seconds.
    Latency,
}

impl fmt::Display for SignalSpec {
    /// As it is written in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Queue => "queue",
            Self::Utilization => "utilization",
            Self::Latency => "latency",
        })
    }
}

/// What differs for a member of a group.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MemberSpec {
    /// The column of the demand that comes in here from outside.
    pub load: Option<String>,
    /// As in the workload itself.
    pub capacity: Option<f64>,
    /// As in the workload itself.
    pub startup: Option<StartupSpec>,
    /// As in the workload itself.
    pub service_time: Option<Span>,
    /// As in the workload itself.
    pub concurrency: Option<f64>,
    /// As in the workload itself.
    pub overload: Option<Overload>,
    /// As in the workload itself.
    pub graceful_stop: Option<Span>,
    /// As in the workload itself.
    pub cost_per_pod_hour: Option<f64>,
}

/// The settings of those that are compared with, where the defaults of their projects are not meant.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContenderSpec {
    /// Time between two syncs of the HPA controller. Default 15 s.
    pub hpa_sync_period: Span,
    /// How old a value is when the HPA sees it. Default 0: the best that a metrics pipeline can do.
    pub hpa_metric_delay: Span,
    /// KEDA's `pollingInterval`. Default 30 s.
    pub keda_polling_interval: Span,
    /// KEDA's `cooldownPeriod`. Default 300 s.
    pub keda_cooldown_period: Span,
}

impl Default for ContenderSpec {
    fn default() -> Self {
        Self {
            hpa_sync_period: Span::seconds(15),
            hpa_metric_delay: Span::seconds(0),
            keda_polling_interval: Span::seconds(30),
            keda_cooldown_period: Span::seconds(300),
        }
    }
}

impl WorkloadSpec {
    /// Reads a workload file.
    ///
    /// # Errors
    /// What is wrong, and at which line.
    pub fn from_yaml(text: &str) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(text).map_err(|error| {
            let options = serde_saphyr::render_options! {
                formatter: &serde_saphyr::UserMessageFormatter,
                snippets: serde_saphyr::SnippetMode::Off,
            };
            Problem::new("", Fault::new(FaultKind::Unreadable, error.render_with_options(options)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_read() {
        let spec = WorkloadSpec::from_yaml(
            "capacity: 100\nper: 30m\nstartup: {uniform: {min: 20s, max: 60s}}\nserviceTime: 50ms\noverload: queue\n\
             slo: {latency: 250ms, percentile: 99}\nload: {column: cpu, kind: utilization, replicas: pods, scale: 0.01}\n\
             metrics: {jobs: {signal: queue}}\nmembers: {db: {capacity: 50}}\ncontenders: {kedaPollingInterval: 10s}\n",
        )
        .unwrap();
        assert_eq!(spec.per, Some(Span::seconds(1800)));
        assert_eq!(spec.slo.percentile, Some(99.0));
        assert_eq!(spec.load.kind, LoadKind::Utilization);
        assert_eq!(spec.contenders.hpa_sync_period, Span::seconds(15));
        assert_eq!(WorkloadSpec::from_yaml("").unwrap(), WorkloadSpec::default());
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line, part) in [
            ("capacity: 100\nstartupp: 30s\n", "line 2", "startupp"),
            ("capacity: many\n", "line 1", ""),
            ("slo:\n  latency: soon\n", "line 2", "soon"),
            ("overload: explode\n", "line 1", "explode"),
        ] {
            let problem = WorkloadSpec::from_yaml(text).unwrap_err().to_string();
            assert!(problem.contains(line) && problem.contains(part), "{problem}");
        }
    }
}
