//! Real NATS servers with JetStream: one by itself, or a cluster of three. Messages, ports
//! and names stay when one is stopped and started again.
//!
//! The servers of a cluster listen at addresses of their own (127.0.0.2 and so on) with
//! the same three port numbers, as pods do, so that each can be found from the others.

mod config;
mod monitoring;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::ports::PortClaim;
use crate::programs::{self, NATS_SERVER};
use crate::supervisor::{Signal, Supervisor};
use crate::wait;

/// How long servers may take to be ready; a cluster elects its leader within five seconds.
const READY: Duration = Duration::from_secs(120);

/// How often starting is tried when a port was taken by a program that does not know our claims.
const ATTEMPTS: usize = 3;

/// Servers of a cluster.
const CLUSTER_SIZE: u8 = 3;

/// What servers should be like.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// Whether JetStream is enabled.
    pub jetstream: bool,
    /// Accounts with JetStream, each with a user of the same name whose password is the
    /// name again. Without any there is one account, and everyone is in it.
    pub accounts: Vec<String>,
    /// The path before the monitoring pages, empty or with a leading slash.
    pub monitoring_path: String,
    /// Whether each server is a cluster by itself, `c1` and so on, and gateways join them to a super-cluster.
    pub gateways: bool,
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self { jetstream: true, accounts: Vec::new(), monitoring_path: String::new(), gateways: false }
    }
}

/// One running server. It ends, and what it stored goes, with the last server of its cluster.
#[derive(Debug)]
pub struct NatsServer {
    name: String,
    address: Ipv4Addr,
    site: Arc<Site>,
}

/// What the servers of a cluster share.
#[derive(Debug)]
struct Site {
    supervisor: Supervisor,
    ports: Ports,
    options: NatsOptions,
    size: u8,
}

/// Held so that the ports stay ours while a server is down.
#[derive(Debug)]
struct Ports {
    clients: PortClaim,
    monitoring: PortClaim,
    routes: PortClaim,
    gateways: PortClaim,
}

impl NatsServer {
    /// Starts one by itself and waits until it is ready.
    pub async fn start(options: NatsOptions) -> anyhow::Result<Self> {
        let servers = start(&options, 1).await?;
        servers.into_iter().next().context("no server was started")
    }

    /// Starts a cluster of three, `n1` to `n3`, and waits until it has a leader that sees them all.
    pub async fn start_cluster(options: NatsOptions) -> anyhow::Result<Vec<Self>> {
        start(&options, CLUSTER_SIZE).await
    }

    /// Starts two clusters of one server each, `n1` in `c1` and `n2` in `c2`, joined by gateways, and waits until
    /// they have a leader that sees both.
    pub async fn start_super_cluster(options: NatsOptions) -> anyhow::Result<Vec<Self>> {
        start(&NatsOptions { gateways: true, ..options }, 2).await
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where clients connect, `nats://ADDRESS:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}:{}", self.address, self.site.ports.clients.port())
    }

    /// The monitoring port, `http://ADDRESS:PORT` and the path that was asked for.
    #[must_use]
    pub fn monitoring_url(&self) -> String {
        let port = self.site.ports.monitoring.port();
        format!("http://{}:{port}{}", self.address, self.site.options.monitoring_path)
    }

    /// The temporary folder, with the log in `<name>.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.site.supervisor.directory()
    }

    /// Asks it to end, and returns when it has.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.site.supervisor.stop(&self.name).await
    }

    /// Ends it as a power cut would.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.site.supervisor.kill(&self.name).await
    }

    /// Starts it again after its end, without waiting for anything.
    pub fn start_again(&self) -> anyhow::Result<()> {
        self.site.supervisor.spawn_again(&self.name).map(drop)
    }

    /// Waits until it is ready, in a cluster along with the others.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let look = || async {
            match self.site.size {
                1 => monitoring::is_healthy(self).await,
                size => monitoring::is_joined(self, usize::from(size)).await,
            }
        };
        let (what, own) = (format!("NATS server {} ready", self.name), [self.name()]);
        tokio::select! {
            ready = wait::until(&what, READY, look) => ready,
            death = self.site.supervisor.first_death(&own) => Err(death),
        }
    }

    /// Has it accept connections and answer nothing.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.site.supervisor.signal(&self.name, Signal::STOP)
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> anyhow::Result<()> {
        self.site.supervisor.signal(&self.name, Signal::CONT)
    }
}

async fn start(options: &NatsOptions, size: u8) -> anyhow::Result<Vec<NatsServer>> {
    let program =
        tokio::task::spawn_blocking(|| programs::ensure(&NATS_SERVER, &mut |line| eprintln!("{line}")));
    let program = program.await.context("looking for the NATS server panicked")??;
    let mut attempt = 1;
    loop {
        match start_once(&program, options, size).await {
            Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                tracing::info!(attempt, "a port of a NATS server was taken, starting again");
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn start_once(program: &Path, options: &NatsOptions, size: u8) -> anyhow::Result<Vec<NatsServer>> {
    let [clients, monitoring, routes, gateways] =
        [PortClaim::new()?, PortClaim::new()?, PortClaim::new()?, PortClaim::new()?];
    let site = Arc::new(Site {
        supervisor: Supervisor::new("polyscaler-nats")?,
        ports: Ports { clients, monitoring, routes, gateways },
        options: options.clone(),
        size,
    });
    let mut servers = Vec::new();
    for number in 1..=size {
        // The first address is the one that every other server of a test listens at.
        let last = if size == 1 { 1 } else { 1 + number };
        let address = Ipv4Addr::new(127, 0, 0, last);
        let server = NatsServer { name: format!("n{number}"), address, site: Arc::clone(&site) };
        let file = config::write(&server)?;
        site.supervisor.spawn(&server.name, program, ["--config".as_ref(), file.as_os_str()], &[])?;
        servers.push(server);
    }
    futures::future::try_join_all(servers.iter().map(NatsServer::wait_until_ready)).await?;
    Ok(servers)
}
