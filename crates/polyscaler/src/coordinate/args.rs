//! The flags of `coordinate`. Its environment variables have the plain names that users of groups
//! files know.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use engine::policy::Serves;

use crate::parts::{PartsArgs, namespace};
use crate::policies::policies;

/// The policy that needs nothing but bounds.
pub(super) const RANDOM: &str = "random";

/// Scales groups of Deployments together, as a groups file names them, until terminated.
///
/// A line of the file is a group: names of Deployments, separated by commas. A name is ignored unless the
/// namespace has a Deployment of this name that belongs to the application: a label or annotation app or
/// app_name, or its own name, equals the application's name. No CRDs are needed.
///
/// Logs go to stderr; LOG_LEVEL (a level, or a filter such as info,cluster=debug) and LOG_FORMAT (text or
/// json) configure them.
#[derive(Args)]
#[command(
    mut_arg("kubeconfig", |flag| flag.help(
        "Kubeconfig of the API server. Default: KUBECONFIG, or the home folder's"
    )),
    mut_arg("metrics_address", |flag| flag.default_value("off")),
    mut_arg("health_address", |flag| flag.default_value("off")),
    mut_arg("activity_address", |flag| flag.default_value("off")),
    mut_arg("leader_elect", |flag| flag.help(
        "Elect a leader among replicas with a Lease named after the application; only the leader scales"
    )),
)]
pub(crate) struct CoordinateArgs {
    /// The groups file. It is reloaded when it changes; after an invalid edit the last valid groups stay in effect.
    #[arg(long, env = "GROUP_FILE", default_value = "./groups.txt", value_name = "FILE")]
    pub(super) group_file: PathBuf,

    /// Namespace of the application.
    #[arg(long, env = "NAMESPACE", default_value = "default", value_name = "NAME", value_parser = namespace)]
    pub(super) namespace: String,

    /// Name of the application that the Deployments belong to.
    #[arg(long, env = "APP_NAME", default_value = "teastore", value_name = "NAME", value_parser = app_name)]
    pub(super) app_name: String,

    /// Whether this runs in a pod and uses its service account: true or false, yes or no, 1 or 0. Otherwise
    /// it uses a kubeconfig.
    #[arg(long, env = "KUBERNETES_POD", default_value = "false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set, value_parser = yes_or_no,
          value_name = "BOOL")]
    pub(super) kubernetes_pod: bool,

    /// Time between two actions: seconds, or a duration such as 60s or 2m.
    #[arg(long, env = "ACTION_INTERVAL", default_value = "60", value_name = "TIME", value_parser = interval)]
    pub(super) action_interval: Duration,

    /// Minimum replicas of each member.
    #[arg(long, env = "MIN_REPLICAS", default_value = "1", value_name = "COUNT", value_parser = min_replicas)]
    pub(super) min_replicas: u32,

    /// Maximum replicas of each member.
    #[arg(long, env = "MAX_REPLICAS", default_value = "10", value_name = "COUNT", value_parser = max_replicas)]
    pub(super) max_replicas: u32,

    /// The policy that recommends replicas. All but random need --group-spec. Default: random, which suits
    /// experiments only: it ignores the load.
    #[arg(long, env = "POLICY", value_name = "NAME", value_parser = policy)]
    policy: Option<String>,

    /// Decide and log, but change nothing in the cluster: no replicas, no Events, no Lease.
    #[arg(long, env = "DRY_RUN", default_value = "false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set, value_parser = yes_or_no,
          value_name = "BOOL")]
    pub(super) dry_run: bool,

    /// Seed of policy random, to repeat a run. Default: random, and logged.
    #[arg(long, env = "SEED", value_name = "NUMBER")]
    seed: Option<Seed>,

    /// YAML file with what the groups file cannot express: metrics, callGraph, budget, safety, policy.config
    /// and members with weight, bounds and capacity, as in the spec of a ScalingGroup. It applies to every
    /// group that has the members it names.
    #[arg(long, env = "GROUP_SPEC", value_name = "FILE")]
    group_spec: Option<OptionalFile>,

    /// Instead of scaling by a policy, scale the groups as listed in this file, one `group, from, to,
    /// repetitions` per line, and measure the time from the request until the last member is ready. The results are
    /// scaling_csv.txt, scaling_times.svg and a table. At the end, the replicas are restored.
    #[arg(long, value_name = "FILE")]
    pub(super) experiment: Option<PathBuf>,

    /// Directory for the results of an experiment.
    #[arg(long, value_name = "DIR", default_value = ".", requires = "experiment")]
    pub(super) out: PathBuf,

    /// Timeout of one scaling of an experiment.
    #[arg(long, value_name = "TIME", default_value = "10m", requires = "experiment", value_parser = crate::duration)]
    pub(super) experiment_timeout: Duration,

    #[command(flatten)]
    pub(super) parts: PartsArgs,
}

