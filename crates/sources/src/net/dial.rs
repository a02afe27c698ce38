//! Connections to addresses that someone wrote into an object: names, the address policy, TCP, TLS, each within a
//! time. Every protocol dials here, or at least resolves here, so that what is refused is refused for all.
//!
//! The connection goes to the very address that was checked, so a name that answers differently a moment later
//! (DNS rebinding) gains nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{AddressPolicy, Refused};

/// Makes connections to what the policy allows.
#[derive(Clone, Debug)]
pub(crate) struct Dialler {
    policy: Arc<AddressPolicy>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Unreached {
    /// The name leads to no address.
    Unresolved,
    /// No address that it leads to may be called.
    Refused(Refused),
    /// It accepted no connection in time.
    Late,
    /// The connection failed.
    Failed(io::Error),
    /// The name cannot be in a certificate.
    Unnameable,
    /// There was no answer to the handshake in time.
    Silent,
    /// The handshake failed.
    Insecure(io::Error),
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved => f.write_str("its name does not resolve"),
            Self::Refused(refused) => refused.fmt(f),
            Self::Late => f.write_str("it did not accept the connection in time"),
            Self::Failed(error) | Self::Insecure(error) => error.fmt(f),
            Self::Unnameable => f.write_str("TLS: its name cannot be in a certificate"),
            Self::Silent => f.write_str("TLS: no response to the handshake; is it a port without TLS?"),
        }
    }
}

impl std::error::Error for Unreached {}

impl Dialler {
    /// Calls what `policy` allows. Opens nothing.
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        Self { policy: Arc::new(policy) }
    }

    /// Whether `address`, which needs no resolution, may be called.
    pub(crate) fn permit(&self, address: IpAddr) -> Result<(), Refused> {
        self.policy.check(address)
    }

    /// The addresses of `host` that may be called; at least one.
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
        let found = tokio::net::lookup_host((host, port)).await.map_err(|_| Unreached::Unresolved)?;
        let permitted = self.policy.permitted(found).map_err(Unreached::Refused)?;
        if permitted.is_empty() { Err(Unreached::Unresolved) } else { Ok(permitted) }
    }

    /// A connection to one of the addresses of `host`, all of which together get `limit`.
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<TcpStream, Unreached> {
        let addresses = self.resolve(host, port).await?;
        let mut failure = Unreached::Unresolved;
        // None of several addresses may use up the time of the others.
        let share = limit / (addresses.len() as u32 + 1);
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // What is asked is small and waited for. Without it that only takes longer.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = Unreached::Failed(error),
                Err(_) => failure = Unreached::Late,
            }
        }
        Err(failure)
    }
}

/// TLS over `stream`, with a server whose certificate is for `name`.
pub(crate) async fn secure(
    stream: TcpStream,
    name: &str,
    config: ClientConfig,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, Unreached> {
    let name = ServerName::try_from(name.to_owned()).map_err(|_| Unreached::Unnameable)?;
    match timeout(limit, TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Ok(secured) => secured.map_err(Unreached::Insecure),
        Err(_) => Err(Unreached::Silent),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_may_not_be_called_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (limit, open) = (Duration::from_secs(60), Dialler::new(AddressPolicy::default()));
        assert!(open.connect("localhost", port, limit).await.is_ok());
        let deny = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let guarded = Dialler::new(AddressPolicy { deny, allow: Vec::new() });
        for host in ["localhost", "127.0.0.1"] {
            let refused = guarded.connect(host, port, limit).await.unwrap_err();
            assert!(matches!(refused, Unreached::Refused(_)), "{refused}");
        }
        assert!(guarded.permit("127.0.0.1".parse().unwrap()).is_err());
        let unknown = open.connect("nowhere.invalid", port, limit).await.unwrap_err();
        assert!(matches!(unknown, Unreached::Unresolved), "{unknown}");
        drop(listener);
        let closed = open.connect("127.0.0.1", port, limit).await.unwrap_err();
        assert!(matches!(closed, Unreached::Failed(_)), "{closed}");
    }
}
