//! How wrong a model was of late.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Time;

/// Hours over which an error is forgotten, in seconds.
const MEMORY: f64 = 3.0 * 3600.0;
/// Where readings are rare, an error is forgotten over so many of them at least.
const RAREST: f64 = 40.0;
/// Forecasts that wait for their time at most.
const MOST_WAITING: usize = 64;

/// Forecasts of several models that wait for their time, and how wrong the earlier ones were.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scores<const MODELS: usize> {
    waiting: VecDeque<(Time, [Option<f64>; MODELS])>,
    errors: [f64; MODELS],
    /// The load that the errors are held against.
    load: f64,
    weight: f64,
    last: Option<Time>,
}

impl<const MODELS: usize> Default for Scores<MODELS> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), errors: [0.0; MODELS], load: 0.0, weight: 0.0, last: None }
    }
}

impl<const MODELS: usize> Scores<MODELS> {
    /// Holds the forecasts that were made for now against what came.
    pub(crate) fn observe(&mut self, value: f64, at: Time) {
        while let Some((_, forecasts)) = self.waiting.front().filter(|(due, _)| *due <= at).copied() {
            self.waiting.pop_front();
            let passed = self.last.map_or(0.0, |last| at.since(last).as_secs_f64());
            self.last = Some(at);
            let kept = (-passed / MEMORY.max(RAREST * passed)).exp();
            self.weight = self.weight * kept + 1.0;
            self.load = self.load * kept + value.abs();
            for (error, forecast) in self.errors.iter_mut().zip(forecasts) {
                // A model that has nothing to say is as wrong as the whole load.
                *error = *error * kept + forecast.map_or(value.abs(), |forecast| (forecast - value).abs());
            }
        }
    }

    /// Notes what the models say of `due`, unless enough wait already.
    pub(crate) fn note(&mut self, due: Time, horizon: Duration, forecasts: [Option<f64>; MODELS]) {
        let distance = horizon / MOST_WAITING as u32;
        let is_new = self.waiting.back().is_none_or(|(last, _)| due.since(*last) > distance);
        if is_new && self.waiting.len() < 2 * MOST_WAITING {
            self.waiting.push_back((due, forecasts));
        }
    }

    /// How wrong each model was of late, as a share of the load; `None` before there is enough to say.
    pub(crate) fn errors(&self, minimum: f64) -> Option<[f64; MODELS]> {
        let enough = self.weight >= minimum && self.load > 0.0;
        enough.then(|| self.errors.map(|error| error / self.load))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shares_of_the_load_and_fade() {
        let mut scores = Scores::<2>::default();
        let horizon = Duration::from_secs(60);
        for step in 0..100_i64 {
            let at = Time::from_seconds(step * 60);
            scores.observe(100.0, at);
            scores.note(at.plus(horizon), horizon, [Some(110.0), None]);
        }
        let [near, none] = scores.errors(10.0).unwrap();
        assert!((near - 0.1).abs() < 1e-9 && (none - 1.0).abs() < 1e-9, "{near} {none}");
        for step in 100..2000_i64 {
            let at = Time::from_seconds(step * 60);
            scores.observe(100.0, at);
            scores.note(at.plus(horizon), horizon, [Some(100.0), Some(100.0)]);
        }
        assert!(scores.errors(10.0).unwrap()[1] < 0.01);
        assert_eq!(Scores::<2>::default().errors(1.0), None);
    }
}
