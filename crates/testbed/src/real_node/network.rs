//! The way between the machine and the node: a veth whose name is the claim of a range of
//! addresses. Making an interface is atomic, so two runs at once never have the same range, and the
//! kernel gives the range back with the node's namespace.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::namespaces::Namespaces;

/// The first of the ranges: 198.18.0.0/15 is for tests of networks, so nobody is reached there.
const FIRST: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// Addresses in a range, a /22: one /24 each for the link, the pods and the Services.
const SIZE: u32 = 1024;
const RANGES: u32 = 128;
/// What the interface's name begins with; the range's number follows.
pub(super) const INTERFACE: &str = "polyscaler";

/// The addresses of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    range: u32,
}

impl Network {
    /// Claims a range, and connects the namespaces by it. `owner` is left at the interface, so that it
    /// is known whose it is.
    pub(super) fn connect(namespaces: &Namespaces, owner: &str) -> anyhow::Result<Self> {
        let id = namespaces.id().to_string();
        let network = Self::claim(&id)?;
        let (interface, machine, node) = (network.interface(), network.machine(), network.node());
        ip(&["link", "set", &interface, "alias", owner])?;
        ip(&["address", "add", &format!("{machine}/30"), "dev", &interface])?;
        ip(&["link", "set", &interface, "up"])?;
        for args in [
            vec![
                "address".to_owned(),
                "add".to_owned(),
                format!("{node}/30"),
                "dev".to_owned(),
                "eth0".to_owned(),
            ],
            ["link", "set", "eth0", "up"].map(str::to_owned).to_vec(),
            vec![
                "route".to_owned(),
                "add".to_owned(),
                "default".to_owned(),
                "via".to_owned(),
                machine.to_string(),
            ],
        ] {
            let (program, args) = namespaces.inside(Path::new("ip"), &args);
            output_of(Command::new(program).args(args))?;
        }
        for addresses in [network.pods(), network.services()] {
            ip(&["route", "add", &addresses, "via", &node.to_string(), "dev", &interface])?;
        }
        Ok(network)
    }

    fn claim(id: &str) -> anyhow::Result<Self> {
        for range in 0..RANGES {
            let network = Self { range };
            let interface = network.interface();
            let exists = || Path::new("/sys/class/net").join(&interface).exists();
            if exists() {
                continue;
            }
            match ip(&["link", "add", &interface, "type", "veth", "peer", "name", "eth0", "netns", id]) {
                Ok(_) => return Ok(network),
                // Another run was quicker.
                Err(_) if exists() => {}
                Err(error) => return Err(error),
            }
        }
        bail!("all {RANGES} interfaces {INTERFACE}0 and so on are taken")
    }

    fn interface(&self) -> String {
        format!("{INTERFACE}{}", self.range)
    }

    fn at(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(FIRST) + self.range * SIZE + offset)
    }

    /// The machine's end.
    pub(crate) fn machine(&self) -> Ipv4Addr {
        self.at(1)
    }

    /// The node's end.
    pub(crate) fn node(&self) -> Ipv4Addr {
        self.at(2)
    }

    /// The addresses of pods.
    pub(crate) fn pods(&self) -> String {
        format!("{}/24", self.at(256))
    }

    /// The address of the Service `kubernetes`: the first one, as ever.
    pub(crate) fn api_service(&self) -> Ipv4Addr {
        self.at(513)
    }

    /// The addresses of Services.
    pub(crate) fn services(&self) -> String {
        format!("{}/24", self.at(512))
    }
}

/// Whether a line of iptables names an address or an interface of a node.
pub(super) fn is_of_a_node(rule: &str) -> bool {
    rule.contains(INTERFACE) || [" 198.18.", " 198.19."].iter().any(|range| rule.contains(range))
}

fn ip(args: &[&str]) -> anyhow::Result<String> {
    output_of(Command::new("ip").args(args))
}

/// Runs a command to its end; what it says on standard error becomes the error.
pub(super) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let line = format!("{command:?}");
    let output = command.output().with_context(|| format!("cannot run {line}"))?;
    if !output.status.success() {
        bail!("{line} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Network, RANGES};

    #[test]
    fn ranges_follow_one_another_and_stay_within_those_for_tests() {
        let second = Network { range: 1 };
        assert_eq!(
            (second.machine().to_string(), second.node().to_string()),
            ("198.18.4.1".to_owned(), "198.18.4.2".to_owned())
        );
        assert_eq!(
            (second.pods(), second.services()),
            ("198.18.5.0/24".to_owned(), "198.18.6.0/24".to_owned())
        );
        assert_eq!(second.api_service().to_string(), "198.18.6.1");
        let last = Network { range: RANGES - 1 };
        assert_eq!(last.services(), "198.19.254.0/24");
        // The kernel takes names of 15 bytes at most.
        assert!(last.interface().len() <= 15, "{}", last.interface());
    }
}
