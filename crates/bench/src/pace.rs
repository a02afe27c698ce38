//! How fast a metric server is asked.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// How often the count is looked at.
const STEP: Duration = Duration::from_millis(100);

/// Looks at a count that grows, from its making to [`Pace::end`].
#[derive(Debug)]
pub struct Pace {
    looking: JoinHandle<()>,
    seen: std::sync::Arc<std::sync::Mutex<Vec<(Instant, u64)>>>,
}

impl Pace {
    /// Looks at `count` from now on.
    pub fn of(count: impl Fn() -> u64 + Send + 'static) -> Self {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(vec![(Instant::now(), count())]));
        let noted = std::sync::Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(STEP);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                let look = (Instant::now(), count());
                noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(look);
            }
        });
        Self { looking, seen }
    }

    /// Ends looking. Returns the most that the count grew by within a second, and by how much in all.
    #[must_use]
    pub fn end(self) -> (u64, u64) {
        self.looking.abort();
        let seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (busiest_second(&seen), seen.last().zip(seen.first()).map_or(0, |(last, first)| last.1 - first.1))
    }
}

/// The most that the count grew by between two looks that are a second apart at most.
fn busiest_second(seen: &[(Instant, u64)]) -> u64 {
    let mut from = 0;
    let mut most = 0;
    for (at, count) in seen {
        while at.duration_since(seen[from].0) > Duration::from_secs(1) {
            from += 1;
        }
        most = most.max(count - seen[from].1);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_busiest_second_is_found_wherever_it_begins() {
        let begin = Instant::now();
        let at = |tenths: u64, count| (begin + STEP * u32::try_from(tenths).unwrap(), count);
        let seen = [at(0, 0), at(5, 10), at(10, 20), at(14, 220), at(20, 230), at(30, 240)];
        assert_eq!(busiest_second(&seen), 210, "from 0.5 s to 1.4 s");
    }
}
