//! Holt's linear trend over readings that come at any distance: the smallest model that looks ahead.

use std::time::Duration;

use engine::Time;

/// Seconds over which the level forgets.
const LEVEL: f64 = 30.0;
/// Seconds over which the slope forgets.
const SLOPE: f64 = 90.0;
/// A slope is not taken to go on for longer than this, in seconds.
const LONGEST: f64 = 300.0;

/// Level and slope of a load (C. C. Holt, "Forecasting seasonals and trends by exponentially weighted moving averages",
/// 1957), with weights by the time that has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Trend {
    state: Option<State>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    at: Time,
    level: f64,
    /// A second.
    slope: f64,
}

impl Trend {
    pub(crate) fn observe(&mut self, value: f64, at: Time) {
        let Some(State { at: before, level, slope }) = self.state else {
            self.state = Some(State { at, level: value, slope: 0.0 });
            return;
        };
        let passed = at.since(before).as_secs_f64();
        if passed <= 0.0 {
            return;
        }
        let expected = level + slope * passed.min(LONGEST);
        let weight = 1.0 - (-passed / LEVEL).exp();
        let new_level = expected + weight * (value - expected);
        let weight = 1.0 - (-passed / SLOPE).exp();
        let new_slope = slope + weight * ((new_level - level) / passed - slope);
        self.state = Some(State { at, level: new_level, slope: new_slope });
    }

    /// The load so much after it was `value`; `None` before anything was read.
    pub(crate) fn ahead(&self, value: f64, horizon: Duration) -> Option<f64> {
        let State { slope, .. } = self.state?;
        Some((value + slope * horizon.as_secs_f64().min(LONGEST)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_continued() {
        let mut trend = Trend::default();
        for step in 0..200 {
            trend.observe(100.0 + 2.0 * f64::from(step), Time::from_seconds(i64::from(step) * 15));
        }
        let ahead = trend.ahead(100.0 + 2.0 * 199.0, Duration::from_secs(60)).unwrap();
        let line = 100.0 + 2.0 * 199.0 + 8.0;
        assert!((ahead - line).abs() < 3.0, "{ahead} for {line}");
        assert_eq!(Trend::default().ahead(1.0, Duration::from_secs(60)), None);
    }

    #[test]
    fn nothing_falls_below_zero() {
        let mut trend = Trend::default();
        for step in 0..20 {
            trend.observe(100.0 - 5.0 * f64::from(step), Time::from_seconds(i64::from(step) * 15));
        }
        assert_eq!(trend.ahead(5.0, Duration::from_secs(300)), Some(0.0));
    }
}
