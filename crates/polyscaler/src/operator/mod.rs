//! `polyscaler operator`: watches our kinds in the cluster, and keeps the record in their status.

mod admission;
mod args;

use std::process::ExitCode;
use std::sync::Arc;

use cluster::{Journaler, LeaseSettings, Objects, Watches};

use crate::parts::{self, Parts, Record, Servers, Shared, Signals, Wiring};
use admission::Admission;
pub(crate) use args::OperatorArgs;

pub(crate) fn run(arguments: OperatorArgs) -> anyhow::Result<ExitCode> {
    parts::run(operate(arguments))
}

async fn operate(arguments: OperatorArgs) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    let shared = Shared::new(&arguments.parts)?;
    let mut listeners = shared.listen(&arguments.parts).await?;
    let admission = Admission::open(&arguments, &shared, &mut listeners).await?;
    let clients =
        cluster::connect(arguments.parts.kubeconfig.as_deref(), arguments.parts.api_timeout).await?;
    for flag in arguments.without_effect() {
        tracing::warn!(flag, "what the flag is for is off or not in this version, it has no effect");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), identity = shared.identity, "starting");

    let mut servers = Servers::start(listeners);
    if let Some(admission) = admission {
        let keeper = admission.keeper(&arguments, &shared, &clients);
        servers.spawn(|end| keeper.run(end));
    }
    let objects = Arc::new(Objects::default());
    let wiring = Wiring {
        lease: arguments.parts.leader_elect.then(|| LeaseSettings {
            namespace: arguments.lease_namespace.clone().unwrap_or_else(|| clients.namespace.clone()),
            namespace_set_by: "--lease-namespace",
            name: arguments.lease_name.clone(),
            identity: shared.identity.clone(),
            duration: arguments.parts.lease_duration,
        }),
        namespaces: arguments.namespaces(),
        allow_cross_namespace: arguments.allow_cross_namespace,
    };
    let (metrics, identity) = (Arc::clone(&shared.metrics), shared.identity.clone());
    let record = |guard, stop| {
        let journal = Journaler::new(&clients, Arc::clone(&objects), guard, metrics, identity);
        Record { journal: journal.clone(), keeping: Box::pin(async move { journal.run(stop).await }) }
    };
    let watch = |events| {
        cluster::watch(Watches {
            client: clients.read.clone(),
            kinds: arguments.kinds(),
            namespaces: arguments.namespaces(),
            events,
            readiness: Arc::clone(&shared.readiness),
            objects: Arc::clone(&objects),
        })
    };
    let parts = Parts::start(&shared, &clients, wiring, record, |targets| Arc::new(targets), watch);
    parts::until_told_to_end(signals, parts, servers).await
}
