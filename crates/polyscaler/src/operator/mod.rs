//! `polyscaler operator`: makes the parts, connects them, and ends them in order.

mod admission;
mod args;
mod glue;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cluster::{Clients, Journaler, Lease, LeaseSettings, Objects, Targets, Watches};
use runner::{
    Activity, Audit, Board, Clock, Episodes, Event, Guard, Metrics, Readiness, Runner, Services, SystemClock,
};
use serve::{Listening, Shown};
use sources::{AddressPolicy, Advisers, Registry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use admission::Admission;
pub(crate) use args::OperatorArgs;

use crate::json_lines::JsonLines;
use crate::telemetry::Telemetry;

/// How long the end may take before what still runs is given up. Less than the 30 s after
/// which Kubernetes kills a pod.
const LONGEST_END: Duration = Duration::from_secs(20);

/// The exit status of flags and variables that mean nothing, the same as clap's.
const BAD_USAGE: u8 = 2;

pub(crate) fn run(arguments: OperatorArgs) -> anyhow::Result<ExitCode> {
    let telemetry = match Telemetry::from_environment() {
        Ok(telemetry) => telemetry,
        Err(bad) => {
            eprintln!("polyscaler: {bad}");
            return Ok(ExitCode::from(BAD_USAGE));
        }
    };
    crate::logging::start(telemetry.as_ref().map(Telemetry::layer))?;
    // One worker: polls are short and wait most of the time. With two, half of the processor time
    // went into waking each other.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    let result = runtime.block_on(async {
        let sending = telemetry.map(Telemetry::start);
        let result = operate(arguments).await;
        if let Some(sending) = sending {
            sending.end().await;
        }
        result
    });
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

async fn operate(arguments: OperatorArgs) -> anyhow::Result<()> {
    let mut asked_to_end = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let shared = Shared::new(&arguments)?;
    let mut listeners = listen(&arguments, &shared).await?;
    let admission = Admission::open(&arguments, &shared, &mut listeners).await?;
    let clients = cluster::connect(arguments.kubeconfig.as_deref()).await?;
    for flag in arguments.without_effect() {
        tracing::warn!(flag, "what the flag is for is off or not in this version, it has no effect");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), identity = shared.identity, "starting");

    let (end, ending) = watch::channel(false);
    let mut servers = JoinSet::new();
    for listener in listeners {
        servers.spawn(listener.serve(ending.clone()));
    }
    if let Some(admission) = admission {
        servers.spawn(admission.keeper(&arguments, &shared, &clients).run(ending.clone()));
    }
    let mut parts = Parts::start(&arguments, &shared, &clients);
    tokio::select! {
        _ = asked_to_end.recv() => tracing::info!("asked to end"),
        _ = interrupted.recv() => tracing::info!("interrupted"),
        part = parts.broken() => {
            anyhow::bail!("{part} ended unexpectedly; the log says why. Nothing is scaled without it, so the process ends");
        }
    }
    if tokio::time::timeout(LONGEST_END, parts.end()).await.is_err() {
        tracing::warn!("the end took too long, what still runs is given up");
    }
    end.send_replace(true);
    let _ = tokio::time::timeout(Duration::from_secs(1), servers.join_all()).await;
    tracing::info!("ended");
    Ok(())
}

/// What several parts look at.
struct Shared {
    clock: Arc<SystemClock>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    shown: Shown,
    registry: Arc<Registry>,
    advisers: Arc<Advisers>,
    audit: Option<Arc<dyn Audit>>,
    episodes: Option<Arc<Episodes>>,
    identity: String,
}

impl Shared {
    fn new(arguments: &OperatorArgs) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock::start());
        let host = std::env::var("POD_NAME")
            .or_else(|_| std::env::var("HOSTNAME"))
            .unwrap_or_else(|_| "host".into());
        let identity = format!("{host}_{}_{:x}", std::process::id(), clock.now().as_millis());
        let readiness = Arc::new(Readiness::default());
        readiness.wait_for("start", "the API server has not been asked yet");
        let policy = AddressPolicy {
            deny: arguments.deny_addresses.clone(),
            allow: arguments.allow_addresses.clone(),
        };
        let lines = |flag, file: &Option<PathBuf>| {
            file.as_deref().map(|file| JsonLines::open(flag, file).map(Arc::new)).transpose()
        };
        let audit = lines("--audit-file", &arguments.audit_file)?;
        let episodes = lines("--episodes-file", &arguments.episodes_file)?;
        Ok(Self {
            clock: clock.clone(),
            metrics: Arc::new(Metrics::new()),
            readiness,
            shown: Shown {
                activity: Arc::new(Activity::new(arguments.max_actions)),
                board: Arc::new(Board::default()),
                clock,
            },
            advisers: Arc::new(Advisers::new(policy.clone())),
            registry: Arc::new(Registry::of_operator(policy, arguments.prometheus_url.clone())),
            audit: audit.map(|file| file as Arc<dyn Audit>),
            episodes: episodes.map(|file| Arc::new(Episodes::new(file))),
            identity,
        })
    }
}

