//! Which addresses the operator may call on behalf of those who write objects.
//!
//! Whoever may create an object makes the operator send a request to an address of
//! their choice, from inside the cluster. Cloud metadata services hand credentials
//! to any caller, so they are always refused. The HTTP client and the source of Redis ask
//! here for every address they are about to connect to, after name resolution and on every redirect.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Always refused, whatever `deny` says, with the reason that people read.
const ALWAYS_REFUSED: &[(IpNet, &str)] = &[
    (v4([169, 254, 0, 0], 16), "is link-local, where clouds serve credentials"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "is link-local"),
    (v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254], 128), "is a cloud's metadata service"),
    (v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254], 128), "is a cloud's metadata service"),
    (v4([100, 100, 100, 200], 32), "is a cloud's metadata service"),
    (v4([168, 63, 129, 16], 32), "is a cloud's host service"),
    (v4([0, 0, 0, 0], 8), "is unspecified"),
    (v6([0; 8], 128), "is unspecified"),
    (v4([224, 0, 0, 0], 4), "is multicast"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "is multicast"),
    (v4([255, 255, 255, 255], 32), "is broadcast"),
];

/// Where IPv4 addresses hide in IPv6 ones, and at which byte: compatible, NAT64, 6to4.
const EMBEDDINGS: &[(Ipv6Net, usize)] = &[
    (v6_net([0; 8], 96), 12),
    (v6_net([0x0064, 0xff9b, 0, 0, 0, 0, 0, 0], 96), 12),
    (v6_net([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), 2),
];

/// What may be called: everything but link-local, metadata, unspecified and multicast
/// addresses and `deny`. Loopback and private networks are allowed unless denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Networks that are refused besides those that always are.
    pub deny: Vec<IpNet>,
    /// Exceptions. A network opens a part of what is always refused only where it lies
    /// wholly within that part: `169.254.20.0/24` does, `0.0.0.0/0` does not.
    pub allow: Vec<IpNet>,
}

/// An address that must not be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    address: IpAddr,
    why: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its address {} {} and is not called", self.address, self.why)
    }
}

impl std::error::Error for Refused {}

impl AddressPolicy {
    /// Whether `address` may be called, in whichever form it is written.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        let refuse = |why| Err(Refused { address, why });
        for form in [Some(address), embedded(address)].into_iter().flatten() {
            for (net, why) in ALWAYS_REFUSED.iter().filter(|(net, _)| net.contains(&form)) {
                if !self.allow.iter().any(|exception| exception.contains(&form) && net.contains(exception)) {
                    return refuse(why);
                }
            }
            let denied = self.deny.iter().any(|net| net.contains(&form));
            if denied && !self.allow.iter().any(|net| net.contains(&form)) {
                return refuse("is denied by the operator's settings");
            }
        }
        Ok(())
    }

    /// Those of a name's addresses that may be called; a refusal where it has some and none may.
    pub(crate) fn permitted(
        &self,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Refused> {
        let mut refusal = None;
        let mut permitted = Vec::new();
        for address in found {
            match self.check(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refused) if permitted.is_empty() => Err(refused),
            _ => Ok(permitted),
        }
    }
}

/// The IPv4 address to which a gateway or the kernel may turn this IPv6 one.
fn embedded(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else { return None };
    if address == Ipv6Addr::LOCALHOST {
        return None;
    }
    let (_, at) = EMBEDDINGS.iter().find(|(net, _)| net.contains(&address))?;
    let bytes = address.octets();
    Some(IpAddr::V4(Ipv4Addr::new(bytes[*at], bytes[at + 1], bytes[at + 2], bytes[at + 3])))
}

const fn v4(address: [u8; 4], prefix: u8) -> IpNet {
    let [a, b, c, d] = address;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(address: [u16; 8], prefix: u8) -> IpNet {
    IpNet::V6(v6_net(address, prefix))
}

const fn v6_net(address: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

#[cfg(test)]
mod tests;
