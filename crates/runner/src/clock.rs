//! The one place where clocks are read.

use std::time::Duration;

use engine::Time;
use tokio::time::Instant;

use crate::Clock;

/// Wall-clock time that never runs backwards within the process: the wall clock is read
/// once, and from then on the monotonic clock counts. A step of the wall clock (NTP, a
/// resumed laptop) must not end a cooldown early or stop all timers.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    wall_at_start: Time,
    start: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place where clocks are read")]
    pub fn start() -> Self {
        let wall_at_start = Time::from_millis(jiff::Timestamp::now().as_millisecond());
        Self { wall_at_start, start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        self.wall_at_start.plus(self.start.elapsed())
    }
}

/// The tokio instant that lies `span` from now.
pub(crate) fn instant_in(span: Duration) -> Instant {
    Instant::now().checked_add(span).unwrap_or_else(|| Instant::now() + Duration::from_secs(3600))
}
