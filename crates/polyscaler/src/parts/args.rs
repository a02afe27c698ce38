//! Flags of every command that runs the loop; each is an environment variable, too.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use sources::ServerAddress;

/// Flags of `operator` and `coordinate`.
#[derive(Args)]
pub(crate) struct PartsArgs {
    /// Kubeconfig of the API server. Default: KUBECONFIG, the home folder's, or the pod's service account.
    #[arg(long, env = "POLYSCALER_KUBECONFIG", value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Where to serve /metrics, or off. [::] is every address, of IPv6 and IPv4; 0.0.0.0:8080 is IPv4 only.
    #[arg(long, env = "POLYSCALER_METRICS_ADDRESS", default_value = "[::]:8080", value_name = "ADDRESS")]
    pub(crate) metrics_address: Listen,

    /// Where to serve /healthz and /readyz, or off; 0.0.0.0:8081 is IPv4 only.
    #[arg(long, env = "POLYSCALER_HEALTH_ADDRESS", default_value = "[::]:8081", value_name = "ADDRESS")]
    pub(crate) health_address: Listen,

    /// Where to serve the activity page, /scaling-activity, /objects and /health, or off;
    /// 0.0.0.0:8082 is IPv4 only.
    #[arg(long, env = "POLYSCALER_ACTIVITY_ADDRESS", default_value = "[::]:8082", value_name = "ADDRESS")]
    pub(crate) activity_address: Listen,

    /// Number of scale operations that /scaling-activity keeps.
    #[arg(long, env = "POLYSCALER_MAX_ACTIONS", default_value_t = 200, value_name = "COUNT")]
    pub(crate) max_actions: usize,

    /// Append every decision, applied or not, to this file as JSON lines, with its steps and readings.
    #[arg(long, env = "POLYSCALER_AUDIT_FILE", value_name = "FILE")]
    pub(crate) audit_file: Option<PathBuf>,

    /// Append training data for learned policies to this file as JSON lines: for each decision on a group,
    /// what was observed, what was done, and the reward at the next poll.
    #[arg(long, env = "POLYSCALER_EPISODES_FILE", value_name = "FILE")]
    pub(crate) episodes_file: Option<PathBuf>,

    /// Elect a leader among replicas with a Lease; only the leader polls and writes.
    #[arg(long, env = "POLYSCALER_LEADER_ELECT", default_value_t = true, num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) leader_elect: bool,

    /// How long other replicas wait after the last renewal before they take over the Lease, from 3s to 5m.
    #[arg(long, env = "POLYSCALER_LEASE_DURATION", default_value = "15s", value_parser = lease_duration,
          value_name = "TIME")]
    pub(crate) lease_duration: Duration,

    /// Timeout of one request to the API server, from 1s to 1m. A write never lasts longer than the lease.
    #[arg(long, env = "POLYSCALER_API_TIMEOUT", default_value = "5s", value_parser = api_timeout,
          value_name = "TIME")]
    pub(crate) api_timeout: Duration,

    /// CIDRs, separated by commas, that metrics must not be read from. Link-local addresses, where clouds
    /// serve credentials, are always denied.
    #[arg(long, env = "POLYSCALER_DENY_ADDRESSES", value_delimiter = ',', value_name = "CIDRS")]
    pub(crate) deny_addresses: Vec<IpNet>,

    /// CIDRs, separated by commas, that are exempt from the denied addresses.
    #[arg(long, env = "POLYSCALER_ALLOW_ADDRESSES", value_delimiter = ',', value_name = "CIDRS")]
    pub(crate) allow_addresses: Vec<IpNet>,

    /// Default Prometheus server of metrics of type prometheus, for example
    /// http://prometheus.monitoring:9090.
    #[arg(long, env = "POLYSCALER_PROMETHEUS_URL", value_name = "URL", value_parser = prometheus_url)]
    pub(crate) prometheus_url: Option<ServerAddress>,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Off,
    On(SocketAddr),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let all_interfaces = text.strip_prefix(':').map(|port| format!("[::]:{port}"));
        let address = all_interfaces.as_deref().unwrap_or(text);
        address
            .parse()
            .map(Self::On)
            .map_err(|_| "must be an address such as 0.0.0.0:8080, or off".to_owned())
    }
}

impl Listen {
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::On(address) => Some(address),
        }
    }
}

/// The name of a namespace.
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    let is_end =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_name = is_end(text.bytes().next())
        && is_end(text.bytes().last())
        && text.len() <= 63
        && text.bytes().all(|byte| is_end(Some(byte)) || byte == b'-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("must be the name of a namespace, such as default".to_owned())
    }
}

fn lease_duration(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(3)..=Duration::from_secs(300);
    within(text, &allowed, "must be a duration from 3s to 5m")
}

fn api_timeout(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(1)..=Duration::from_secs(60);
    within(text, &allowed, "must be a duration from 1s to 1m")
}

fn within(text: &str, allowed: &RangeInclusive<Duration>, advice: &str) -> Result<Duration, String> {
    let duration = crate::duration(text)?;
    if allowed.contains(&duration) { Ok(duration) } else { Err(advice.to_owned()) }
}

pub(crate) fn prometheus_url(text: &str) -> Result<ServerAddress, String> {
    text.parse()
}
