//! The operator's own flags; each is an environment variable, too.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cluster::NamespaceSelector;
use resources::{KINDS, Kind};
use runner::Namespaces;
use tokio::sync::watch;

use super::admission_args::AdmissionArgs;
use super::external_metrics_args::ExternalMetricsArgs;
use crate::parts::{Listen, PartsArgs, namespace};

/// Watches objects, reads metrics, decides and scales, until terminated.
///
/// Logs go to stderr; LOG_LEVEL (a level, or a filter such as info,cluster=debug) and LOG_FORMAT (text or
/// json) configure them. OTEL_EXPORTER_OTLP_ENDPOINT turns on OpenTelemetry traces; the other standard OTEL
/// variables also apply.
#[derive(Args)]
pub(crate) struct OperatorArgs {
    #[command(flatten)]
    pub(super) parts: PartsArgs,

    /// Act in these namespaces only, separated by commas. Default: all.
    #[arg(long, env = "POLYSCALER_NAMESPACES", value_delimiter = ',', value_name = "NAMES",
          value_parser = listed_namespace)]
    namespaces: Vec<String>,

    /// Never act in these namespaces, separated by commas.
    #[arg(long, env = "POLYSCALER_EXCLUDE_NAMESPACES", value_delimiter = ',', value_name = "NAMES",
          value_parser = listed_namespace)]
    exclude_namespaces: Vec<String>,

    /// Act only in namespaces whose labels match this selector, for example team=shop,stage!=test. A change of their
    /// labels takes effect at once. The operator needs permission to list and watch namespaces.
    #[arg(long, env = "POLYSCALER_NAMESPACE_SELECTOR", value_name = "SELECTOR")]
    namespace_selector: Option<String>,

    /// Act on objects of these kinds only, separated by commas. Default: all. Other kinds are ignored: their
    /// targets are considered free, and neither their CRDs nor permissions for them are needed.
    #[arg(long, env = "POLYSCALER_KINDS", value_delimiter = ',', value_name = "KINDS", value_parser = kind)]
    kinds: Vec<&'static Kind>,

    /// Namespace of the Lease. Default: the pod's, or that of the kubeconfig's context.
    #[arg(long, env = "POLYSCALER_LEASE_NAMESPACE", value_name = "NAME")]
    pub(super) lease_namespace: Option<String>,

    /// Name of the Lease.
    #[arg(long, env = "POLYSCALER_LEASE_NAME", default_value = "polyscaler", value_name = "NAME")]
    pub(super) lease_name: String,

    /// Allow a namespaced object to act in another namespace.
    #[arg(long, env = "POLYSCALER_ALLOW_CROSS_NAMESPACE")]
    pub(super) allow_cross_namespace: bool,

    /// Act on objects of KEDA's kinds although an operator of KEDA is active. By default they are left to it while the Lease
    /// operator.keda.sh, in any namespace, is renewed.
    #[arg(long, env = "POLYSCALER_BESIDE_KEDA")]
    pub(super) beside_keda: bool,

    /// Decide beside the HPA controller for every HPA that polyscaler does not own, in the namespaces to act in, and show
    /// where the two differ and why. Neither the HPA nor its target is ever written.
    #[arg(long, env = "POLYSCALER_OBSERVE_HPAS")]
    pub(super) observe_hpas: bool,

    /// YAML file with defaults for what specs leave open (interval, safety) and ceilings for what they say (maxReplicas,
    /// shortest interval, metric types), for all namespaces or for some by name or label. Read again when it changes.
    #[arg(long, env = "POLYSCALER_DEFAULTS_FILE", value_name = "FILE")]
    pub(super) defaults_file: Option<PathBuf>,

    /// Folder of the files that a ClusterTriggerAuthentication may name in filePath. Without it none is read.
    #[arg(long, env = "POLYSCALER_FILEPATH_AUTH_ROOT_PATH", value_name = "FOLDER")]
    pub(super) filepath_auth_root_path: Option<PathBuf>,

    /// Where to serve other replicas while this one is the leader, over TLS with the certificate that they
    /// share, for example [::]:8083, or off. When set, every replica's activity page shows what the leader
    /// knows. If the address is that of all interfaces, POD_IP is the one by which other replicas reach this
    /// one.
    #[arg(long, env = "POLYSCALER_PEER_ADDRESS", default_value = "off", value_name = "ADDRESS")]
    pub(super) peer_address: Listen,

    #[command(flatten)]
    pub(super) admission: AdmissionArgs,

    #[command(flatten)]
    pub(super) external_metrics: ExternalMetricsArgs,
}

impl OperatorArgs {
    /// The kinds to act on.
    pub(super) fn kinds(&self) -> Vec<&'static Kind> {
        if self.kinds.is_empty() { KINDS.to_vec() } else { self.kinds.clone() }
    }

    /// The namespaces to act in, all where variables are set to nothing; and what selects them by their labels.
    pub(super) fn namespaces(&self) -> (Namespaces, Option<NamespaceSelector>) {
        let namespaces = Namespaces::named(given(&self.namespaces)).without(given(&self.exclude_namespaces));
        let labels = self.namespace_selector.as_deref().map(str::trim).filter(|labels| !labels.is_empty());
        let Some(labels) = labels else { return (namespaces, None) };
        let (selected, seen) = watch::channel(Arc::default());
        (namespaces.selected_by(seen), Some(NamespaceSelector { labels: labels.to_owned(), selected }))
    }
}

/// The names that are none between two commas.
fn given(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| !name.is_empty()).cloned().collect()
}

/// One of several names, with spaces around it; empty between two commas and where nothing is named.
fn listed_namespace(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok(String::new()),
        name => namespace(name),
    }
}

impl OperatorArgs {
    /// The flag that was set and has no effect without another.
    pub(super) fn without_effect(&self) -> Option<&'static str> {
        (!self.shows_certificate() && self.admission.cert_dir.is_some()).then_some("--cert-dir")
    }

    /// Whether a listener shows the certificate that replicas share.
    pub(super) fn shows_certificate(&self) -> bool {
        let addresses = [
            self.admission.webhook_address,
            self.peer_address,
            self.external_metrics.external_metrics_address,
        ];
        addresses.into_iter().any(|address| address != Listen::Off)
    }
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    KINDS.iter().copied().find(|kind| kind.kind == name).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.kind).collect();
        format!("must be one or more of {}", known.join(", "))
    })
}
