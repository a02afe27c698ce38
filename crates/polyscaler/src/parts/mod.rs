//! The parts that run the loop, for every command that does: what they share, their start and
//! their end in order. What a command watches, and where it keeps the record, is its own.

mod args;
mod election;
pub(crate) mod followed_file;
mod glue;
mod json_lines;
mod process;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use cluster::{
    Clients, CredentialStore, FinalizerWork, Finalizers, HpaKeeper, Hpas, Lease, LeaseSettings,
    SupportingObjects, SupportingWork, Targets, WorkloadStore,
};
use futures::future::BoxFuture;
use runner::{
    Activity, Actuator, Audit, Board, Clock, Episodes, Event, Forecasts, Guard, Journal, Leadership, Metrics,
    MetricsApi, Owners, Readiness, Runner, Services, SharedDefaults, SystemClock, Terms,
};
use serve::{CertificateSlot, Listening, Peers, Shown};
use sources::{AddressPolicy, Advisers, Registry};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub(crate) use args::{Listen, PartsArgs, namespace, prometheus_url};
pub(crate) use election::elect;
pub(crate) use glue::{advisers, sampler};
use json_lines::JsonLines;

use crate::policies::policies;
pub(crate) use process::{Apart, BAD_USAGE, Servers, Signals, run, until_terminated};

/// What several parts look at.
pub(crate) struct Shared {
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) shown: Shown,
    pub(crate) registry: Arc<Registry>,
    pub(crate) advisers: Arc<Advisers>,
    pub(crate) audit: Option<Arc<dyn Audit>>,
    pub(crate) episodes: Option<Arc<Episodes>>,
    /// Who leads.
    pub(crate) leadership: Arc<Leadership>,
    /// Who wants to scale what.
    pub(crate) owners: Arc<Owners>,
    /// Whose the cluster's external metrics API is.
    pub(crate) metrics_api: Arc<MetricsApi>,
    /// What is to be done about finalizers, as the watch reports it.
    pub(crate) finalizers: Arc<Finalizers>,
    /// What is to be written about supporting objects, as the watch reports them.
    pub(crate) supporting: Arc<SupportingObjects>,
    /// The HPAs that the watch reports.
    pub(crate) hpas: Arc<Hpas>,
    pub(crate) identity: String,
}

impl Shared {
    pub(crate) fn new(arguments: &PartsArgs) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock::start());
        let host = std::env::var("POD_NAME")
            .or_else(|_| std::env::var("HOSTNAME"))
            .unwrap_or_else(|_| "host".into());
        let identity = format!("{host}_{}_{:x}", std::process::id(), clock.now().as_millis());
        let readiness = Arc::new(Readiness::default());
        readiness.wait_for("start", "the API server has not been contacted yet");
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
                answers: Arc::default(),
                clock,
            },
            advisers: Arc::new(Advisers::new(policy.clone())),
            registry: Arc::new(Registry::of_operator(policy, arguments.prometheus_url.clone())),
            audit: audit.map(|file| file as Arc<dyn Audit>),
            episodes: episodes.map(|file| Arc::new(Episodes::new(file))),
            leadership: Arc::default(),
            hpas: Arc::default(),
            metrics_api: Arc::default(),
            finalizers: Arc::default(),
            supporting: Arc::default(),
            owners: Arc::default(),
            identity,
        })
    }

    /// Opens the listeners that are not off. Where another replica leads, it is asked by the certificate in `slot`, if
    /// replicas have one.
    pub(crate) async fn listen(
        &self,
        arguments: &PartsArgs,
        slot: Option<Arc<CertificateSlot>>,
    ) -> anyhow::Result<Vec<Listening>> {
        let mut listeners = Vec::new();
        if let Some(address) = arguments.metrics_address.address() {
            listeners.push(serve::metrics(address, Arc::clone(&self.metrics)).await?);
        }
        if let Some(address) = arguments.health_address.address() {
            listeners.push(serve::health(address, Arc::clone(&self.readiness)).await?);
        }
        if let Some(address) = arguments.activity_address.address() {
            let peers = Peers::new(Arc::clone(&self.leadership), slot)
                .context("the client for other replicas cannot be created")?;
            listeners.push(serve::activity(address, self.shown.clone(), Arc::new(peers)).await?);
        }
        Ok(listeners)
    }
}