impl CoordinateArgs {
    /// Name of the policy.
    pub(super) fn policy(&self) -> &str {
        self.policy.as_deref().unwrap_or(RANDOM)
    }

    /// Whether nobody chose a policy.
    pub(super) fn has_default_policy(&self) -> bool {
        self.policy.is_none()
    }

    /// The seed that was asked for.
    pub(super) fn seed(&self) -> Option<u32> {
        self.seed.as_ref()?.0
    }

    /// The file with more about the groups, where there is one.
    pub(super) fn group_spec(&self) -> Option<PathBuf> {
        self.group_spec.as_ref()?.0.clone()
    }

    /// What makes no sense together, in one line.
    pub(super) fn contradiction(&self) -> Option<String> {
        let (least, most) = (self.min_replicas, self.max_replicas);
        if least > most {
            return Some(format!(
                "MIN_REPLICAS={least} is above MAX_REPLICAS={most}: lower MIN_REPLICAS or raise MAX_REPLICAS"
            ));
        }
        if self.dry_run && self.experiment.is_some() {
            let problem =
                "--dry-run changes nothing, and an experiment measures changes: use only one of them";
            return Some(problem.to_owned());
        }
        let policy = self.policy();
        if policy != RANDOM && self.group_spec().is_none() {
            return Some(format!(
                "POLICY={policy} needs GROUP_SPEC: set it to a YAML file with the metrics and settings of \
                 {policy}, in the form of the spec of a ScalingGroup"
            ));
        }
        if self.kubernetes_pod && self.parts.kubeconfig.is_some() {
            return Some(
                "KUBERNETES_POD=true uses the pod's service account, and --kubeconfig names other \
                 credentials: use only one of them"
                    .to_owned(),
            );
        }
        None
    }
}

/// A number, or none where the variable is set to nothing.
#[derive(Clone, Debug)]
struct Seed(Option<u32>);

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        let seed = text.trim().parse();
        seed.map(|seed| Self(Some(seed)))
            .map_err(|_| format!("must be a whole number from 0 to {}", u32::MAX))
    }
}

/// A file, or none where the variable is set to nothing.
#[derive(Clone, Debug)]
struct OptionalFile(Option<PathBuf>);

impl FromStr for OptionalFile {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Some(PathBuf::from(text)).filter(|_| !text.trim().is_empty())))
    }
}

fn app_name(text: &str) -> Result<String, String> {
    let is_name = !text.trim().is_empty() && text.len() <= 253 && !text.chars().any(char::is_control);
    if is_name {
        Ok(text.trim().to_owned())
    } else {
        Err("must be the name of the application, such as teastore".to_owned())
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" | "" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let advice = || "must be seconds, or a duration such as 60s or 2m, from 1 second to 1 day".to_owned();
    let text = text.trim();
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => crate::duration(text).map_err(|_| advice())?,
    };
    let allowed = Duration::from_secs(1)..=Duration::from_secs(86_400);
    if allowed.contains(&time) && time.subsec_nanos() == 0 { Ok(time) } else { Err(advice()) }
}

fn count(text: &str, least: u32) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|count| (least..=i32::MAX.cast_unsigned()).contains(count));
    count.ok_or_else(|| format!("must be a whole number of replicas, {least} or more"))
}

fn min_replicas(text: &str) -> Result<u32, String> {
    count(text, 0)
}

fn max_replicas(text: &str) -> Result<u32, String> {
    count(text, 1)
}

fn policy(text: &str) -> Result<String, String> {
    let name = text.trim();
    let policies = policies();
    if policies.serving(Serves::Group).any(|policy| policy.name == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = policies.serving(Serves::Group).map(|policy| policy.name).collect();
    Err(format!("must be one of {}", names.join(", ")))
}
