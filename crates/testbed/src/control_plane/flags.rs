//! The command lines. Only what a program needs to run here, and what differs
//! from its default for a reason given beside it.

use std::path::{Path, PathBuf};

use super::{FRONT_PROXY_CLIENT, Options};
use crate::certificates::KeyFiles;
use crate::real_node::Network;

/// Addresses and files that command lines refer to.
pub(super) struct Site {
    pub(super) directory: PathBuf,
    pub(super) etcd_port: u16,
    pub(super) api_server_port: u16,
    pub(super) authority: KeyFiles,
    pub(super) serving: KeyFiles,
    pub(super) proxy_authority: KeyFiles,
    pub(super) proxy_client: KeyFiles,
    pub(super) account_key: PathBuf,
    pub(super) account_public_key: PathBuf,
    pub(super) real_node: Option<RealNodeSite>,
}

/// What the API server needs to know of a real node.
pub(super) struct RealNodeSite {
    pub(super) network: Network,
    pub(super) kubelet_client: KeyFiles,
}

pub(super) fn etcd(site: &Site) -> Vec<String> {
    let url = format!("http://127.0.0.1:{}", site.etcd_port);
    vec![
        flag("data-dir", site.directory.join("etcd").display()),
        flag("listen-client-urls", &url),
        flag("advertise-client-urls", &url),
        // There are no peers, but etcd wants to listen for them.
        flag("listen-peer-urls", "http://127.0.0.1:0"),
        // The data is gone after the test anyway.
        flag("unsafe-no-fsync", true),
        flag("log-level", "warn"),
    ]
}

pub(super) fn api_server(site: &Site, options: &Options) -> Vec<String> {
    let mut flags = vec![
        flag("etcd-servers", format!("http://127.0.0.1:{}", site.etcd_port)),
        flag("secure-port", site.api_server_port),
        flag("tls-cert-file", site.serving.certificate.display()),
        flag("tls-private-key-file", site.serving.key.display()),
        flag("client-ca-file", site.authority.certificate.display()),
        flag("authorization-mode", "RBAC,Node"),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        flag("service-account-key-file", site.account_public_key.display()),
        flag("service-account-signing-key-file", site.account_key.display()),
        flag("requestheader-client-ca-file", site.proxy_authority.certificate.display()),
        flag("requestheader-allowed-names", FRONT_PROXY_CLIENT),
        flag("requestheader-username-headers", "X-Remote-User"),
        flag("requestheader-group-headers", "X-Remote-Group"),
        flag("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        flag("proxy-client-cert-file", site.proxy_client.certificate.display()),
        flag("proxy-client-key-file", site.proxy_client.key.display()),
    ];
    flags.extend(match &site.real_node {
        Some(real_node) => real_node_flags(real_node),
        None => vec![
            flag("bind-address", "127.0.0.1"),
            flag("advertise-address", "127.0.0.1"),
            // Loopback addresses are refused in Endpoints, and nobody looks the API server up there.
            flag("endpoint-reconciler-type", "none"),
            flag("service-cluster-ip-range", "10.0.0.0/16"),
        ],
    });
    flags.extend(options.api_server_args.iter().cloned());
    flags
}

/// Pods find the API server by the machine's end of their way to it, and it asks the kubelet for their logs.
fn real_node_flags(real_node: &RealNodeSite) -> Vec<String> {
    vec![
        flag("bind-address", "0.0.0.0"),
        flag("advertise-address", real_node.network.machine()),
        flag("service-cluster-ip-range", real_node.network.services()),
        flag("allow-privileged", true),
        flag("kubelet-client-certificate", real_node.kubelet_client.certificate.display()),
        flag("kubelet-client-key", real_node.kubelet_client.key.display()),
        flag("kubelet-preferred-address-types", "InternalIP"),
    ]
}

pub(super) fn controller_manager(site: &Site, kubeconfig: &Path, options: &Options) -> Vec<String> {
    let mut flags = vec![
        flag("kubeconfig", kubeconfig.display()),
        flag("use-service-account-credentials", true),
        flag("service-account-private-key-file", site.account_key.display()),
        flag("root-ca-file", site.authority.certificate.display()),
        flag("cluster-signing-cert-file", site.authority.certificate.display()),
        flag("cluster-signing-key-file", site.authority.key.display()),
        flag("leader-elect", false),
        // Nobody scrapes it, and a port less can clash.
        flag("secure-port", 0),
        // The fake nodes must survive an API server that is away or hangs for a while.
        flag("node-monitor-grace-period", "15m"),
        // The defaults are for sharing a server; here they would be what a test measures.
        flag("kube-api-qps", 1000),
        flag("kube-api-burst", 2000),
    ];
    flags.extend(options.controller_manager_args.iter().cloned());
    flags
}

pub(super) fn scheduler(kubeconfig: &Path) -> Vec<String> {
    vec![
        flag("kubeconfig", kubeconfig.display()),
        flag("leader-elect", false),
        flag("secure-port", 0),
        flag("kube-api-qps", 1000),
        flag("kube-api-burst", 2000),
    ]
}

pub(super) fn kwok(kubeconfig: &Path, config: &Path) -> Vec<String> {
    vec![
        flag("kubeconfig", kubeconfig.display()),
        flag("config", config.display()),
        // Not a real one.
        flag("manage-all-nodes", false),
        flag("manage-nodes-with-label-selector", "type=kwok"),
        flag("node-ip", "10.64.0.1"),
        // Room for as many pods as the nodes take; the default has 254 addresses.
        flag("cidr", "10.64.0.0/12"),
        flag("node-lease-duration-seconds", 40),
        // Otherwise a line for every pod that changes.
        flag("v", "WARN"),
    ]
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}
