//! `polyscaler operator`: watches our kinds in the cluster, and keeps the record in their status.

mod admission;
mod admission_args;
mod args;
mod defaults;
mod external_metrics;
mod external_metrics_args;

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use cluster::{Clients, Installation, Journaler, LeaseSettings, Objects, Watches};
use serve::{CertificateSlot, Listening};

use crate::parts::{self, Apart, Parts, Record, Servers, Shared, Signals, Wiring};
use admission::Certificates;
pub(crate) use args::OperatorArgs;
use defaults::DefaultsFile;

pub(crate) fn run(arguments: OperatorArgs) -> anyhow::Result<ExitCode> {
    parts::run(operate(arguments))
}

async fn operate(arguments: OperatorArgs) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    let shared = Shared::new(&arguments.parts)?;
    let (namespaces, selector) = arguments.namespaces();
    let path = arguments.defaults_file.as_deref().filter(|path| !path.as_os_str().is_empty());
    let defaults = path.map(DefaultsFile::open).transpose()?;
    let certificates = Certificates::open(&arguments)?;
    let slot = certificates.as_ref().map(Certificates::slot);
    let listeners = shared.listen(&arguments.parts, slot.clone()).await?;
    let mut waited_for = Vec::new();
    if let Some(certificates) = &certificates {
        certificates.listen(&arguments, &namespaces, &shared, defaults.as_ref(), &mut waited_for).await?;
    }
    let peer_address = listen_for_peers(&arguments, &shared, slot.clone(), &mut waited_for).await?;
    let clients =
        cluster::connect(arguments.parts.kubeconfig.as_deref(), arguments.parts.api_timeout).await?;
    let answering = match &certificates {
        Some(_) => Some(Answering::start(&arguments).await?),
        None => None,
    };
    let metrics_api = match (slot, &answering) {
        (Some(slot), Some(answering)) => {
            external_metrics::listen(&arguments, &shared, &answering.clients, slot).await?
        }
        _ => None,
    };
    if let Some(flag) = arguments.without_effect() {
        tracing::warn!(flag, "the flag has no effect: what it is for is off");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), identity = shared.identity, "starting");

    let mut servers = Servers::start(listeners);
    if let Some((certificates, answering)) = certificates.zip(answering) {
        if let Some((listening, api)) = metrics_api {
            waited_for.push(listening);
            servers.spawn_apart(&answering.apart, |end| api.keep(end));
        }
        servers.serve_apart(answering.apart, waited_for);
        let keeper = certificates.keeper(&arguments, &shared, &clients, &answering.clients);
        servers.spawn(|end| keeper.run(end));
    }
    let objects = Arc::new(Objects::default());
    let wiring = Wiring {
        lease: arguments.parts.leader_elect.then(|| LeaseSettings {
            namespace: arguments.lease_namespace.clone().unwrap_or_else(|| clients.namespace.clone()),
            namespace_set_by: "--lease-namespace",
            name: arguments.lease_name.clone(),
            identity: shared.identity.clone(),
            peer_address,
            duration: arguments.parts.lease_duration,
            installation: Some(Installation {
                namespaces: namespaces.clone(),
                kinds: arguments.kinds().iter().map(|kind| kind.kind.to_owned()).collect(),
            }),
        }),
        namespaces: namespaces.names().to_vec(),
        allow_cross_namespace: arguments.allow_cross_namespace,
        defaults: defaults.as_ref().map(|file| Arc::clone(&file.shared)),
        credential_files: arguments.filepath_auth_root_path.clone(),
    };
    let (metrics, board) = (Arc::clone(&shared.metrics), Arc::clone(&shared.shown.board));
    let identity = shared.identity.clone();
    let record = |guard, stop| {
        let journal = Journaler::new(&clients, Arc::clone(&objects), guard, metrics, board, identity);
        Record { journal: journal.clone(), keeping: Box::pin(async move { journal.run(stop).await }) }
    };
    let watch = |events: tokio::sync::mpsc::Sender<runner::Event>| {
        let labels =
            defaults.as_ref().map(|file| Arc::clone(&file.shared)).filter(|file| file.reads_labels());
        let following = defaults.map(|file| file.follow(events.clone()));
        let watching = cluster::watch(Watches {
            client: clients.read.clone(),
            kinds: arguments.kinds(),
            namespaces,
            selector,
            events,
            readiness: Arc::clone(&shared.readiness),
            objects: Arc::clone(&objects),
            hpas: Arc::clone(&shared.hpas),
            observe_hpas: arguments.observe_hpas,
            labels,
            finalizers: Arc::clone(&shared.finalizers),
            supporting: Arc::clone(&shared.supporting),
            leave_to_keda: (!arguments.beside_keda).then(|| Arc::clone(&shared.metrics)),
        });
        async move {
            let following = async {
                if let Some(following) = following {
                    following.await;
                }
            };
            tokio::join!(watching, following);
        }
    };
    let parts = Parts::start(&shared, &clients, wiring, record, |targets| Arc::new(targets), watch);
    parts::until_terminated(signals, parts, servers).await
}

/// The thread that answers whoever waits, and what it asks the API server by.
struct Answering {
    apart: Apart,
    clients: Clients,
}

impl Answering {
    async fn start(arguments: &OperatorArgs) -> anyhow::Result<Self> {
        let apart = Apart::start()?;
        let (kubeconfig, timeout) = (arguments.parts.kubeconfig.clone(), arguments.parts.api_timeout);
        let connecting = async move { cluster::connect(kubeconfig.as_deref(), timeout).await };
        let clients = apart.run(connecting).await??;
        Ok(Self { apart, clients })
    }
}

/// Opens the listener by which other replicas ask this one, where there is one. Returns how they reach it.
async fn listen_for_peers(
    arguments: &OperatorArgs,
    shared: &Shared,
    slot: Option<Arc<CertificateSlot>>,
    listeners: &mut Vec<Listening>,
) -> anyhow::Result<Option<String>> {
    let (Some(address), Some(slot)) = (arguments.peer_address.address(), slot) else { return Ok(None) };
    let listening = serve::peers(address, shared.shown.clone(), Arc::clone(&shared.leadership), slot).await?;
    let bound = listening.address()?;
    listeners.push(listening);
    let host = if bound.ip().is_unspecified() { own_address() } else { Some(bound.ip()) };
    if host.is_none() {
        tracing::warn!(
            "other replicas cannot find this one: set POD_IP, or set --peer-address to a single address"
        );
    }
    Ok(host.map(|host| SocketAddr::new(host, bound.port()).to_string()))
}

/// The address of the pod, as the downward API gives it.
fn own_address() -> Option<IpAddr> {
    std::env::var("POD_IP").ok()?.parse().ok()
}
