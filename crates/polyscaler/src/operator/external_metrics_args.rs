//! The flags of the external metrics API.

use clap::Args;

use crate::parts::{Listen, namespace};

/// Flags of the API by which HPAs read the metrics of ScaledObjects.
#[derive(Args)]
pub(super) struct ExternalMetricsArgs {
    /// Where to serve the external metrics API over TLS, for example [::]:6443, or off. HPAs of ScaledObjects read
    /// their metrics there, through the API server.
    #[arg(long, env = "POLYSCALER_EXTERNAL_METRICS_ADDRESS", default_value = "off", value_name = "ADDRESS")]
    pub(super) external_metrics_address: Listen,

    /// Name of the Service, with port 443, by which the API server reaches the external metrics API.
    #[arg(
        long,
        env = "POLYSCALER_EXTERNAL_METRICS_SERVICE",
        default_value = "polyscaler-external-metrics",
        value_name = "NAME"
    )]
    pub(super) external_metrics_service: String,

    /// Namespace of that Service. Default: that of the Lease.
    #[arg(
        long,
        env = "POLYSCALER_EXTERNAL_METRICS_SERVICE_NAMESPACE",
        value_name = "NAME",
        value_parser = namespace
    )]
    pub(super) external_metrics_service_namespace: Option<String>,

    /// Create the APIService v1beta1.external.metrics.k8s.io if there is none, and keep its caBundle up to date. One that
    /// names another Service is never changed.
    #[arg(long, env = "POLYSCALER_EXTERNAL_METRICS_API_SERVICE", default_value_t = true, num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(super) external_metrics_api_service: bool,

    /// ClusterRole that owns the APIService which the operator creates, so that Kubernetes deletes it when you uninstall.
    #[arg(long, env = "POLYSCALER_EXTERNAL_METRICS_OWNER", value_name = "NAME")]
    pub(super) external_metrics_owner: Option<String>,
}
