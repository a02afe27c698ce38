//! How much a producer makes, and how fast.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::settings;

/// Gives numbers from 1 up: `COUNT` of them, or without end where that is 0; `RATE` in a second.
#[derive(Debug)]
pub struct Pace {
    next: u64,
    count: u64,
    ticks: Interval,
    stop: CancellationToken,
}

impl Pace {
    /// As `COUNT` (default 0) and `RATE` (default 10) say, until `stop`.
    pub fn from_env(stop: CancellationToken) -> anyhow::Result<Self> {
        let rate: f64 = settings::number("RATE", 10.0)?;
        ensure!((0.001..=10_000.0).contains(&rate), "RATE is {rate}: give 0.001 to 10000 in a second");
        let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
        // What a slow server held up is caught up with.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Ok(Self { next: 1, count: settings::number("COUNT", 0)?, ticks, stop })
    }

    /// The next number when its time has come; none at the end.
    pub async fn next(&mut self) -> Option<u64> {
        if self.count != 0 && self.next > self.count {
            return None;
        }
        tokio::select! {
            () = self.stop.cancelled() => return None,
            _ = self.ticks.tick() => {}
        }
        self.next += 1;
        Some(self.next - 1)
    }
}
