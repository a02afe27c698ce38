//! All servers that are in use, each once for equal rights.
//!
//! Nothing here waits. A server that nobody asked for long is forgotten, and so is one that was
//! reached with a secret that has changed since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::access::{Access, AccessKey};
use super::dial::{IDLE_TIMEOUT, MAX_CONNECTIONS, Opener};
use super::link::Link;
use super::node::Node;
use crate::net::address::AddressPolicy;

/// How often forgotten servers are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Shares connections.
pub(super) struct Pool {
    opener: Arc<Opener>,
    links: Mutex<Links>,
}

#[derive(Default)]
struct Links {
    by_key: HashMap<AccessKey, Entry>,
    /// What the secrets of an owner lead to at present.
    current: HashMap<String, AccessKey>,
    swept: Option<Instant>,
}

struct Entry {
    link: Arc<Link>,
    used: Instant,
}

impl Pool {
    /// A pool that calls what `policy` allows. Opens nothing.
    pub(super) fn new(policy: AddressPolicy) -> Self {
        Self { opener: Arc::new(Opener::new(policy)), links: Mutex::default() }
    }

    /// Whether there is a connection to `node` with `access`.
    pub(super) fn is_up(&self, node: &Node, access: &Access) -> bool {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.by_key.get(&access.key(node)).is_some_and(|entry| entry.link.is_up())
    }

    /// The server `node`, entered with `access`.
    pub(super) fn link(&self, node: &Node, access: &Access) -> Arc<Link> {
        let (key, owner, now) = (access.key(node), access.owner(node), Instant::now());
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.sweep(now);
        if let Some(owner) = owner {
            links.settle(owner, key);
        }
        if links.by_key.len() >= MAX_CONNECTIONS && !links.by_key.contains_key(&key) {
            links.drop_least_used();
        }
        let make = || Entry {
            link: Arc::new(Link::new(node.clone(), access.clone(), Arc::clone(&self.opener))),
            used: now,
        };
        let entry = links.by_key.entry(key).or_insert_with(make);
        entry.used = now;
        Arc::clone(&entry.link)
    }
}

impl Links {
    /// Notes what an owner's secrets lead to, and drops what they led to before they changed.
    fn settle(&mut self, owner: String, key: AccessKey) {
        let Some(before) = self.current.insert(owner, key).filter(|before| *before != key) else { return };
        if !self.current.values().any(|other| *other == before) {
            self.by_key.remove(&before);
        }
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now.duration_since(swept) < SWEEP_EVERY) {
            return;
        }
        self.swept = Some(now);
        self.by_key.retain(|_, entry| now.duration_since(entry.used) < IDLE_TIMEOUT);
        let Self { by_key, current, .. } = self;
        current.retain(|_, key| by_key.contains_key(key));
    }

    fn drop_least_used(&mut self) {
        let oldest = self.by_key.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;
