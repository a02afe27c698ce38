//! Opens listeners, on IPv6 and IPv4 alike.

use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on `address`; whoever accepts does not block.
///
/// The unspecified address of IPv6 stands for every address of the machine, those of IPv4 included, whatever the
/// system's own default is; on a machine without IPv6 it stands for those of IPv4.
///
/// # Errors
/// Where the system refuses the address.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    match bind(address) {
        Err(error) if is_every_address(address) && lacks_ipv6(&error) => {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        bound => bound,
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if is_every_address(address) {
        socket.set_only_v6(false)?;
    }
    // A restart need not wait for connections of the process before it.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn is_every_address(address: SocketAddr) -> bool {
    address.is_ipv6() && address.ip().is_unspecified()
}

/// Whether an attempt failed because the kernel has no IPv6, or has it switched off.
fn lacks_ipv6(error: &Error) -> bool {
    /// `EAFNOSUPPORT`, for which the standard library has no kind; the number is Linux's.
    const NO_SUCH_FAMILY: i32 = 97;
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(NO_SUCH_FAMILY)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddr, TcpStream};

    use super::*;

    fn reaches(host: &str, port: u16) -> bool {
        let address: SocketAddr = format!("{host}:{port}").parse().unwrap();
        TcpStream::connect(address).is_ok()
    }

    #[test]
    fn every_address_includes_those_of_ipv4() {
        let port = listen("[::]:0".parse().unwrap()).unwrap().local_addr().unwrap().port();
        // The listener is gone, so the port is free for the same process.
        let listener = listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).unwrap();
        assert!(reaches("127.0.0.1", port));
        if listener.local_addr().unwrap().is_ipv6() {
            assert!(reaches("[::1]", port));
        }
    }

    #[test]
    fn an_address_of_ipv4_is_no_other() {
        let listener = listen("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(reaches("127.0.0.1", port));
        assert!(!reaches("[::1]", port));
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let listener = listen("[::]:0".parse().unwrap()).unwrap();
        let taken = SocketAddr::from((Ipv6Addr::UNSPECIFIED, listener.local_addr().unwrap().port()));
        assert_eq!(listen(taken).unwrap_err().kind(), ErrorKind::AddrInUse);
    }

    #[test]
    fn only_a_missing_family_leads_to_ipv4() {
        assert!(lacks_ipv6(&Error::from_raw_os_error(97)));
        assert!(lacks_ipv6(&Error::from(ErrorKind::AddrNotAvailable)));
        assert!(!lacks_ipv6(&Error::from(ErrorKind::AddrInUse)));
        assert!(!lacks_ipv6(&Error::from(ErrorKind::PermissionDenied)));
    }
}