async fn listen(arguments: &OperatorArgs, shared: &Shared) -> anyhow::Result<Vec<Listening>> {
    let mut listeners = Vec::new();
    if let Some(address) = arguments.metrics_address.address() {
        listeners.push(serve::metrics(address, Arc::clone(&shared.metrics)).await?);
    }
    if let Some(address) = arguments.health_address.address() {
        listeners.push(serve::health(address, Arc::clone(&shared.readiness)).await?);
    }
    if let Some(address) = arguments.activity_address.address() {
        listeners.push(serve::activity(address, shared.shown.clone()).await?);
    }
    Ok(listeners)
}

/// The parts that run until the end, each as a task.
struct Parts {
    watch: tokio::task::JoinHandle<()>,
    lease: tokio::task::JoinHandle<Option<Lease>>,
    runner: tokio::task::JoinHandle<()>,
    journal: tokio::task::JoinHandle<()>,
    stop_lease: watch::Sender<bool>,
    stop_journal: watch::Sender<bool>,
}

impl Parts {
    fn start(arguments: &OperatorArgs, shared: &Shared, clients: &Clients) -> Self {
        let registry = Arc::clone(&shared.registry);
        let (events, received) = mpsc::channel(1024);
        let (stop_lease, lease_stopped) = watch::channel(false);
        let (stop_journal, journal_stopped) = watch::channel(false);
        let (guard, lease) = elect(arguments, shared, clients, events.clone(), lease_stopped);

        let objects = Arc::new(Objects::default());
        let identity = shared.identity.clone();
        let journal = Journaler::new(
            clients,
            Arc::clone(&objects),
            Arc::clone(&guard),
            Arc::clone(&shared.metrics),
            identity,
        );
        let targets = Targets::new(clients, arguments.namespaces(), Arc::clone(&shared.readiness));
        let services = Services {
            sampler: glue::sampler(
                registry.clone(),
                clients,
                shared.clock.clone(),
                Arc::clone(&shared.metrics),
            ),
            actuator: Arc::new(targets),
            clock: shared.clock.clone(),
            guard,
            journal: journal.clone(),
            metrics: Arc::clone(&shared.metrics),
            activity: Arc::clone(&shared.shown.activity),
            board: Arc::clone(&shared.shown.board),
            audit: shared.audit.clone(),
            advisor: glue::advisor(Arc::clone(&shared.advisers)),
            episodes: shared.episodes.clone(),
        };
        let runner = Runner::new(services, registry, arguments.allow_cross_namespace);
        let watches = Watches {
            client: clients.read.clone(),
            kinds: arguments.kinds(),
            namespaces: arguments.namespaces(),
            events,
            readiness: Arc::clone(&shared.readiness),
            objects,
        };
        let parts = Self {
            watch: tokio::spawn(cluster::watch(watches)),
            lease,
            runner: tokio::spawn(runner.run(received)),
            journal: tokio::spawn(async move { journal.run(journal_stopped).await }),
            stop_lease,
            stop_journal,
        };
        shared.readiness.arrived("start");
        parts
    }

    /// The name of the first part that ends without having been asked to.
    async fn broken(&mut self) -> &'static str {
        tokio::select! {
            _ = &mut self.watch => "the watch",
            _ = &mut self.lease => "the election",
            _ = &mut self.runner => "the loop",
            _ = &mut self.journal => "the journal",
        }
    }

    /// Ends the parts in order: no new polls, running polls end, the record is written, the
    /// Lease is given back. Until then it is held, so that what is still written is allowed.
    async fn end(self) {
        self.watch.abort();
        let _ = self.watch.await;
        self.stop_lease.send_replace(true);
        let lease = self.lease.await.ok().flatten();
        let _ = self.runner.await;
        self.stop_journal.send_replace(true);
        let _ = self.journal.await;
        if let Some(mut lease) = lease {
            lease.release().await;
        }
    }
}

/// Takes part in the election, or leads from the start where there is none.
fn elect(
    arguments: &OperatorArgs,
    shared: &Shared,
    clients: &Clients,
    events: mpsc::Sender<Event>,
    mut stopped: watch::Receiver<bool>,
) -> (Arc<dyn Guard>, tokio::task::JoinHandle<Option<Lease>>) {
    if !arguments.leader_elect {
        shared.metrics.leads(true);
        let alone = tokio::spawn(async move {
            // A loop that has ended needs no news.
            let _ = events.send(Event::Leading(true)).await;
            let _ = stopped.wait_for(|stopped| *stopped).await;
            None
        });
        return (Arc::new(cluster::Always), alone);
    }
    let settings = LeaseSettings {
        namespace: arguments.lease_namespace.clone().unwrap_or_else(|| clients.namespace.clone()),
        name: arguments.lease_name.clone(),
        identity: shared.identity.clone(),
        duration: arguments.lease_duration,
    };
    let (mut lease, guard) = Lease::new(
        clients.write.clone(),
        settings,
        shared.clock.clone(),
        Arc::clone(&shared.metrics),
        Arc::clone(&shared.readiness),
    );
    let task = tokio::spawn(async move {
        lease.run(&events, stopped).await;
        Some(lease)
    });
    (Arc::new(guard), task)
}
