//! A real node beside the fake ones: kubelet, containerd, kube-proxy and CNI, so that pods are real
//! processes with addresses that this machine reaches, Services included.
//!
//! It lives in namespaces of its own. Its processes, mounts, interfaces and iptables rules are
//! nobody else's, and the kernel takes all of them down with the namespaces' first process, in
//! whatever way that ends. Outside are one veth, which goes with its other end; cgroups and the
//! control plane's folder, which the guard removes; and should the guard have been killed, too, the
//! next start removes what is left.
//!
//! ```text
//!  machine: API server, DNS ── polyscalerN ═ veth ═ eth0 ── bridge ── pods      (namespaces of the node)
//!                                                     └ iptables rules of kube-proxy
//! ```

mod cgroups;
mod config;
mod image;
mod leftovers;
mod names;
mod namespaces;
mod network;
mod parts;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use tokio::time::Instant;

use crate::supervisor::Supervisor;
use crate::wait;
pub use cgroups::Usage;
pub use image::Image;
pub use leftovers::{clear_up, leftovers};
use names::Names;
use namespaces::Namespaces;
pub(crate) use network::Network;
pub use parts::{NodeParts, Unavailable, find, find_or_skip};

/// The node's name. Its label `type` is `real`, as that of fake nodes is `kwok`.
pub const REAL_NODE: &str = "real-node";
/// The process that is started under this name keeps the namespaces; when it ends, so does all of the node.
pub const NAMESPACES: &str = "namespaces";
/// The container runtime's name under the supervisor.
pub const CONTAINERD: &str = "containerd";
/// The kubelet's name under the supervisor.
pub const KUBELET: &str = "kubelet";
/// The name of kube-proxy under the supervisor.
pub const KUBE_PROXY: &str = "kube-proxy";
/// What pods ask for the addresses of Services, under the supervisor. It runs on the machine.
pub const DNS: &str = "dns";
/// In the order in which they are ended.
pub(crate) const NODE_PROGRAMS: [&str; 5] = [KUBELET, KUBE_PROXY, CONTAINERD, DNS, NAMESPACES];

/// How long the node may take to be Ready; an idle machine needs five seconds.
const READY: Duration = Duration::from_secs(120);
/// How long a runtime that begins to listen may take.
const LISTENING: Duration = Duration::from_secs(60);

/// A running real node. It ends with the control plane that it belongs to.
#[derive(Debug)]
pub struct RealNode {
    namespaces: Namespaces,
    network: Network,
    parts: NodeParts,
    directory: PathBuf,
    cgroup: String,
    names: OnceLock<Names>,
}

/// What the kubelet and kube-proxy need to speak to the API server.
pub(crate) struct NodeAccess<'a> {
    pub(crate) kubelet: &'a Path,
    pub(crate) kube_proxy: &'a Path,
    pub(crate) authority: &'a Path,
    /// Whether pods come here only when they ask for it, as there are fake nodes as well.
    pub(crate) is_tainted: bool,
}

impl RealNode {
    /// Makes the node's place: namespaces and the way to them. Blocks for a moment.
    pub(crate) fn prepare(supervisor: &Supervisor, parts: NodeParts) -> anyhow::Result<Self> {
        leftovers::clear_up()?;
        let directory = supervisor.directory().join("node");
        let cgroup = cgroups::new_name()?;
        leftovers::mark(supervisor.directory(), &cgroup)?;
        supervisor.remove_cgroup_at_end(&cgroup)?;
        cgroups::make(&cgroup)?;
        let namespaces = Namespaces::start(supervisor, &parts, &directory, &cgroup)?;
        let network = Network::connect(&namespaces, &cgroup)?;
        Ok(Self { namespaces, network, parts, directory, cgroup, names: OnceLock::new() })
    }

