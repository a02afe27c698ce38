//! Ports for servers that must know their port before they start.
//!
//! Asking the kernel for a free port and giving it back leaves a gap in which
//! another run gets the same one. So a port is claimed by a UDP socket of the
//! same number: UDP and TCP numbers do not clash, the claim is seen by every
//! process of the machine, and it ends with its holder. Claims are made below
//! the range that outgoing connections are numbered from.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use anyhow::bail;

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// How often listening is tried.
const ATTEMPTS: usize = 10;

/// A TCP port on 127.0.0.1 that no other claim holds, for as long as this value lives.
#[derive(Debug)]
pub struct PortClaim {
    port: u16,
    _claim: UdpSocket,
}

impl PortClaim {
    /// Claims a port that nothing listens on.
    pub fn new() -> anyhow::Result<Self> {
        let start = random_u64() % u64::from(COUNT);
        for step in 0..u64::from(COUNT) {
            let offset = u16::try_from((start + step) % u64::from(COUNT)).unwrap_or_default();
            let address = (Ipv4Addr::LOCALHOST, FIRST + offset);
            let Ok(claim) = UdpSocket::bind(address) else { continue };
            if TcpListener::bind(address).is_ok() {
                return Ok(Self { port: FIRST + offset, _claim: claim });
            }
        }
        bail!("no free port on 127.0.0.1 from {FIRST} to {}", FIRST + COUNT - 1)
    }

    /// A claimed port with a listener on it, for a server in this process that goes and comes back at
    /// the same port.
    pub fn listening() -> anyhow::Result<(Self, TcpListener)> {
        for _ in 0..ATTEMPTS {
            let claim = Self::new()?;
            // A program that does not know our claims may have been quicker.
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, claim.port)) {
                listener.set_nonblocking(true)?;
                return Ok((claim, listener));
            }
        }
        bail!("every port that was free on 127.0.0.1 was taken at once");
    }

    /// The port's number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A random number, from the seed that the standard library keeps for its hash maps.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    use super::PortClaim;

    #[test]
    fn claims_differ_and_can_be_listened_on() {
        let claims: Vec<PortClaim> = (0..50).map(|_| PortClaim::new().unwrap()).collect();
        let ports: BTreeSet<u16> = claims.iter().map(PortClaim::port).collect();
        assert_eq!(ports.len(), claims.len());
        for port in ports {
            TcpListener::bind(("127.0.0.1", port)).unwrap();
        }
    }

    #[test]
    fn whoever_listens_can_go_and_come_back() {
        let (claim, listener) = PortClaim::listening().unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(address.port(), claim.port());
        drop(listener);
        let others: Vec<PortClaim> = (0..50).map(|_| PortClaim::new().unwrap()).collect();
        assert!(others.iter().all(|other| other.port() != claim.port()));
        TcpListener::bind(address).unwrap();
    }

    #[test]
    fn a_claimed_port_is_free_again_once_dropped() {
        let claim = PortClaim::new().unwrap();
        let port = claim.port();
        assert!(std::net::UdpSocket::bind(("127.0.0.1", port)).is_err());
        drop(claim);
        std::net::UdpSocket::bind(("127.0.0.1", port)).unwrap();
    }
}
