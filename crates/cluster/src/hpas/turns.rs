//! How many requests are under way at once.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Without a bound, a thousand new objects opened two hundred connections to the API server.
const CONCURRENT: usize = 16;

/// Turns, taken in the order in which they were asked for.
pub(super) struct Turns {
    free: Semaphore,
    patience: Duration,
}

impl Turns {
    /// Turns for which nobody waits longer than `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self { free: Semaphore::new(CONCURRENT), patience }
    }

    /// Waits for a turn, which lasts until it is dropped. Where others take theirs for too long there is none, and the
    /// caller goes on without: what hangs for some objects holds up no HPA of others for long.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        timeout(self.patience, self.free.acquire()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// When each of 40 begins, where each lasts so long.
    async fn beginnings(lasting: Duration) -> Vec<u64> {
        let (turns, start) = (Turns::new(PATIENCE), Instant::now());
        let one = async || {
            let _turn = turns.take().await;
            let begins = start.elapsed();
            sleep(lasting).await;
            begins.as_secs()
        };
        join_all((0..40).map(|_| one())).await
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_under_way_and_the_others_follow() {
        let begins = beginnings(Duration::from_secs(1)).await;
        assert_eq!(begins, [[0; 16].as_slice(), &[1; 16], &[2; 8]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_hang_hold_up_no_others_for_long() {
        let begins = beginnings(Duration::from_secs(60)).await;
        assert_eq!(begins, [[0; 16].as_slice(), &[5; 24]].concat());
    }
}
