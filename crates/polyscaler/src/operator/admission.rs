//! The certificate that the operator's replicas share, joined to the cluster; and of the listeners that show it, the
//! admission webhook.

use std::sync::{Arc, OnceLock};

use cluster::{ApiServiceRegistration, Clients, KeptSecret, WebhookRegistration, WorkloadStore};
use engine::Target;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runner::{Namespaces, Workloads};
use serde_json::Value;
use serve::{
    CertificateCallers, CertificateFiles, CertificateFolder, CertificateKeeper, CertificateSlot,
    CertificateVault, Judge, Kept, Listening,
};
use sources::{AddressPolicy, Registry};

use super::args::OperatorArgs;
use super::defaults::DefaultsFile;
use super::external_metrics;
use crate::parts::{Listen, Shared};
use crate::policies::policies;

/// The Service of the webhook has this name where nobody says otherwise.
const SERVICE: &str = "polyscaler-webhook";

/// The certificate that replicas share, and the listeners that show it.
pub(super) struct Certificates {
    slot: Arc<CertificateSlot>,
    folder: Option<CertificateFolder>,
    /// Whether the API server calls by it.
    has_webhook: bool,
    /// What the webhook looks at.
    workloads: Arc<ClusterWorkloads>,
}

impl Certificates {
    /// Opens the folder; `None` where nothing needs a certificate.
    ///
    /// # Errors
    /// Where a folder is named that cannot be used.
    pub(super) fn open(arguments: &OperatorArgs) -> anyhow::Result<Option<Self>> {
        let flags = &arguments.admission;
        // A folder that was named and cannot be used is a mistake, whatever it is for.
        let folder = flags.cert_dir.as_deref().map(CertificateFolder::open).transpose()?;
        let has_webhook = flags.webhook_address != Listen::Off;
        Ok(arguments.shows_certificate().then(|| Self {
            slot: Arc::default(),
            folder,
            has_webhook,
            workloads: Arc::default(),
        }))
    }

    /// Where the certificate is shown from.
    pub(super) fn slot(&self) -> Arc<CertificateSlot> {
        Arc::clone(&self.slot)
    }

    /// Opens the listener of the webhook, where there is one.
    pub(super) async fn listen(
        &self,
        arguments: &OperatorArgs,
        namespaces: &Namespaces,
        shared: &Shared,
        defaults: Option<&DefaultsFile>,
        listeners: &mut Vec<Listening>,
    ) -> anyhow::Result<()> {
        let Some(address) = arguments.admission.webhook_address.address() else { return Ok(()) };
        let judge = Judge {
            catalog: Arc::new(Registry::new(AddressPolicy::default())),
            own: shared.registry.clone(),
            policies: policies().clone(),
            allow_cross_namespace: arguments.allow_cross_namespace,
            kinds: arguments.kinds(),
            namespaces: namespaces.clone(),
            defaults: defaults.map(|file| Arc::clone(&file.shared)).unwrap_or_default(),
            owners: Arc::clone(&shared.owners),
            workloads: Arc::clone(&self.workloads) as Arc<dyn Workloads>,
            clock: shared.clock.clone(),
            metrics: Arc::clone(&shared.metrics),
        };
        listeners.push(serve::admission(address, judge, self.slot()).await?);
        Ok(())
    }

    /// What looks after the certificate by `clients`. Reviews are answered by those that are `answering`.
    pub(super) fn keeper(
        self,
        arguments: &OperatorArgs,
        shared: &Shared,
        clients: &Clients,
        answering: &Clients,
    ) -> CertificateKeeper {
        self.workloads.0.get_or_init(|| WorkloadStore::new(answering));
        let flags = &arguments.admission;
        let metrics = || Arc::clone(&shared.metrics);
        let namespace = arguments.lease_namespace.as_ref().unwrap_or(&clients.namespace);
        let vault: Box<dyn CertificateVault> = match self.folder {
            Some(folder) => Box::new(folder),
            None => {
                Box::new(ClusterVault(KeptSecret::new(clients, namespace, &flags.cert_secret, metrics())))
            }
        };
        let webhook = self
            .has_webhook
            .then(|| WebhookRegistration::new(clients, &flags.webhook_configuration, metrics()));
        let metrics_api = external_metrics::registration(arguments, shared, clients, namespace);
        // By loopback, too, so that it can be tried by hand.
        let mut names =
            vec![format!("{SERVICE}.{namespace}.svc"), "localhost".to_owned(), "127.0.0.1".to_owned()];
        names.extend(metrics_api.as_ref().map(ApiServiceRegistration::host));
        let callers = Box::new(ApiServer { webhook, metrics_api });
        let (clock, readiness) = (shared.clock.clone(), Arc::clone(&shared.readiness));
        CertificateKeeper::new(self.slot, vault, callers, clock, readiness, names)
    }
}

/// There as soon as the API server is: listeners are opened before, so that an address that is taken is said first.
#[derive(Default)]
struct ClusterWorkloads(OnceLock<WorkloadStore>);

impl ClusterWorkloads {
    fn store(&self) -> Result<&WorkloadStore, String> {
        self.0.get().ok_or_else(|| "the operator is starting".to_owned())
    }
}

impl Workloads for ClusterWorkloads {
    fn workload<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<Value>, String>> {
        async move { self.store()?.workload(target).await }.boxed()
    }

    fn limit_ranges<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>> {
        async move { self.store()?.limit_ranges(namespace).await }.boxed()
    }
}

struct ClusterVault(KeptSecret);

impl CertificateVault for ClusterVault {
    fn name(&self) -> String {
        self.0.describe()
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Kept>, String>> {
        async {
            let Some(state) = self.0.read().await? else { return Ok(None) };
            let files = CertificateFiles::of_data(state.data)
                .map_err(|problem| format!("{problem}; delete it, and it is recreated"))?;
            Ok(Some(Kept { files, version: state.version }))
        }
        .boxed()
    }

    fn write(&self, files: CertificateFiles, version: Option<String>) -> BoxFuture<'_, Result<(), String>> {
        self.0.write(files.into_data(), version).boxed()
    }
}

/// Calls by what is there of these. Replicas, which call each other, trust the very certificate.
struct ApiServer {
    webhook: Option<WebhookRegistration>,
    metrics_api: Option<ApiServiceRegistration>,
}

impl CertificateCallers for ApiServer {
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        async {
            // Neither must keep the other from being looked at.
            let looked = match &self.metrics_api {
                Some(metrics_api) => metrics_api.look().await,
                None => Ok(()),
            };
            let hosts = match &self.webhook {
                Some(webhook) => webhook.hosts().await?,
                None => Vec::new(),
            };
            looked.map(|()| hosts)
        }
        .boxed()
    }

    fn trust<'a>(&'a self, authority: &'a [u8]) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let trusted = match &self.metrics_api {
                Some(metrics_api) => metrics_api.trust(authority).await,
                None => Ok(()),
            };
            if let Some(webhook) = &self.webhook {
                webhook.trust(authority).await?;
            }
            trusted
        }
        .boxed()
    }
}
