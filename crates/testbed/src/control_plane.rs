//! A Kubernetes control plane of its own for a test or the demo: real servers,
//! fake nodes, free ports, one temporary folder. Ready means that a Deployment
//! made now gets Ready pods.

mod fake_nodes;
mod flags;
mod start;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use kube::Client;

use crate::assets::Assets;
use crate::certificates::Authority;
use crate::kubeconfig;
use crate::ports::PortClaim;
use crate::real_node::{NODE_PROGRAMS, NodeParts, RealNode};
use crate::supervisor::{Signal, Supervisor};
use crate::wait;

const ETCD: &str = "etcd";
const API_SERVER: &str = "kube-apiserver";
const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";
const KWOK: &str = "kwok";
/// In the order in which they are ended: those that would miss the others first.
const PROGRAMS: [&str; 5] = [KWOK, SCHEDULER, CONTROLLER_MANAGER, API_SERVER, ETCD];
/// The files of the front proxy's certificates; the API server gets the name of its client.
const FRONT_PROXY_AUTHORITY: &str = "front-proxy-ca";
const FRONT_PROXY_CLIENT: &str = "front-proxy-client";

/// How long the API server may take to be ready; an idle machine needs five seconds.
const READY: Duration = Duration::from_secs(120);

/// How long one look may take; a server that begins to listen can be slow to answer.
const READYZ: Duration = Duration::from_secs(2);

/// What a control plane should be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many fake nodes there are.
    pub nodes: usize,
    /// The programs; found or built by [`assets::ensure`](crate::assets::ensure) when not given.
    pub assets: Option<Assets>,
    /// The parts of a real node, to have one beside the fake ones: see [`real_node`](crate::real_node). With
    /// fake nodes beside it, pods come there only with a toleration for its taint, `type=real:NoSchedule`.
    pub real_node: Option<NodeParts>,
    /// More flags for the API server, for example a higher limit of requests in flight.
    pub api_server_args: Vec<String>,
    /// More flags for the controller manager, for example its HPA sync period.
    pub controller_manager_args: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 3,
            assets: None,
            real_node: None,
            api_server_args: Vec::new(),
            controller_manager_args: Vec::new(),
        }
    }
}

/// A running control plane. It ends, and its folder goes, when this value is
/// dropped or the process ends in whatever way.
pub struct ControlPlane {
    supervisor: Supervisor,
    authority: Authority,
    client: Client,
    kubeconfig: PathBuf,
    server_url: String,
    real_node: Option<RealNode>,
    /// Held so that the ports stay ours while the API server is down.
    _ports: Vec<PortClaim>,
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = formatter.debug_struct("ControlPlane");
        parts
            .field("server_url", &self.server_url)
            .field("directory", &self.directory())
            .finish_non_exhaustive()
    }
}

impl ControlPlane {
    /// Starts one and waits until it is ready.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        start::start(options).await
    }

    /// A kubeconfig of an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A kubeconfig, by client certificate, of a user who has only what RBAC
    /// gives; at most one group beside `system:authenticated`.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> anyhow::Result<PathBuf> {
        let file = format!("user-{:016x}", crate::ports::random_u64());
        let client = self.authority.client(&file, user, groups)?;
        let path = self.directory().join(format!("{file}.kubeconfig"));
        kubeconfig::write(&path, &self.server_url, &self.authority.files().certificate, user, &client)?;
        Ok(path)
    }

    /// An administrator's client. It retries requests that the server is too busy for.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The API server's address, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// The authority that signed the server's certificate and all client certificates.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What the API server shows when it asks an aggregated one on someone's behalf: its
    /// certificate, and that of the authority that signed it.
    pub(crate) fn front_proxy(&self) -> (PathBuf, PathBuf) {
        let file = |name: &str| self.directory().join(format!("{name}.crt"));
        (file(FRONT_PROXY_CLIENT), file(FRONT_PROXY_AUTHORITY))
    }

    /// The temporary folder, with every program's log in `<program>.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.supervisor.directory()
    }

    /// The real node, when there is one.
    #[must_use]
    pub fn real_node(&self) -> Option<&RealNode> {
        self.real_node.as_ref()
    }

    /// For processes that should end with this control plane, such as the operator under test.
    #[must_use]
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Waits until one of its programs ends by itself, which none should, and says why.
    pub async fn first_death(&self) -> anyhow::Error {
        self.supervisor.first_death(&[PROGRAMS.as_slice(), &NODE_PROGRAMS].concat()).await
    }

    /// Takes the API server away at once, as a power cut would; the store and the controllers stay.
    pub async fn stop_api_server(&self) -> anyhow::Result<()> {
        self.supervisor.kill(API_SERVER).await
    }

    /// Brings the API server back on the same port with the same data, and
    /// waits until it is ready. The controllers are started again: after an
    /// outage of a minute their back-off would keep pods waiting for another.
    pub async fn start_api_server(&self) -> anyhow::Result<()> {
        self.supervisor.spawn_again(API_SERVER)?;
        tokio::select! {
            ready = wait_until_ready(&self.client) => ready?,
            death = self.supervisor.first_death(&[API_SERVER, ETCD]) => return Err(death),
        }
        for name in [KWOK, SCHEDULER, CONTROLLER_MANAGER] {
            self.supervisor.kill(name).await?;
            self.supervisor.spawn_again(name)?;
        }
        Ok(())
    }

    /// Has the API server accept connections and answer nothing.
    pub fn pause_api_server(&self) -> anyhow::Result<()> {
        self.supervisor.signal(API_SERVER, Signal::STOP)
    }

    /// Ends [`pause_api_server`](Self::pause_api_server).
    pub fn resume_api_server(&self) -> anyhow::Result<()> {
        self.supervisor.signal(API_SERVER, Signal::CONT)
    }

    /// Ends everything and returns when all of it has gone. Processes that
    /// others started under the supervisor are asked to end first, as long as
    /// the API server answers them. Its own programs are not asked: they would
    /// take ten seconds to save what is thrown away.
    pub async fn shutdown(self) -> anyhow::Result<()> {
        let own: Vec<&str> = [NODE_PROGRAMS.as_slice(), &PROGRAMS].concat();
        self.supervisor.stop_where(|name| !own.contains(&name)).await?;
        for name in own.into_iter().filter(|name| self.supervisor.child(name).is_some()) {
            self.supervisor.kill(name).await?;
        }
        self.supervisor.shutdown().await
    }
}

/// Waits for the API server's own word.
async fn wait_until_ready(client: &Client) -> anyhow::Result<()> {
    let look = || async {
        match tokio::time::timeout(READYZ, readyz(client)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err("no response".to_owned()),
        }
    };
    wait::until("API server ready", READY, look).await
}

async fn readyz(client: &Client) -> anyhow::Result<()> {
    let request = axum::http::Request::get("/readyz").body(Vec::new()).context("odd request")?;
    let answer = client.request_text(request).await?;
    if answer == "ok" { Ok(()) } else { bail!("/readyz says {answer}") }
}
