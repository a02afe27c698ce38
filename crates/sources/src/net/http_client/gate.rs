//! How many requests run at once: some to each host, more in all; and how many large
//! answers are held at once.
//!
//! Without the first, one slow host would take every place; without the second,
//! thousands of hosts would take every socket; without the third, answers of a size that
//! is right for one would together take all memory. Whoever waits, waits within the time
//! limit of its own reading.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests in flight to one host and port.
const MAX_PER_HOST: usize = 32;

/// Requests in flight altogether.
const MAX_TOTAL: usize = 512;

/// Answers larger than [`MAX_ANSWER_BYTES`](super::MAX_ANSWER_BYTES) in memory at once.
const MAX_LARGE: usize = 8;

/// Lets requests through, a bounded number at a time.
#[derive(Debug)]
pub(super) struct Gate {
    total: Arc<Semaphore>,
    large: Arc<Semaphore>,
    hosts: Mutex<Hosts>,
}

/// The right to have one request in flight, until dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _host: OwnedSemaphorePermit,
    _total: OwnedSemaphorePermit,
}

/// The right to hold one large answer, until dropped.
#[derive(Debug)]
pub(super) struct LargePermit {
    _large: OwnedSemaphorePermit,
}

#[derive(Debug, Default)]
struct Hosts {
    /// Held by the requests that run or wait; a host without any is forgotten.
    by_name: HashMap<String, Weak<Semaphore>>,
    sweep_at: usize,
}

impl Default for Gate {
    fn default() -> Self {
        let large = Arc::new(Semaphore::new(MAX_LARGE));
        Self { total: Arc::new(Semaphore::new(MAX_TOTAL)), large, hosts: Mutex::default() }
    }
}

impl Gate {
    /// Waits until the host of `url` has a free place, then for one of all.
    pub(super) async fn enter(&self, url: &Url) -> Option<Permit> {
        let host = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).of(url);
        // Acquiring fails only for a closed semaphore, and nobody closes these.
        let host = host.acquire_owned().await.ok()?;
        let total = Arc::clone(&self.total).acquire_owned().await.ok()?;
        Some(Permit { _host: host, _total: total })
    }

    /// Waits until one more large answer may be held.
    pub(super) async fn enter_large(&self) -> Option<LargePermit> {
        let large = Arc::clone(&self.large).acquire_owned().await.ok()?;
        Some(LargePermit { _large: large })
    }
}

impl Hosts {
    fn of(&mut self, url: &Url) -> Arc<Semaphore> {
        let port = url.port_or_known_default().unwrap_or_default();
        let name = format!("{}:{port}", url.host_str().unwrap_or_default());
        if let Some(known) = self.by_name.get(&name).and_then(Weak::upgrade) {
            return known;
        }
        if self.by_name.len() >= self.sweep_at {
            self.by_name.retain(|_, host| host.strong_count() > 0);
            self.sweep_at = (self.by_name.len() * 2).max(64);
        }
        let host = Arc::new(Semaphore::new(MAX_PER_HOST));
        self.by_name.insert(name, Arc::downgrade(&host));
        host
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn try_enter(gate: &Gate, text: &str) -> Option<Permit> {
        gate.enter(&url(text)).now_or_never().flatten()
    }

    #[test]
    fn a_full_host_keeps_no_other_waiting() {
        let gate = Gate::default();
        let mut permits: Vec<_> = (0..MAX_PER_HOST).map(|_| try_enter(&gate, "http://slow/a")).collect();
        assert!(permits.iter().all(Option::is_some));
        assert!(try_enter(&gate, "http://slow:80/b").is_none(), "the path does not matter");
        assert!(try_enter(&gate, "http://slow:81/b").is_some(), "the port does");
        assert!(try_enter(&gate, "http://other/").is_some());
        permits.pop();
        assert!(try_enter(&gate, "http://slow/a").is_some());
    }

    #[test]
    fn the_total_is_bounded() {
        let gate = Gate::default();
        let permits: Vec<_> =
            (0..MAX_TOTAL).map(|host| try_enter(&gate, &format!("http://host-{host}/"))).collect();
        assert!(permits.iter().all(Option::is_some));
        assert!(try_enter(&gate, "http://one-more/").is_none());
        drop(permits);
        assert!(try_enter(&gate, "http://one-more/").is_some());
    }

    #[test]
    fn large_answers_are_bounded() {
        let gate = Gate::default();
        let try_enter = || gate.enter_large().now_or_never().flatten();
        let mut permits: Vec<_> = (0..MAX_LARGE).map(|_| try_enter()).collect();
        assert!(permits.iter().all(Option::is_some) && try_enter().is_none());
        permits.pop();
        assert!(try_enter().is_some());
    }

    #[test]
    fn hosts_that_nobody_asks_are_forgotten() {
        let gate = Gate::default();
        for host in 0..1000 {
            assert!(try_enter(&gate, &format!("http://host-{host}/")).is_some());
        }
        assert!(gate.hosts.lock().unwrap().by_name.len() <= 64);
    }
}
