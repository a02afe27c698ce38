//! Who may write, and for how much longer.

use std::time::Duration;

use runner::Guard;
use tokio::sync::watch;
use tokio::time::Instant;

/// Knows whether this replica holds the Lease.
#[derive(Clone)]
pub struct LeaseGuard(pub(super) watch::Receiver<Option<Instant>>);

impl Guard for LeaseGuard {
    fn time_left(&self) -> Option<Duration> {
        let deadline = (*self.0.borrow())?;
        Some(deadline.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

/// The guard of an operator that runs alone, without a Lease.
#[derive(Clone, Copy, Debug)]
pub struct Always;

impl Guard for Always {
    fn time_left(&self) -> Option<Duration> {
        Some(Duration::from_secs(3600))
    }
}
