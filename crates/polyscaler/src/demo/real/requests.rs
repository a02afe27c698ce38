//! Requests at a pace that changes, each by a connection of its own, so that a Service spreads them over pods.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// Between two handfuls.
const TICK: Duration = Duration::from_millis(50);

/// Runs until it is dropped.
pub(super) struct Requests {
    pace: watch::Sender<f64>,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Requests {
    /// None at first.
    pub(super) fn start(url: String) -> anyhow::Result<Self> {
        let client = testbed::http_client().pool_max_idle_per_host(0).build()?;
        let (pace, asked) = watch::channel(0.0);
        let counts = Arc::<Counts>::default();
        let task = tokio::spawn(send(client, url, asked, Arc::clone(&counts)));
        Ok(Self { pace, counts, task })
    }

    /// Sends so many a second from now on.
    pub(super) fn set_pace(&self, a_second: f64) {
        self.pace.send_replace(a_second);
    }

    /// How many were answered well, and how many were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.counts.answered.load(Ordering::Relaxed), self.counts.failed.load(Ordering::Relaxed))
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn send(client: reqwest::Client, url: String, pace: watch::Receiver<f64>, counts: Arc<Counts>) {
    // Dropped along with this, so nobody asks any more when the demo is over.
    let mut running = JoinSet::new();
    let (mut due, mut sent_at) = (0.0, Instant::now());
    loop {
        tokio::time::sleep(TICK).await;
        due += *pace.borrow() * sent_at.elapsed().as_secs_f64();
        sent_at = Instant::now();
        while running.try_join_next().is_some() {}
        while due >= 1.0 {
            due -= 1.0;
            let (request, counts) = (client.get(&url), Arc::clone(&counts));
            running.spawn(async move {
                let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                let count = if answer.is_ok() { &counts.answered } else { &counts.failed };
                count.fetch_add(1, Ordering::Relaxed)
            });
        }
    }
}
