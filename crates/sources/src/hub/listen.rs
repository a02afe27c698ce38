//! Listens to sources that report by themselves that there is work, on a stream for each query of each owner.
//!
//! A stream that ends or breaks is opened again, later and later while that goes on: however often a source breaks,
//! it costs no more than these attempts. One whose credentials have changed, as a reading of its query finds, is opened
//! again with the new ones.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use engine::{Absence, AbsenceReason, Query};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Hub, Upstream};
use crate::credentials::Credentials;
use crate::registry::Content;

/// The pause after a stream that ended well, and after the first one that broke.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// The longest pause. A stream that lived longer has not been broken for long.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An owner is woken no more often, however much a source reports.
const WAKE_PAUSE: Duration = Duration::from_secs(1);

/// Has an owner looked at.
pub type Wake = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// The streams that are kept open.
#[derive(Default)]
pub(super) struct Streams {
    /// By their owner, and within that by the key of the query.
    by_owner: Mutex<HashMap<String, HashMap<String, Open>>>,
    /// By the key of the query, what its streams go by while there are any.
    credentials: Mutex<HashMap<String, Weak<Newest>>>,
}

/// The digest of the credentials that were read last for a query, for a stream or for a reading; `None` before the first.
type Newest = watch::Sender<Option<u64>>;

/// A stream that is kept open until this is dropped.
struct Open {
    query: Query,
    task: JoinHandle<()>,
}

impl Open {
    /// Whether `query` is the one whose stream this is, and not merely an equal one, as an object has after each change:
    /// what the stream reports counts at the next reading of the query that is listened to.
    fn is_of(&self, query: &Query) -> bool {
        match (self.query.content::<Content>(), query.content::<Content>()) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            _ => false,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Streams {
    /// What the streams of the query `key` go by.
    fn newest(&self, key: &str) -> Arc<Newest> {
        let mut known = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newest) = known.get(key).and_then(Weak::upgrade) {
            return newest;
        }
        // Only before the table would grow, so that many streams that are opened at once cost no more than few.
        if known.len() == known.capacity() {
            known.retain(|_, newest| newest.strong_count() > 0);
        }
        let newest = Arc::new(watch::Sender::new(None));
        known.insert(key.to_owned(), Arc::downgrade(&newest));
        newest
    }

    /// Has the streams of `query` opened again where their credentials were others than `credentials`.
    pub(super) fn renew(&self, query: &Query, credentials: &Credentials) {
        if !pushes(query) {
            return;
        }
        let known = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newest) = known.get(query.key()).and_then(Weak::upgrade) {
            newest.send_replace(Some(credentials.digest()));
        }
    }
}

impl Hub {
    /// Listens from now on to those of `queries` that report by themselves, on behalf of `owner`, and to nothing else that
    /// the owner had before; `wake` is called when there is work. Without queries it ceases.
    ///
    /// Must be called within a tokio runtime.
    pub fn listen<'a>(&self, owner: &str, queries: impl IntoIterator<Item = &'a Query>, wake: &Wake) {
        let pushing = queries.into_iter().filter(|query| pushes(query));
        let wanted: HashMap<&str, &Query> = pushing.map(|query| (query.key(), query)).collect();
        let mut owners = self.streams.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.is_empty() {
            owners.remove(owner);
            return;
        }
        let open = owners.entry(owner.to_owned()).or_default();
        open.retain(|key, open| wanted.get(key.as_str()).is_some_and(|query| open.is_of(query)));
        for (key, query) in wanted {
            open.entry(key.to_owned()).or_insert_with(|| {
                let (upstream, listened) = (Arc::clone(&self.upstream), query.clone());
                let (clock, wake) = (Arc::clone(&self.clock), Arc::clone(wake));
                let newest = self.streams.newest(query.key());
                let task = tokio::spawn(async move {
                    let woken = Notify::new();
                    let listening = keep_open(&upstream, &listened, || clock(), &woken, &newest);
                    tokio::join!(listening, pass_on(&woken, &wake));
                });
                Open { query: query.clone(), task }
            });
        }
    }
}

fn pushes(query: &Query) -> bool {
    query.content().is_some_and(|Content { ask, .. }| ask.pushes())
}

/// Wakes the owner once for all that was reported meanwhile.
async fn pass_on(woken: &Notify, wake: &Wake) {
    loop {
        woken.notified().await;
        wake().await;
        sleep(WAKE_PAUSE).await;
    }
}

/// Opens the stream again and again.
async fn keep_open(
    upstream: &Upstream,
    query: &Query,
    now: impl Fn() -> engine::Time,
    woken: &Notify,
    newest: &Newest,
) {
    let mut broken = 0;
    loop {
        let began = Instant::now();
        let signal = || woken.notify_one();
        let listening = AssertUnwindSafe(upstream.listen(query, now(), &signal, newest)).catch_unwind().await;
        let ended = listening.unwrap_or_else(|_| {
            tracing::error!(source = query.source(), "a metric source panicked");
            Err(Absence {
                reason: AbsenceReason::Malformed,
                message: "it failed with an internal error".to_owned(),
            })
        });
        let has_lived = began.elapsed() > LONGEST_PAUSE;
        broken = if ended.is_ok() || has_lived { 0 } else { broken + 1 };
        if let Err(absence) = &ended {
            tracing::debug!(source = query.source(), %absence, broken, "a stream of a metric source broke");
        }
        sleep(pause(broken, query.digest())).await;
    }
}

/// How long to wait after so many streams in a row that broke. Spread by the query, so that those that broke at one
/// moment do not come back at one.
fn pause(broken: u32, digest: u64) -> Duration {
    let doubled =
        SHORTEST_PAUSE.saturating_mul(1_u32.checked_shl(broken.saturating_sub(1)).unwrap_or(u32::MAX));
    let turn = digest.rotate_left(broken.wrapping_mul(7)) % 1000;
    // From three quarters of it to the whole.
    doubled.min(LONGEST_PAUSE).mul_f64(0.75 + turn as f64 / 4000.0)
}

impl Upstream {
    async fn listen(
        &self,
        query: &Query,
        begun: engine::Time,
        signal: &(dyn Fn() + Send + Sync),
        newest: &Newest,
    ) -> Result<(), Absence> {
        let Some(Content { ask, needs }) = query.content() else { return Ok(()) };
        let credentials = Credentials::read(needs, self.credentials.as_ref()).await?;
        let digest = Some(credentials.digest());
        newest.send_replace(digest);
        let mut read = newest.subscribe();
        tokio::select! {
            ended = ask.listen(self.request(&credentials, begun), signal) => ended,
            _ = read.wait_for(|newest| *newest != digest) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_are_spread() {
        for digest in [0, 12_345, u64::MAX] {
            let mut longest = Duration::ZERO;
            for (broken, whole) in [(0, 2), (1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (40, 60)] {
                let pause = pause(broken, digest);
                let whole = Duration::from_secs(whole);
                assert!(pause >= whole.mul_f64(0.75) && pause <= whole, "{broken}: {pause:?}");
                longest = longest.max(pause);
            }
            assert!(longest >= Duration::from_secs(45));
        }
        assert_ne!(pause(3, 1), pause(3, 500), "not all at one moment");
    }
}
