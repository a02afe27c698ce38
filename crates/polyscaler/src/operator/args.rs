//! The operator's flags; each is an environment variable, too.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use resources::{KINDS, Kind};
use sources::ServerAddress;

use super::admission::AdmissionArgs;

/// Watches objects, reads metrics, decides and scales, until it is told to end.
///
/// Logs go to stderr; LOG_LEVEL (a level, or a filter such as info,cluster=debug) and LOG_FORMAT
/// (text or json) set them. OTEL_EXPORTER_OTLP_ENDPOINT has it send OpenTelemetry traces; the other
/// standard OTEL variables count, too.
#[derive(Args)]
pub(crate) struct OperatorArgs {
    /// Kubeconfig of the API server. Default: KUBECONFIG, the home folder's, or the pod's service account.
    #[arg(long, env = "POLYSCALER_KUBECONFIG", value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,

    /// Act in these namespaces only, separated by commas. Default: all.
    #[arg(long, env = "POLYSCALER_NAMESPACES", value_delimiter = ',', value_name = "NAMES")]
    namespaces: Vec<String>,

    /// Act on objects of these kinds only, separated by commas. Default: all. What is left out is
    /// not seen at all: its targets count as free, and its CRD and the rights for it are not needed.
    #[arg(long, env = "POLYSCALER_KINDS", value_delimiter = ',', value_name = "KINDS", value_parser = kind)]
    kinds: Vec<&'static Kind>,

    /// Where to serve /metrics, or off.
    #[arg(long, env = "POLYSCALER_METRICS_ADDRESS", default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    pub(super) metrics_address: Listen,

    /// Where to serve /healthz and /readyz, or off.
    #[arg(long, env = "POLYSCALER_HEALTH_ADDRESS", default_value = "0.0.0.0:8081", value_name = "ADDRESS")]
    pub(super) health_address: Listen,

    /// Where to serve the activity page, /scaling-activity, /objects and /health, or off.
    #[arg(long, env = "POLYSCALER_ACTIVITY_ADDRESS", default_value = "0.0.0.0:8082", value_name = "ADDRESS")]
    pub(super) activity_address: Listen,

    /// How many scale operations /scaling-activity remembers.
    #[arg(long, env = "POLYSCALER_MAX_ACTIONS", default_value_t = 200, value_name = "COUNT")]
    pub(super) max_actions: usize,

    /// Append every decision, carried out or not, with its steps and readings to this file, as JSON lines.
    #[arg(long, env = "POLYSCALER_AUDIT_FILE", value_name = "FILE")]
    pub(super) audit_file: Option<PathBuf>,

    /// Append what a learned policy learns from to this file, as JSON lines: of each decision for a group
    /// what was seen, what was done, and how well that went by the next poll.
    #[arg(long, env = "POLYSCALER_EPISODES_FILE", value_name = "FILE")]
    pub(super) episodes_file: Option<PathBuf>,

    /// Elect a leader among replicas by a Lease; only the leader polls and writes.
    #[arg(long, env = "POLYSCALER_LEADER_ELECT", default_value_t = true, num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(super) leader_elect: bool,

    /// Namespace of the Lease. Default: the pod's, or that of the kubeconfig's context.
    #[arg(long, env = "POLYSCALER_LEASE_NAMESPACE", value_name = "NAME")]
    pub(super) lease_namespace: Option<String>,

    /// Name of the Lease.
    #[arg(long, env = "POLYSCALER_LEASE_NAME", default_value = "polyscaler", value_name = "NAME")]
    pub(super) lease_name: String,

    /// How long a leader that fell silent keeps others waiting, from 3s to 5m.
    #[arg(long, env = "POLYSCALER_LEASE_DURATION", default_value = "15s", value_parser = lease_duration,
          value_name = "TIME")]
    pub(super) lease_duration: Duration,

    /// Allow a namespaced object to act in another namespace.
    #[arg(long, env = "POLYSCALER_ALLOW_CROSS_NAMESPACE")]
    pub(super) allow_cross_namespace: bool,

    /// Addresses that metrics must not be read from, as CIDRs separated by commas. Link-local
    /// addresses, where clouds keep credentials, are always refused.
    #[arg(long, env = "POLYSCALER_DENY_ADDRESSES", value_delimiter = ',', value_name = "CIDRS")]
    pub(super) deny_addresses: Vec<IpNet>,

    /// Exceptions from the refused addresses, as CIDRs separated by commas.
    #[arg(long, env = "POLYSCALER_ALLOW_ADDRESSES", value_delimiter = ',', value_name = "CIDRS")]
    pub(super) allow_addresses: Vec<IpNet>,

    /// The Prometheus server that is asked where a metric of type prometheus names none, for example
    /// http://prometheus.monitoring:9090.
    #[arg(long, env = "POLYSCALER_PROMETHEUS_URL", value_name = "URL", value_parser = prometheus_url)]
    pub(super) prometheus_url: Option<ServerAddress>,

    #[command(flatten)]
    pub(super) admission: AdmissionArgs,

    #[command(flatten)]
    planned: Planned,
}

/// Flags of the command line's contract whose parts this version does not have. They are
/// taken so that one command line serves every version; whoever sets one is told.
#[derive(Args)]
struct Planned {
    #[arg(long, env = "POLYSCALER_EXTERNAL_METRICS_ADDRESS", default_value = "off", hide = true)]
    external_metrics_address: Listen,
}

impl OperatorArgs {
    /// The kinds to act on.
    pub(super) fn kinds(&self) -> Vec<&'static Kind> {
        if self.kinds.is_empty() { KINDS.to_vec() } else { self.kinds.clone() }
    }

    /// The namespaces to act in; empty for all, also where the variable is set to nothing.
    pub(super) fn namespaces(&self) -> Vec<String> {
        let named = self.namespaces.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
        named.map(str::to_owned).collect()
    }
}

impl OperatorArgs {
    /// The flags that were set and have no effect, in this version or without others.
    pub(super) fn without_effect(&self) -> Vec<&'static str> {
        let planned = &self.planned;
        let set = [("--external-metrics-address", planned.external_metrics_address != Listen::Off)];
        let set = set.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag);
        set.chain(self.admission.without_effect()).collect()
    }
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    Off,
    On(SocketAddr),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let all_interfaces = text.strip_prefix(':').map(|port| format!("0.0.0.0:{port}"));
        let address = all_interfaces.as_deref().unwrap_or(text);
        address.parse().map(Self::On).map_err(|_| "give an address such as 0.0.0.0:8080, or off".to_owned())
    }
}

impl Listen {
    pub(super) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::On(address) => Some(address),
        }
    }
}

fn lease_duration(text: &str) -> Result<Duration, String> {
    let duration = crate::duration(text)?;
    let allowed = Duration::from_secs(3)..=Duration::from_secs(300);
    if allowed.contains(&duration) { Ok(duration) } else { Err("give a time from 3s to 5m".to_owned()) }
}

fn prometheus_url(text: &str) -> Result<ServerAddress, String> {
    text.parse()
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    KINDS.iter().copied().find(|kind| kind.kind == name).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.kind).collect();
        format!("give some of {}", known.join(", "))
    })
}