    /// Starts the node's programs, and waits until pods can be scheduled here.
    pub(crate) async fn start(
        &self,
        supervisor: &Supervisor,
        client: &Client,
        access: &NodeAccess<'_>,
    ) -> anyhow::Result<()> {
        config::write(&self.directory, &self.network, &self.cgroup, &self.parts, access)?;
        let address = self.network.machine();
        let names = names::start(supervisor, client, &self.parts.dnsmasq, address, &self.directory)?;
        self.names.set(names).map_err(|_| anyhow::anyhow!("the node is started twice"))?;
        let in_folder = |file: &str| self.directory.join(file).display().to_string();
        self.spawn(
            supervisor,
            CONTAINERD,
            &self.parts.containerd,
            &["--config".to_owned(), in_folder(config::CONTAINERD)],
        )?;
        self.spawn(
            supervisor,
            KUBE_PROXY,
            &self.parts.assets.kube_proxy,
            &config::kube_proxy_flags(&self.network, access.kube_proxy),
        )?;
        self.wait_for_runtime().await?;
        self.add_image(
            &Image::of_files(config::PAUSE_IMAGE, "/pause").file("/pause", &self.parts.assets.pause),
        )
        .await?;
        self.spawn(
            supervisor,
            KUBELET,
            &self.parts.assets.kubelet,
            &[
                format!("--kubeconfig={}", access.kubelet.display()),
                format!("--config={}", in_folder(config::KUBELET)),
                format!("--hostname-override={REAL_NODE}"),
                format!("--node-ip={}", self.network.node()),
                "--node-labels=type=real".to_owned(),
            ],
        )?;
        wait_until_ready(client).await
    }

    fn spawn(
        &self,
        supervisor: &Supervisor,
        name: &str,
        program: &Path,
        args: &[String],
    ) -> anyhow::Result<()> {
        let (program, args) = self.namespaces.inside(program, args);
        supervisor.spawn(name, program, args, &[("PATH", &self.namespaces.path())])?;
        Ok(())
    }

    async fn wait_for_runtime(&self) -> anyhow::Result<()> {
        let look = || self.ctr(vec!["version".to_owned()]);
        wait::until("containerd answers", LISTENING, look).await?;
        Ok(())
    }

    /// The address by which pods reach servers of this machine.
    #[must_use]
    pub fn machine_address(&self) -> Ipv4Addr {
        self.network.machine()
    }

    /// The node's own address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.network.node()
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// What a container uses, given its id as a pod's status has it, `containerd://ID`.
    pub fn usage(&self, container: &str) -> anyhow::Result<Usage> {
        let id = container.rsplit('/').next().unwrap_or_default();
        cgroups::usage(&self.cgroup, id).with_context(|| format!("cannot read what {container} uses"))
    }

    /// Ends the processes of a container, as a lack of memory would.
    pub fn kill(&self, container: &str) -> anyhow::Result<()> {
        let id = container.rsplit('/').next().unwrap_or_default();
        cgroups::kill_container(&self.cgroup, id)
    }

    /// Gives the node an image; its pods need `imagePullPolicy: Never`.
    pub async fn add_image(&self, image: &Image) -> anyhow::Result<()> {
        let file = format!("image-{:016x}.tar", crate::ports::random_u64());
        let (image, archive) = (image.clone(), self.directory.join(file));
        let written = archive.clone();
        let work = tokio::task::spawn_blocking(move || image.write(&written));
        work.await.context("writing an image panicked")??;
        let added = self.add_archive(&archive).await;
        std::fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))?;
        added
    }

    /// Gives the node the images of an archive in the way of `docker save`.
    pub async fn add_archive(&self, archive: &Path) -> anyhow::Result<()> {
        let archive = archive.display().to_string();
        let args =
            ["--namespace", "k8s.io", "images", "import", "--snapshotter", config::SNAPSHOTTER, &archive];
        self.ctr(args.map(str::to_owned).to_vec()).await?;
        Ok(())
    }

    /// Calls containerd's command line, which speaks to the node's containerd.
    async fn ctr(&self, args: Vec<String>) -> anyhow::Result<String> {
        let (program, args) = self.namespaces.inside(Path::new("ctr"), &args);
        let path = self.namespaces.path();
        let work = tokio::task::spawn_blocking(move || {
            network::output_of(std::process::Command::new(program).args(args).env("PATH", path))
        });
        work.await.context("calling ctr panicked")?
    }
}

async fn wait_until_ready(client: &Client) -> anyhow::Result<()> {
    let (nodes, started) = (Api::<Node>::all(client.clone()), Instant::now());
    let look = || async {
        let node = nodes.get(REAL_NODE).await.map_err(|error| error.to_string())?;
        let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
        match conditions.into_iter().find(|found| found.type_ == "Ready") {
            Some(ready) if ready.status == "True" => Ok(()),
            Some(ready) => Err(ready.message.unwrap_or_default()),
            None => Err("no condition Ready".to_owned()),
        }
    };
    wait::until("real node ready", READY, look).await?;
    tracing::info!(seconds = started.elapsed().as_secs_f64(), "real node ready");
    Ok(())
}
