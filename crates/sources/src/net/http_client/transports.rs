//! One pool of connections for all who trust as the system does and are known by no certificate,
//! and one for each TLS of an object's own.
//!
//! Secrets change, and objects come and go, so those of their own are kept only as long as there are not
//! too many: whichever was not used for the longest time makes room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::transport::Transport;
use crate::net::dial::Dialler;
use crate::net::tls::Tls;

/// Pools of objects' own that are kept at once.
const MAX_OWN: usize = 256;

#[derive(Debug)]
pub(super) struct Transports {
    dialler: Dialler,
    /// Built at the first request: checking a manifest needs neither roots nor a runtime.
    plain: OnceLock<Result<Arc<Transport>, String>>,
    own: Mutex<Own<Arc<Transport>>>,
    calls: OfGrpc,
    /// Apart from calls: a server that takes only so many streams at once must not keep calls waiting for them.
    streams: OfGrpc,
}

/// Connections for gRPC, which is spoken by HTTP/2.
#[derive(Debug)]
struct OfGrpc {
    plain: OnceLock<Result<Arc<Transport>, String>>,
    own: Mutex<Own<Arc<Transport>>>,
}

impl OfGrpc {
    fn new() -> Self {
        Self { plain: OnceLock::new(), own: Mutex::new(Own::new()) }
    }

    fn get(&self, dialler: &Dialler, tls: &Tls) -> Result<Arc<Transport>, String> {
        let make = || Transport::of_grpc(dialler, tls).map(Arc::new);
        if *tls == Tls::default() {
            return self.plain.get_or_init(make).clone();
        }
        self.own.lock().unwrap_or_else(PoisonError::into_inner).get(tls, make)
    }
}

/// Generic in what is kept, as a pool is costly to make for a test.
#[derive(Debug)]
struct Own<T> {
    by_tls: HashMap<Tls, Used<T>>,
    /// Counts uses, so that the order of the last ones is known without a clock.
    uses: u64,
}

#[derive(Debug)]
struct Used<T> {
    kept: T,
    last: u64,
}

impl Transports {
    pub(super) fn new(dialler: Dialler) -> Self {
        let (calls, streams) = (OfGrpc::new(), OfGrpc::new());
        Self { dialler, plain: OnceLock::new(), own: Mutex::new(Own::new()), calls, streams }
    }

    /// Connections for gRPC calls by `tls`, or why there can be none.
    pub(super) fn of_calls(&self, tls: &Tls) -> Result<Arc<Transport>, String> {
        self.calls.get(&self.dialler, tls)
    }

    /// Connections for gRPC streams by `tls`, or why there can be none.
    pub(super) fn of_streams(&self, tls: &Tls) -> Result<Arc<Transport>, String> {
        self.streams.get(&self.dialler, tls)
    }

    /// Connections by `tls`, or why there can be none.
    pub(super) fn get(&self, tls: &Tls) -> Result<Arc<Transport>, String> {
        if *tls == Tls::default() {
            return self.plain.get_or_init(|| Transport::new(&self.dialler, tls).map(Arc::new)).clone();
        }
        let make = || Transport::new(&self.dialler, tls).map(Arc::new);
        self.own.lock().unwrap_or_else(PoisonError::into_inner).get(tls, make)
    }
}

impl<T: Clone> Own<T> {
    fn new() -> Self {
        Self { by_tls: HashMap::new(), uses: 0 }
    }

    /// What is kept for `tls`, or what `make` makes.
    fn get(&mut self, tls: &Tls, make: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        self.uses += 1;
        if let Some(known) = self.by_tls.get_mut(tls) {
            known.last = self.uses;
            return Ok(known.kept.clone());
        }
        let made = make()?;
        while self.by_tls.len() >= MAX_OWN {
            let oldest = self.by_tls.iter().min_by_key(|(_, used)| used.last).map(|(tls, _)| tls.clone());
            oldest.map(|oldest| self.by_tls.remove(&oldest));
        }
        self.by_tls.insert(tls.clone(), Used { kept: made.clone(), last: self.uses });
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_share_and_the_longest_unused_makes_room() {
        let mut own = Own::new();
        let tls = |name: usize| Tls::default().known_as(b"", name.to_string().as_bytes());
        let mut get = |name: usize, made: usize| own.get(&tls(name), || Ok(made)).unwrap();
        assert_eq!((get(0, 10), get(1, 11)), (10, 11));
        for name in 2..=MAX_OWN {
            get(name, 0);
            assert_eq!(get(0, 20), 10, "it is in use");
        }
        assert_eq!(get(1, 21), 21, "it made room, and then it took the room of another");
        assert_eq!((get(2, 22), get(MAX_OWN, 1)), (22, 0));
        assert_eq!(own.by_tls.len(), MAX_OWN);
        assert!(own.get(&tls(1_000_000), || Err("no".to_owned())).is_err());
        assert_eq!(own.by_tls.len(), MAX_OWN, "what cannot be made takes no room");
    }
}
