//! The flags of the admission webhook, and of the certificate that replicas share.

use std::path::PathBuf;

use clap::Args;

use crate::parts::Listen;

/// Flags of the listeners that show the certificate which replicas share.
#[derive(Args)]
pub(super) struct AdmissionArgs {
    /// Where to serve the validating admission webhook over TLS, for example [::]:9443, or off.
    #[arg(long, env = "POLYSCALER_WEBHOOK_ADDRESS", default_value = "off", value_name = "ADDRESS")]
    pub(super) webhook_address: Listen,

    /// Name of the ValidatingWebhookConfiguration that calls the webhook; its caBundle is kept up to date.
    #[arg(long, env = "POLYSCALER_WEBHOOK_CONFIGURATION", default_value = "polyscaler", value_name = "NAME")]
    pub(super) webhook_configuration: String,

    /// Directory with the certificate of the webhook: tls.crt, tls.key and ca.crt, reloaded when they change
    /// and created when they are missing. Default: they are created and kept in the Secret that --cert-secret
    /// names.
    #[arg(long, env = "POLYSCALER_CERT_DIR", value_name = "DIR")]
    pub(super) cert_dir: Option<PathBuf>,

    /// Name of the Secret, in the Lease's namespace, that replicas share their certificate in.
    #[arg(
        long,
        env = "POLYSCALER_CERT_SECRET",
        default_value = "polyscaler-certificate",
        value_name = "NAME"
    )]
    pub(super) cert_secret: String,
}
