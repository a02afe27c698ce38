//! Tokens, fetched once for everyone who has the same credentials and kept until shortly before they expire.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout_at};

/// A token is not used in the last minute of its life, or in the last half of a short one.
const MARGIN: Duration = Duration::from_secs(60);

/// Longest life that is believed.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// Tokens `T` by a digest `D` of the credentials that they are exchanged for; `F` says why there is none.
pub(crate) struct TokenCache<D, T, F> {
    slots: Mutex<Slots<D, T, F>>,
}

struct Slots<D, T, F> {
    by_digest: HashMap<D, Arc<AsyncMutex<Slot<T, F>>>>,
    sweep_at: usize,
}

/// What is known for one set of credentials. Locked while a token is being fetched.
struct Slot<T, F> {
    kept: Option<Kept<T>>,
    failed: Option<(Instant, F)>,
}

/// A token, and until when it is used.
pub(crate) struct Kept<T> {
    token: T,
    until: Instant,
}

impl<T> Kept<T> {
    /// A token that was asked for at `began` and lives for `life`, as its server says.
    pub(crate) fn new(token: T, began: Instant, life: Duration) -> Self {
        let life = life.min(LONGEST_LIFE);
        Self { token, until: began + (life - MARGIN.min(life / 2)) }
    }
}

impl<D: Copy + Eq + Hash, T: Clone + PartialEq, F: Clone> TokenCache<D, T, F> {
    pub(crate) fn new() -> Self {
        Self { slots: Mutex::new(Slots { by_digest: HashMap::new(), sweep_at: 0 }) }
    }

    /// The token of `digest`: the one that is kept, or what `fetch` brings, which ends by `deadline`. `Ok(None)` where
    /// somebody else is still fetching it then.
    pub(crate) async fn get(
        &self,
        digest: D,
        deadline: Instant,
        fetch: impl Future<Output = Result<Kept<T>, F>>,
    ) -> Result<Option<T>, F> {
        let asked = Instant::now();
        let slot = self.slot(digest);
        let Ok(mut slot) = timeout_at(deadline, slot.lock()).await else { return Ok(None) };
        if let Some(kept) = slot.kept.as_ref().filter(|kept| Instant::now() < kept.until) {
            return Ok(Some(kept.token.clone()));
        }
        // Whoever waited while another one failed takes its answer: credentials that are refused are sent once a
        // poll, not once an object.
        if let Some((_, failure)) = slot.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(failure.clone());
        }
        match fetch.await {
            Ok(kept) => Ok(Some(slot.kept.insert(kept).token.clone())),
            Err(failure) => {
                slot.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    /// Forgets `token`, which was refused, so that a new one is fetched.
    pub(crate) async fn forget(&self, digest: D, token: &T, deadline: Instant) {
        let slot = self.slot(digest);
        let slot = timeout_at(deadline, slot.lock()).await;
        if let Ok(mut slot) = slot
            && slot.kept.as_ref().is_some_and(|kept| kept.token == *token)
        {
            slot.kept = None;
        }
    }

    fn slot(&self, digest: D) -> Arc<AsyncMutex<Slot<T, F>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).of(digest)
    }
}

impl<D: Copy + Eq + Hash, T, F> Slots<D, T, F> {
    fn of(&mut self, digest: D) -> Arc<AsyncMutex<Slot<T, F>>> {
        if let Some(known) = self.by_digest.get(&digest) {
            return Arc::clone(known);
        }
        if self.by_digest.len() >= self.sweep_at {
            self.by_digest.retain(|_, slot| Arc::strong_count(slot) > 1 || is_of_use(slot));
            self.sweep_at = (self.by_digest.len() * 2).max(64);
        }
        let new = || Arc::new(AsyncMutex::new(Slot { kept: None, failed: None }));
        Arc::clone(self.by_digest.entry(digest).or_insert_with(new))
    }
}

fn is_of_use<T, F>(slot: &AsyncMutex<Slot<T, F>>) -> bool {
    let Ok(slot) = slot.try_lock() else { return true };
    slot.kept.as_ref().is_some_and(|kept| Instant::now() < kept.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_nobody_uses_are_forgotten() {
        let cache: TokenCache<u16, (), ()> = TokenCache::new();
        let used = cache.slot(u16::MAX);
        for number in 0..1000_u16 {
            cache.slot(number);
        }
        let known = cache.slots.lock().unwrap().by_digest.len();
        assert!(known <= 130, "{known}");
        assert!(Arc::ptr_eq(&used, &cache.slot(u16::MAX)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_kept_until_shortly_before_its_end_or_until_it_is_refused() {
        let cache: TokenCache<u8, u32, &str> = TokenCache::new();
        let soon = || Instant::now() + Duration::from_secs(5);
        let fetch = async |token: u32| {
            let kept = Kept::new(token, Instant::now(), Duration::from_secs(300));
            cache.get(1, soon(), std::future::ready(Ok(kept))).await
        };
        assert_eq!(fetch(1).await, Ok(Some(1)));
        tokio::time::advance(Duration::from_secs(239)).await;
        assert_eq!(fetch(2).await, Ok(Some(1)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(fetch(3).await, Ok(Some(3)));
        cache.forget(1, &2, soon()).await;
        assert_eq!(fetch(4).await, Ok(Some(3)), "another one was refused");
        cache.forget(1, &3, soon()).await;
        assert_eq!(cache.get(1, soon(), std::future::ready(Err("no"))).await, Err("no"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(fetch(5).await, Ok(Some(5)));
    }
}