/// How one command runs the loop.
pub(crate) struct Wiring {
    /// The Lease by which replicas elect a leader; `None` for one that runs alone.
    pub(crate) lease: Option<LeaseSettings>,
    /// The namespaces to act in; empty for all.
    pub(crate) namespaces: Vec<String>,
    /// Whether a namespaced object may act in another namespace.
    pub(crate) allow_cross_namespace: bool,
    /// Defaults and ceilings for all objects, where there are any.
    pub(crate) defaults: Option<Arc<SharedDefaults>>,
    /// The folder of files with credentials; without it none is read.
    pub(crate) credential_files: Option<PathBuf>,
}

/// Where the record is kept, and the task that keeps it until its `stop` turns true.
pub(crate) struct Record {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) keeping: BoxFuture<'static, ()>,
}

/// The parts that run until the end, each as a task.
pub(crate) struct Parts {
    watch: JoinHandle<()>,
    lease: JoinHandle<Option<Lease>>,
    runner: JoinHandle<()>,
    journal: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    stop_lease: watch::Sender<bool>,
    stop_journal: watch::Sender<bool>,
}

impl Parts {
    /// Starts them. `record` makes the journal, which writes only while the guard lets it; `act`
    /// makes what scales of the cluster's targets; `watch` sends the loop all changes of objects.
    pub(crate) fn start<W>(
        shared: &Shared,
        clients: &Clients,
        wiring: Wiring,
        record: impl FnOnce(Arc<dyn Guard>, watch::Receiver<bool>) -> Record,
        act: impl FnOnce(Targets) -> Arc<dyn Actuator>,
        watch: impl FnOnce(mpsc::Sender<Event>) -> W,
    ) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let registry = Arc::clone(&shared.registry);
        // An event is a whole object as JSON, ten times what is kept of it; who reports waits meanwhile.
        let (events, received) = mpsc::channel(128);
        let (stop_lease, lease_stopped) = watch::channel(false);
        let (stop_journal, journal_stopped) = watch::channel(false);
        let (guard, lease) = elect(wiring.lease, shared, clients, events.clone(), lease_stopped);
        let Record { journal, keeping } = record(Arc::clone(&guard), journal_stopped);
        let (metrics, finalizers) = (Arc::clone(&shared.metrics), Arc::clone(&shared.finalizers));
        let targets = Targets::new(clients, wiring.namespaces, Arc::clone(&shared.readiness));
        let actuator = act(targets);
        let work =
            FinalizerWork::new(clients, finalizers, metrics, Arc::clone(&guard), Arc::clone(&actuator));
        let supporting = SupportingWork::new(
            clients,
            Arc::clone(&shared.supporting),
            Arc::clone(&shared.metrics),
            Arc::clone(&guard),
            shared.clock.clone(),
            shared.identity.clone(),
        );
        let services = Services {
            sampler: glue::sampler(
                match wiring.credential_files {
                    Some(root) => CredentialStore::new(clients).with_files(root),
                    None => CredentialStore::new(clients),
                },
                clients,
                shared.clock.clone(),
                Arc::clone(&shared.metrics),
                Some(events.downgrade()),
            ),
            actuator,
            clock: shared.clock.clone(),
            guard,
            reconciler: Arc::new(HpaKeeper::new(
                clients,
                Arc::clone(&shared.hpas),
                Arc::clone(&shared.metrics),
            )),
            journal,
            metrics: Arc::clone(&shared.metrics),
            metrics_api: Arc::clone(&shared.metrics_api),
            activity: Arc::clone(&shared.shown.activity),
            board: Arc::clone(&shared.shown.board),
            answers: Arc::clone(&shared.shown.answers),
            outages: Arc::default(),
            audit: shared.audit.clone(),
            advisers: glue::advisers(Arc::clone(&shared.advisers)),
            episodes: shared.episodes.clone(),
            workloads: Some(Arc::new(WorkloadStore::new(clients))),
            forecasts: Forecasts::default(),
        };
        let terms = Terms {
            catalog: registry,
            policies: policies().clone(),
            allow_cross_namespace: wiring.allow_cross_namespace,
            own_namespace: clients.namespace.clone(),
            defaults: wiring.defaults,
            owners: Arc::clone(&shared.owners),
        };
        let runner = Runner::new(services, terms);
        let parts = Self {
            watch: tokio::spawn(watch(events)),
            lease,
            runner: tokio::spawn(runner.run(received)),
            journal: tokio::spawn(keeping),
            upkeep: {
                let stops = (stop_journal.subscribe(), stop_journal.subscribe());
                tokio::spawn(async move {
                    tokio::join!(work.run(stops.0), supporting.run(stops.1));
                })
            },
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
            _ = &mut self.upkeep => "the work at finalizers and supporting objects",
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
        let _ = self.upkeep.await;
        if let Some(mut lease) = lease {
            lease.release().await;
        }
    }
}
