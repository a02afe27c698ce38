//! Starting: files, then the store and the API server together, then everything
//! that needs them, all at once. Started again when a port was taken by a
//! program that does not know our claims.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::flags::{self, RealNodeSite, Site};
use super::{
    API_SERVER, CONTROLLER_MANAGER, ControlPlane, ETCD, FRONT_PROXY_AUTHORITY, FRONT_PROXY_CLIENT, KWOK,
    Options, PROGRAMS, SCHEDULER, fake_nodes, wait_until_ready,
};
use crate::assets::{self, Assets};
use crate::certificates::{self, Authority, KeyFiles, write_private};
use crate::fixtures::wait_for_default_account;
use crate::http_client::choose_tls;
use crate::kubeconfig;
use crate::ports::PortClaim;
use crate::real_node::{KUBE_PROXY, KUBELET, NODE_PROGRAMS, NodeAccess, REAL_NODE, RealNode};
use crate::supervisor::Supervisor;

const ATTEMPTS: usize = 3;

pub(super) async fn start(options: Options) -> anyhow::Result<ControlPlane> {
    choose_tls();
    let assets = match options.assets.clone() {
        Some(assets) => assets,
        None => tokio::task::spawn_blocking(|| assets::ensure(&mut |line| eprintln!("{line}")))
            .await
            .context("looking for the control plane's programs panicked")??,
    };
    let mut attempt = 1;
    loop {
        match start_once(&options, &assets).await {
            Err(error) if attempt < ATTEMPTS && port_was_taken(&error) => {
                tracing::info!(attempt, "a port of the control plane was taken, starting again");
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn port_was_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("address already in use")
}

async fn start_once(options: &Options, assets: &Assets) -> anyhow::Result<ControlPlane> {
    let supervisor = Supervisor::new("polyscaler-testbed")?;
    let directory = supervisor.directory().to_owned();
    let authority = Authority::new(&directory, "ca")?;
    let (etcd_port, api_server_port) = (PortClaim::new()?, PortClaim::new()?);
    let real_node =
        options.real_node.clone().map(|parts| RealNode::prepare(&supervisor, parts)).transpose()?;
    let site = make_site(&authority, &directory, [&etcd_port, &api_server_port], real_node.as_ref())?;

    supervisor.spawn(ETCD, &assets.etcd, flags::etcd(&site), &[])?;
    supervisor.spawn(API_SERVER, &assets.kube_apiserver, flags::api_server(&site, options), &[])?;
    let access = Access { authority: &authority, directory: &directory, port: api_server_port.port() };
    let admin = access.kubeconfig("admin", "admin", &["system:masters"])?;
    let client = client_from(&admin).await?;
    let rest = async {
        wait_until_ready(&client).await?;
        start_controllers(&supervisor, assets, options, &site, &access)?;
        fake_nodes::create(&client, options.nodes).await?;
        tokio::try_join!(
            fake_nodes::wait_until_ready(&client, options.nodes),
            start_real_node(&supervisor, real_node.as_ref(), &client, &access, options.nodes > 0),
            wait_for_default_account(&client, "default"),
        )
    };
    let programs = [PROGRAMS.as_slice(), &NODE_PROGRAMS].concat();
    // A dead program says more, and sooner, than what is waited for in vain.
    tokio::select! {
        ready = rest => ready?,
        death = supervisor.first_death(&programs) => return Err(death),
    };

    let server_url = access.server_url();
    let ports = vec![etcd_port, api_server_port];
    Ok(ControlPlane {
        supervisor,
        authority,
        client,
        kubeconfig: admin,
        server_url,
        real_node,
        _ports: ports,
    })
}

async fn start_real_node(
    supervisor: &Supervisor,
    real_node: Option<&RealNode>,
    client: &Client,
    access: &Access<'_>,
    has_fake_nodes: bool,
) -> anyhow::Result<()> {
    let Some(real_node) = real_node else { return Ok(()) };
    let server = format!("https://{}:{}", real_node.machine_address(), access.port);
    let user = format!("system:node:{REAL_NODE}");
    let kubelet = access.kubeconfig_to(&server, KUBELET, &user, &["system:nodes"])?;
    let kube_proxy = access.kubeconfig_to(&server, KUBE_PROXY, "system:kube-proxy", &[])?;
    let authority = access.authority.files();
    let access = NodeAccess {
        kubelet: &kubelet,
        kube_proxy: &kube_proxy,
        authority: &authority.certificate,
        is_tainted: has_fake_nodes,
    };
    real_node.start(supervisor, client, &access).await
}

fn make_site(
    authority: &Authority,
    directory: &Path,
    [etcd_port, api_server_port]: [&PortClaim; 2],
    real_node: Option<&RealNode>,
) -> anyhow::Result<Site> {
    // The kubelet calls the API server by the first of these addresses, pods by the second.
    let more_names: Vec<String> = real_node
        .iter()
        .flat_map(|node| [node.network().machine(), node.network().api_service()])
        .map(|address| address.to_string())
        .collect();
    let more_names: Vec<&str> = more_names.iter().map(String::as_str).collect();
    let real_node = match real_node {
        Some(node) => Some(RealNodeSite {
            network: node.network().clone(),
            kubelet_client: authority.client(
                "kube-apiserver-client",
                "kube-apiserver",
                &["system:masters"],
            )?,
        }),
        None => None,
    };
    let proxy_authority = Authority::new(directory, FRONT_PROXY_AUTHORITY)?;
    let (account_key, account_public_key) = certificates::signing_key(directory, "service-account")?;
    Ok(Site {
        directory: directory.to_owned(),
        etcd_port: etcd_port.port(),
        api_server_port: api_server_port.port(),
        authority: authority.files().clone(),
        serving: authority.server("kube-apiserver", &more_names)?,
        proxy_authority: proxy_authority.files().clone(),
        proxy_client: proxy_authority.client(FRONT_PROXY_CLIENT, FRONT_PROXY_CLIENT, &[])?,
        account_key,
        account_public_key,
        real_node,
    })
}

fn start_controllers(
    supervisor: &Supervisor,
    assets: &Assets,
    options: &Options,
    site: &Site,
    access: &Access<'_>,
) -> anyhow::Result<()> {
    let kubeconfig = access.kubeconfig(CONTROLLER_MANAGER, "system:kube-controller-manager", &[])?;
    let flags = flags::controller_manager(site, &kubeconfig, options);
    supervisor.spawn(CONTROLLER_MANAGER, &assets.kube_controller_manager, flags, &[])?;

    let kubeconfig = access.kubeconfig(SCHEDULER, "system:kube-scheduler", &[])?;
    supervisor.spawn(SCHEDULER, &assets.kube_scheduler, flags::scheduler(&kubeconfig), &[])?;

    let kubeconfig = access.kubeconfig(KWOK, "kwok", &["system:masters"])?;
    let stages = site.directory.join("stages.yaml");
    write_private(&stages, &fake_nodes::stages())?;
    supervisor.spawn(KWOK, &assets.kwok, flags::kwok(&kubeconfig, &stages), &[])?;
    Ok(())
}

/// What it takes to make someone a kubeconfig.
struct Access<'a> {
    authority: &'a Authority,
    directory: &'a Path,
    port: u16,
}

impl Access<'_> {
    fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    fn kubeconfig(&self, file: &str, user: &str, groups: &[&str]) -> anyhow::Result<PathBuf> {
        self.kubeconfig_to(&self.server_url(), file, user, groups)
    }

    fn kubeconfig_to(
        &self,
        server: &str,
        file: &str,
        user: &str,
        groups: &[&str],
    ) -> anyhow::Result<PathBuf> {
        let client: KeyFiles = self.authority.client(&format!("{file}-client"), user, groups)?;
        let path = self.directory.join(format!("{file}.kubeconfig"));
        kubeconfig::write(&path, server, &self.authority.files().certificate, user, &client)?;
        Ok(path)
    }
}

async fn client_from(kubeconfig: &Path) -> anyhow::Result<Client> {
    let config = Kubeconfig::read_from(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    // On this machine, where no proxy leads, whatever the environment says.
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}
