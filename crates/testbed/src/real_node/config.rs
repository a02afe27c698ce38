//! The files and flags of the node's programs. Only what a program needs to run here, and what differs
//! from its default for a reason given beside it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::{Network, NodeAccess, NodeParts, REAL_NODE, names};

pub(super) const CONTAINERD: &str = "containerd.toml";
pub(super) const KUBELET: &str = "kubelet.json";
/// What keeps a pod's namespaces.
pub(super) const PAUSE_IMAGE: &str = "localhost/pause:1";
/// Needs nothing of the kernel: an image's files are copied for each container.
pub(super) const SNAPSHOTTER: &str = "native";
/// What keeps pods away that do not ask for the real node, where there are fake ones for them.
const TAINT: (&str, &str) = ("type", "real");

pub(super) fn write(
    directory: &Path,
    network: &Network,
    cgroup: &str,
    parts: &NodeParts,
    access: &NodeAccess<'_>,
) -> anyhow::Result<()> {
    let files = [
        (CONTAINERD, containerd(directory, parts)),
        ("cni/10-pods.conflist", format!("{:#}", cni(network))),
        (KUBELET, format!("{:#}", kubelet(cgroup, network, access))),
    ];
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn containerd(directory: &Path, parts: &NodeParts) -> String {
    let (networks, plugins) = (directory.join("cni"), &parts.cni);
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
# It makes a folder in /opt.
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
# Where root may not protect processes from a lack of memory, none would start.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{SNAPSHOTTER}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = {plugins:?}
conf_dir = {networks:?}
"#
    )
}

fn cni(network: &Network) -> serde_json::Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "pods",
                "isGateway": true,
                // So that a pod reaches itself by its Service.
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": network.pods()}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": "/run/cni",
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

fn kubelet(cgroup: &str, network: &Network, access: &NodeAccess<'_>) -> serde_json::Value {
    let (key, value) = TAINT;
    let taint = json!({"key": key, "value": value, "effect": "NoSchedule"});
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": access.authority},
        },
        "authorization": {"mode": "Webhook"},
        "registerWithTaints": if access.is_tainted { vec![taint] } else { Vec::new() },
        "volumePluginDir": "/var/lib/volume-plugins",
        // Whatever kind of cgroups the machine has, and without a service manager.
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}"),
        "enforceNodeAllocatable": [],
        // The machine is everybody's: neither its swap nor its full disk is the node's affair.
        "failSwapOn": false,
        "evictionHard": {},
        "localStorageCapacityIsolation": false,
        "imageGCHighThresholdPercent": 100,
        "oomScoreAdj": 0,
        "clusterDNS": [network.machine()],
        "clusterDomain": names::DOMAIN,
        // Names are not looked up outside.
        "resolvConf": "",
        // Nobody asks it, and a port less can clash.
        "healthzPort": 0,
    })
}

pub(super) fn kube_proxy_flags(network: &Network, kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--hostname-override={REAL_NODE}"),
        format!("--cluster-cidr={}", network.pods()),
        "--proxy-mode=iptables".to_owned(),
        // These belong to the machine.
        "--conntrack-max-per-core=0".to_owned(),
        "--conntrack-tcp-timeout-established=0s".to_owned(),
        "--conntrack-tcp-timeout-close-wait=0s".to_owned(),
        "--oom-score-adj=0".to_owned(),
    ]
}
