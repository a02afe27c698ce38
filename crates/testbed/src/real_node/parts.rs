//! Whether this machine can run a real node, and the parts of one.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;

use super::network::output_of;
use crate::assets::{self, NodeAssets};
use crate::programs::{self, Program};

/// `1` demands a real node where it would be left out, `0` allows to leave it out also in CI.
const REQUIRED_VARIABLE: &str = "POLYSCALER_REQUIRE_NODE";

const CONTAINERD: Program = Program { name: "containerd", package: "containerd" };
const RUNC: Program = Program { name: "runc", package: "runc" };
const IP: Program = Program { name: "ip", package: "iproute2" };
const IPTABLES: Program = Program { name: "iptables", package: "iptables" };
/// Knows the addresses of Services, for pods.
const DNSMASQ: Program = Program { name: "dnsmasq", package: "dnsmasq-base" };
/// One of the programs of CNI, which lie together in a folder.
const CNI: Program = Program { name: "host-local", package: "containernetworking-plugins" };

/// The folders that a node sees as its own; nothing of ours may be below them.
const HIDDEN: [&str; 3] = ["/run", "/var/lib", "/var/log"];

/// Makes what a node needs of the kernel, in namespaces that are gone right after.
const TRIAL: &str = "ip link add trial0 type veth peer name trial1 && ip link add trial2 type bridge";

/// What a real node is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeParts {
    pub(super) assets: NodeAssets,
    pub(super) containerd: PathBuf,
    pub(super) dnsmasq: PathBuf,
    /// The folder with CNI's programs.
    pub(super) cni: PathBuf,
}

/// Why there can be no real node here, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Finds the parts; Debian's packages are installed and Kubernetes' programs built where they are
/// missing. Blocks, for minutes when it builds; `progress` gets a line of text every ten seconds at most.
///
/// The error of a machine that can have no real node says what is missing.
pub fn find(progress: &mut dyn FnMut(&str)) -> Result<NodeParts, Unavailable> {
    let unavailable = |error: anyhow::Error| {
        // One line: what went wrong, without what a program wrote about it.
        let text = format!("{error:#}");
        Unavailable(text.lines().next().unwrap_or_default().to_owned())
    };
    if !cfg!(target_os = "linux") {
        return Err(Unavailable("a real node needs Linux".to_owned()));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Unavailable("a real node needs root".to_owned()));
    }
    let temporary = std::env::temp_dir();
    if HIDDEN.iter().any(|folder| temporary.starts_with(folder)) {
        let places = HIDDEN.join(", ");
        return Err(Unavailable(format!("a real node needs a TMPDIR that is not below {places}")));
    }
    let mut program = |program: &Program| programs::ensure(program, progress).map_err(unavailable);
    let containerd = program(&CONTAINERD)?;
    let (cni, dnsmasq) = (program(&CNI)?, program(&DNSMASQ)?);
    for other in [RUNC, IP, IPTABLES] {
        program(&other)?;
    }
    let Some(cni) = cni.parent().map(PathBuf::from) else {
        return Err(Unavailable(format!("{} is in no folder", cni.display())));
    };
    let flags = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", TRIAL];
    output_of(Command::new("unshare").args(flags)).map_err(|error| {
        let said = format!("{error:#}");
        let said =
            said.rsplit("failed: ").next().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        Unavailable(format!(
            "a real node needs a kernel that lets root make namespaces, veths and bridges: {said}"
        ))
    })?;
    super::cgroups::trial().map_err(unavailable)?;
    let assets = assets::ensure_node(progress).map_err(unavailable)?;
    Ok(NodeParts { assets, containerd, dnsmasq, cni })
}

/// For tests: the parts, or `None` after a line that says why a test of real pods is left out. Where it
/// must not be left out, in CI or with `POLYSCALER_REQUIRE_NODE=1`, that is an error.
pub fn find_or_skip() -> anyhow::Result<Option<NodeParts>> {
    match find(&mut |line| eprintln!("{line}")) {
        Ok(parts) => Ok(Some(parts)),
        Err(reason) => {
            if is_required(|name| std::env::var(name).ok()) {
                bail!("{reason}; set {REQUIRED_VARIABLE}=0 to leave out what needs a real node");
            }
            eprintln!("left out: {reason}");
            Ok(None)
        }
    }
}

fn is_required(variable: impl Fn(&str) -> Option<String>) -> bool {
    match variable(REQUIRED_VARIABLE).as_deref() {
        Some("1") => true,
        Some("0") => false,
        _ => variable("CI").as_deref() == Some("true"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_required;

    #[test]
    fn ci_wants_a_real_node_unless_told_otherwise() {
        let asks = |given: &[(&str, &str)]| {
            let given: Vec<(String, String)> =
                given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            is_required(|name| given.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        assert!(!asks(&[]));
        assert!(asks(&[("CI", "true")]));
        assert!(asks(&[("POLYSCALER_REQUIRE_NODE", "1")]));
        assert!(!asks(&[("CI", "true"), ("POLYSCALER_REQUIRE_NODE", "0")]));
        assert!(!asks(&[("POLYSCALER_REQUIRE_NODE", "")]));
    }
}
