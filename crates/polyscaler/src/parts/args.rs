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

    /// How many scale operations /scaling-activity remembers.
    #[arg(long, env = "POLYSCALER_MAX_ACTIONS", default_value_t = 200, value_name = "COUNT")]
    pub(crate) max_actions: usize,

    /// Append every decision, applied or not, with its steps and readings to this file, as JSON lines.
    #[arg(long, env = "POLYSCALER_AUDIT_FILE", value_name = "FILE")]
    pub(crate) audit_file: Option<PathBuf>,

    /// Append what a learned policy learns from to this file, as JSON lines: for each decision on a group
    /// what was observed, what was done, and how well that went by the next poll.
    #[arg(long, env = "POLYSCALER_EPISODES_FILE", value_name = "FILE")]
    pub(crate) episodes_file: Option<PathBuf>,

    /// Elect a leader among replicas by a Lease; only the leader polls and writes.
    #[arg(long, env = "POLYSCALER_LEADER_ELECT", default_value_t = true, num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) leader_elect: bool,

    /// How long other replicas wait after the last renewal before they take over the Lease, from 3s to 5m.
    #[arg(long, env = "POLYSCALER_LEASE_DURATION", default_value = "15s", value_parser = lease_duration,
          value_name = "TIME")]
    pub(crate) lease_duration: Duration,

    /// How long the API server may take to answer one request before it counts as failed, from 1s to 1m. A write
    /// never lasts longer than the lease.
    #[arg(long, env = "POLYSCALER_API_TIMEOUT", default_value = "5s", value_parser = api_timeout,
          value_name = "TIME")]
    pub(crate) api_timeout: Duration,

    /// Addresses that metrics must not be read from, as CIDRs separated by commas. Link-local
    /// addresses, where clouds keep credentials, are always refused.
    #[arg(long, env = "POLYSCALER_DENY_ADDRESSES", value_delimiter = ',', value_name = "CIDRS")]
    pub(crate) deny_addresses: Vec<IpNet>,

    /// Exceptions from the refused addresses, as CIDRs separated by commas.
    #[arg(long, env = "POLYSCALER_ALLOW_ADDRESSES", value_delimiter = ',', value_name = "CIDRS")]
    pub(crate) allow_addresses: Vec<IpNet>,

    /// The Prometheus server of metrics of type prometheus that name none, for example
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
        address.parse().map(Self::On).map_err(|_| "give an address such as 0.0.0.0:8080, or off".to_owned())
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
        Err("give the name of a namespace, such as default".to_owned())
    }
}

fn lease_duration(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(3)..=Duration::from_secs(300);
    within(text, &allowed, "give a time from 3s to 5m")
}

fn api_timeout(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(1)..=Duration::from_secs(60);
    within(text, &allowed, "give a time from 1s to 1m")
}

fn within(text: &str, allowed: &RangeInclusive<Duration>, advice: &str) -> Result<Duration, String> {
    let duration = crate::duration(text)?;
    if allowed.contains(&duration) { Ok(duration) } else { Err(advice.to_owned()) }
}

fn prometheus_url(text: &str) -> Result<ServerAddress, String> {
    text.parse()
}
