//! Where a server is: how people write it, and how servers report each other.

use engine::Fault;
use std::fmt;

/// The port of Redis where none is written.
pub(super) const REDIS_PORT: u16 = 6379;

/// The port of a sentinel where none is written.
pub(super) const SENTINEL_PORT: u16 = 26379;

/// A server's host, which is a name or an IP address, and its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

/// An address as it is written in the settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) node: Node,
    /// Whether its scheme asks for TLS; `None` without a scheme.
    pub(super) tls: Option<bool>,
    /// The database that its path names.
    pub(super) db: Option<u64>,
}

impl Written {
    /// Reads `redis://HOST:PORT/DB`, `rediss://HOST:PORT/DB` or `HOST:PORT`. The fault
    /// repeats nothing of the text, in which someone may have put a password.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, Fault> {
        let (tls, rest) = match text.split_once("://") {
            Some(("redis", rest)) => (Some(false), rest),
            Some(("rediss", rest)) => (Some(true), rest),
            Some(_) => return Err(not_an_address()),
            None => (None, text),
        };
        if rest.contains('@') {
            return Err(Fault::invalid(
                "must not contain a user or password: use username, and passwordFrom, which names a secret",
            ));
        }
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let db = match path {
            "" => None,
            digits => Some(digits.parse().map_err(|_| not_an_address())?),
        };
        Ok(Self { node: Node::parse(place, default_port).ok_or_else(not_an_address)?, tls, db })
    }
}

fn not_an_address() -> Fault {
    Fault::invalid("must be redis://HOST:PORT, rediss://HOST:PORT or HOST:PORT")
}

impl Node {
    fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, port)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok()?,
            None if port.is_empty() => default_port,
            None => return None,
        };
        Self::new(host, port)
    }

    /// A server that another one named as `HOST:PORT`, where IPv6 addresses stand without brackets
    /// and an empty host means the one that was asked.
    pub(super) fn named_by(asked: &Self, text: &str) -> Option<Self> {
        // The cluster's internal port and its name may follow.
        let text = text.split(['@', ',']).next()?;
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() || host == "?" { &asked.host } else { host };
        Self::new(host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?)
    }

    pub(super) fn new(host: &str, port: u16) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        let good = !host.is_empty() && host.len() <= 253 && host.bytes().all(plain) && port != 0;
        good.then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_address_is_read() {
        for (text, node, tls, db) in [
            ("redis://cache:6380", "cache:6380", Some(false), None),
            ("redis://cache", "cache:6379", Some(false), None),
            ("redis://cache/", "cache:6379", Some(false), None),
            ("rediss://cache:6380/3", "cache:6380", Some(true), Some(3)),
            ("cache:6380", "cache:6380", None, None),
            ("my-redis.shop.svc.cluster.local", "my-redis.shop.svc.cluster.local:6379", None, None),
            ("10.0.0.7:1", "10.0.0.7:1", None, None),
            ("redis://[::1]", "[::1]:6379", Some(false), None),
            ("[fe80::1]:7000", "[fe80::1]:7000", None, None),
        ] {
            let written = Written::parse(text, REDIS_PORT).unwrap();
            assert_eq!((written.node.to_string().as_str(), written.tls, written.db), (node, tls, db));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "redis://",
            "http://hidden:6379",
            "unix:///hidden.sock",
            "hidden:port",
            "hidden:0",
            "hidden:65536",
            "hid den",
            "::1",
            "[hidden]:1",
            "[::1]hidden",
            "redis://hidden/db",
            "redis://hidden?db=1",
            "redis://hidden#1",
            "redis://ann:hidden@cache:6379",
            "redis://:hidden@cache",
        ] {
            let message = Written::parse(text, REDIS_PORT).unwrap_err().to_string();
            assert!(message.starts_with("Invalid value: must") && !message.contains("hidden"), "{message}");
        }
    }

    #[test]
    fn servers_name_each_other_in_forms_of_their_own() {
        let asked = Node::new("seed", 7000).unwrap();
        for (text, expected) in [
            ("127.0.0.1:6381", Some("127.0.0.1:6381")),
            ("::1:6381", Some("[::1]:6381")),
            (":6381", Some("seed:6381")),
            ("?:6381", Some("seed:6381")),
            ("node-1.cache:6381@16381,node-1", Some("node-1.cache:6381")),
            ("127.0.0.1", None),
            ("a b:1", None),
            ("a:0", None),
        ] {
            let named = Node::named_by(&asked, text).map(|node| node.to_string());
            assert_eq!(named.as_deref(), expected, "{text}");
        }
    }
}
