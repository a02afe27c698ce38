//! Requests at a rate, each by a connection of its own, so that Services spread them over pods.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use testbed::wait;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::real_node::cluster::LIMIT;

/// Runs until it is dropped.
pub(crate) struct Load {
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    failed: AtomicU64,
    /// Those that failed while nobody could answer.
    missed: AtomicU64,
    is_outage: AtomicBool,
}

impl Load {
    /// So many requests a second for as long as it lives, once somebody answers: a Service leads to pods a moment after
    /// they are ready.
    pub(crate) async fn start(url: String, per_second: u32) -> Self {
        let counts = Arc::new(Counts::default());
        let client = testbed::http_client().pool_max_idle_per_host(0).build().unwrap();
        let look = || async { client.get(&url).send().await.and_then(reqwest::Response::error_for_status) };
        wait::until(&format!("{url} answers"), LIMIT, look).await.unwrap();
        let task = tokio::spawn(send(client, url, per_second, Arc::clone(&counts)));
        Self { counts, task }
    }

    /// How many requests were answered well, and how many were not although somebody should have.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.answered.load(Ordering::Relaxed), self.counts.failed.load(Ordering::Relaxed))
    }

    /// From now on nobody need answer.
    pub(crate) fn outage_begins(&self) {
        self.counts.is_outage.store(true, Ordering::Relaxed);
    }

    /// Waits until requests are answered again, one after the other; from then on all must be. Gives how many were not.
    pub(crate) async fn outage_ends(&self) -> u64 {
        let missed = || self.counts.missed.load(Ordering::Relaxed);
        let mut from = (self.counts().0, missed());
        let look = || {
            let (answered, _) = self.counts();
            if missed() > from.1 {
                from = (answered, missed());
            }
            let in_a_row = answered - from.0;
            async move { if in_a_row >= 300 { Ok(()) } else { Err(format!("{in_a_row} in a row")) } }
        };
        wait::until("requests are answered again", LIMIT, look).await.unwrap();
        self.counts.is_outage.store(false, Ordering::Relaxed);
        missed()
    }

    /// Waits until so many were answered.
    pub(crate) async fn wait_for(&self, count: u64) {
        let look = || async {
            let (answered, _) = self.counts();
            if answered >= count { Ok(()) } else { Err(format!("{answered} answered")) }
        };
        wait::until(&format!("{count} answers"), LIMIT, look).await.unwrap();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Many requests a second until there are as many replicas as there should be, then few until there are few again. None
/// may fail, also while pods go.
pub(crate) async fn up_and_back(
    url: &str,
    [many, few]: [u32; 2],
    grown: impl Future<Output = i32>,
    back: impl Future<Output = i32>,
) {
    let load = Load::start(url.to_owned(), many).await;
    let most = grown.await;
    load.wait_for(u64::from(many)).await;
    let (answered, failed) = load.counts();
    drop(load);
    let light = Load::start(url.to_owned(), few).await;
    let least = back.await;
    light.wait_for(1).await;
    let (more_answered, more_failed) = light.counts();
    let failed = failed + more_failed;
    println!(
        "{url}: {most} replicas, then {least}, {} requests answered, {failed} failed",
        answered + more_answered
    );
    assert_eq!(failed, 0);
}

/// Sends a little, one after the other, until something has come: how many.
pub(crate) async fn trickle(mut one: impl AsyncFnMut(usize), comes: impl Future<Output = i32>) -> usize {
    let mut comes = std::pin::pin!(comes);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut sent = 0;
    loop {
        tokio::select! {
            _ = &mut comes => return sent,
            _ = ticks.tick() => {
                sent += 1;
                one(sent).await;
            }
        }
    }
}

async fn send(client: reqwest::Client, url: String, per_second: u32, counts: Arc<Counts>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    // What a machine without time leaves out would come all at once, and be more load than there should be.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Dropped along with this, so nobody asks any more when the load is gone.
    let mut running = JoinSet::new();
    loop {
        ticks.tick().await;
        let (request, counts) = (client.get(&url), Arc::clone(&counts));
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            match request.send().await.and_then(reqwest::Response::error_for_status) {
                Ok(_) => counts.answered.fetch_add(1, Ordering::Relaxed),
                // A machine without time is no fault of whoever answers.
                Err(error) if error.is_timeout() => 0,
                Err(_) if counts.is_outage.load(Ordering::Relaxed) => {
                    counts.missed.fetch_add(1, Ordering::Relaxed)
                }
                Err(error) => {
                    eprintln!("request failed: {error:?}");
                    counts.failed.fetch_add(1, Ordering::Relaxed)
                }
            };
        });
    }
}
