//! Which servers have loaded all they have.
//!
//! A server of a cluster that starts again says that it is well as soon as it has heard from the others, and
//! loads streams first, consumers after them, and what a consumer has acknowledged last. Meanwhile all messages of
//! a stream seem to wait.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::address::Address;
use super::wire::Assets;

/// A server that has what it had before knows after so long what was acknowledged, too.
const RESTORED: Duration = Duration::from_secs(2);

/// A server that has less than before, and loads nothing more for so long, has lost it.
const SETTLED: Duration = Duration::from_secs(10);

/// Servers that are remembered.
const MAX_STARTED: usize = 10_000;

/// The servers that were seen to have loaded all they have, by address.
#[derive(Debug, Default)]
pub(super) struct Started(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// By address and id. An id is good for one run of a server, so none is ever taken out for being wrong.
    runs: HashSet<(String, String)>,
    /// What the last run at an address had.
    assets: HashMap<String, Assets>,
    /// What a run had loaded so far, and since when no more. By address and id, as an address may lead to
    /// several servers in turn, each of which would begin the other's wait again.
    loading: HashMap<(String, String), (Assets, Instant)>,
}

impl Started {
    pub(super) fn contains(&self, address: &Address, id: &str) -> bool {
        self.lock().runs.contains(&(address.base.to_string(), id.to_owned()))
    }

    /// Whether the server `id`, which was not known to have loaded all and has `found`, loads no more. It is waited
    /// for longer where it has less than the one before it at the same address. In words, what it still lacks.
    pub(super) fn check_loaded(
        &self,
        address: &Address,
        id: &str,
        found: Option<Assets>,
        now: Instant,
    ) -> Result<(), String> {
        let mut memory = self.lock();
        let run = (address.base.to_string(), id.to_owned());
        // Another reading may have found out meanwhile; then there is no run before this one.
        if memory.runs.contains(&run) {
            return Ok(());
        }
        let (Some(found), Some(&before)) = (found, memory.assets.get(&run.0)) else { return Ok(()) };
        let has_all = found.streams >= before.streams && found.consumers >= before.consumers;
        let needed = if has_all { RESTORED } else { SETTLED };
        match memory.loading.get(&run) {
            Some((same, since)) if *same == found => {
                if now.saturating_duration_since(*since) >= needed {
                    return Ok(());
                }
            }
            _ => {
                if memory.loading.len() >= MAX_STARTED {
                    memory.loading.clear();
                }
                memory.loading.insert(run, (found, now));
            }
        }
        Err(format!(
            "the server has started again and may still be loading: it has {} streams and {} consumers, and had {} \
             and {}",
            found.streams, found.consumers, before.streams, before.consumers
        ))
    }

    /// The server `id` at `address` has loaded all, and has `assets` now. One without an id is not remembered.
    pub(super) fn note(&self, address: &Address, id: &str, assets: Option<Assets>) {
        if id.is_empty() {
            return;
        }
        let mut memory = self.lock();
        if memory.runs.len() >= MAX_STARTED {
            *memory = Memory::default();
        }
        let run = (address.base.to_string(), id.to_owned());
        memory.loading.remove(&run);
        if let Some(assets) = assets {
            memory.assets.insert(run.0.clone(), assets);
        }
        memory.runs.insert(run);
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets(streams: u64, consumers: u64) -> Option<Assets> {
        Some(Assets { streams, consumers })
    }

    #[test]
    fn a_server_that_starts_again_is_waited_for_until_it_has_what_it_had() {
        let address = Address { base: "http://nats:8222".parse().unwrap(), given: true };
        let (started, begun) = (Started::default(), Instant::now());
        let check = |found, after: u64| {
            started.check_loaded(&address, "C", found, begun + Duration::from_secs(after)).is_ok()
        };
        assert!(check(assets(1, 0), 0), "nothing is known of what it should have");
        started.note(&address, "A", assets(3, 5));
        assert!(started.contains(&address, "A") && !started.contains(&address, "B"));

        // Of two readings at once, neither of which knew it, the first has just found it to have loaded all.
        assert_eq!(started.check_loaded(&address, "A", assets(3, 5), begun), Ok(()));

        let reported = started.check_loaded(&address, "C", assets(3, 4), begun).unwrap_err();
        assert!(reported.contains("3 streams and 4 consumers, and had 3 and 5"), "{reported}");
        assert!(!check(assets(2, 5), 1));
        assert!(!check(assets(3, 5), 2) && !check(assets(3, 5), 3));
        assert!(check(assets(3, 5), 4) && check(None, 4));

        // What it lost it does not get back.
        assert!(!check(assets(3, 4), 5));
        assert!(!check(assets(3, 4), 14));
        assert!(check(assets(3, 4), 15));
        started.note(&address, "C", assets(3, 4));
        assert!(check(assets(4, 9), 16), "it is known by now");
    }

    #[test]
    fn servers_behind_one_address_do_not_begin_each_others_wait_again() {
        let address = Address { base: "http://nats:8222".parse().unwrap(), given: true };
        let (started, begun) = (Started::default(), Instant::now());
        started.note(&address, "A", assets(3, 5));
        let check = |id, found, after: u64| {
            started.check_loaded(&address, id, found, begun + Duration::from_secs(after)).is_ok()
        };
        for after in [0, 1] {
            assert!(!check("B", assets(4, 5), after) && !check("C", assets(2, 1), after));
        }
        assert!(check("B", assets(4, 5), 2) && !check("C", assets(2, 1), 9));
        assert!(check("C", assets(2, 1), 10));
        started.note(&address, "B", assets(4, 5));
        assert!(check("C", assets(2, 1), 11));
        assert!(!check("C", assets(3, 2), 12), "counted from when it loaded no more");
    }
}
