//! The past as means over equal spans, in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Time;

/// Means of a load over equal spans; NaN where nothing was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    span: i64,
    most: usize,
    /// The number of the first span since the epoch.
    first: i64,
    means: VecDeque<f32>,
    /// Of the span that is not over yet.
    sum: f64,
    count: u32,
}

impl History {
    /// At most `most` spans of this length, at least a millisecond.
    pub(crate) fn new(span: Duration, most: usize) -> Self {
        let span = (span.as_millis() as i64).max(1);
        Self { span, most, first: 0, means: VecDeque::new(), sum: 0.0, count: 0 }
    }

    /// Adds a reading; those that lie before the present span are left out.
    pub(crate) fn observe(&mut self, value: f64, at: Time) {
        let number = at.as_millis().div_euclid(self.span);
        if self.means.is_empty() && self.count == 0 {
            self.first = number;
        }
        let present = self.present();
        if number < present {
            return;
        }
        if number > present {
            self.close(number - present);
        }
        self.sum += value;
        self.count += 1;
    }

    /// The number of the span that is not over yet.
    fn present(&self) -> i64 {
        self.first + self.means.len() as i64
    }

    /// Ends the present span, and leaves a gap where more have passed.
    fn close(&mut self, passed: i64) {
        let mean = if self.count == 0 { f32::NAN } else { (self.sum / f64::from(self.count)) as f32 };
        (self.sum, self.count) = (0.0, 0);
        if passed > self.most as i64 {
            // All that is known is older than what is kept.
            self.first = self.present() + passed;
            self.means.clear();
            return;
        }
        self.means.push_back(mean);
        self.means.extend(std::iter::repeat_n(f32::NAN, passed as usize - 1));
        while self.means.len() > self.most {
            self.means.pop_front();
            self.first += 1;
        }
    }

    /// The begin of the first span that was read; `None` before anything was.
    pub(crate) fn begin(&self) -> Option<Time> {
        (!self.means.is_empty() || self.count > 0).then(|| self.start())
    }

    /// Adds what `newer` knows: of the time after all that this one does.
    pub(crate) fn append(&mut self, newer: &Self) {
        for (place, mean) in (newer.first..).zip(&newer.means) {
            if !mean.is_nan() {
                self.observe(f64::from(*mean), Time::from_millis(place * self.span));
            }
        }
        if newer.count > 0 {
            self.observe(newer.sum / f64::from(newer.count), Time::from_millis(newer.present() * self.span));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.means.len()
    }

    pub(crate) fn span_millis(&self) -> i64 {
        self.span
    }

    /// The begin of the first span.
    pub(crate) fn start(&self) -> Time {
        Time::from_millis(self.first * self.span)
    }

    /// The means, gaps bridged by straight lines; empty where nothing is known.
    pub(crate) fn filled(&self) -> Vec<f64> {
        let known: Vec<(usize, f64)> = self
            .means
            .iter()
            .enumerate()
            .filter(|(_, mean)| !mean.is_nan())
            .map(|(place, mean)| (place, f64::from(*mean)))
            .collect();
        let (Some(&(first, head)), Some(&(_, tail))) = (known.first(), known.last()) else {
            return Vec::new();
        };
        let mut filled = vec![head; first];
        for pair in known.windows(2) {
            let ((from, low), (to, high)) = (pair[0], pair[1]);
            filled.extend(
                (from..to).map(|place| low + (high - low) * (place - from) as f64 / (to - from) as f64),
            );
        }
        filled.resize(self.means.len(), tail);
        filled
    }

    /// The load at an instant of the past, between the means of two spans; `None` where that is not known.
    pub(crate) fn at(&self, at: Time) -> Option<f64> {
        // A mean stands for the middle of its span.
        let place = (at.as_millis() - self.span / 2) as f64 / self.span as f64 - self.first as f64;
        let (whole, part) = (place.floor(), place - place.floor());
        let mean = |place: f64| {
            let mean = self.means.get(usize::try_from(place as i64).ok()?)?;
            (!mean.is_nan()).then_some(f64::from(*mean))
        };
        Some(mean(whole)? * (1.0 - part) + mean(whole + 1.0)? * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(readings: &[(i64, f64)], most: usize) -> History {
        let mut history = History::new(Duration::from_secs(60), most);
        for (second, value) in readings {
            history.observe(*value, Time::from_seconds(*second));
        }
        history
    }

    #[test]
    fn readings_become_means_and_gaps_are_bridged() {
        let history = history(&[(0, 1.0), (30, 3.0), (60, 4.0), (240, 10.0), (300, 0.0)], 10);
        assert_eq!(history.filled(), [2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(history.at(Time::from_seconds(60)), Some(3.0));
        assert_eq!(history.at(Time::from_seconds(150)), None, "a gap is no value");
    }

    #[test]
    fn a_past_that_is_learnt_later_comes_before() {
        let mut past = history(&[(0, 1.0), (60, 2.0)], 10);
        past.append(&history(&[(180, 4.0), (240, 6.0), (250, 8.0)], 10));
        assert_eq!(past.begin(), Some(Time::from_seconds(0)));
        assert_eq!(past.filled(), [1.0, 2.0, 3.0, 4.0]);
        past.observe(9.0, Time::from_seconds(300));
        assert_eq!(past.filled(), [1.0, 2.0, 3.0, 4.0, 7.0]);
        assert_eq!(history(&[], 10).begin(), None);
    }

    #[test]
    fn only_so_much_is_kept() {
        let readings: Vec<(i64, f64)> = (0..100).map(|minute| (minute * 60, minute as f64)).collect();
        let history = history(&readings, 10);
        assert_eq!((history.len(), history.start()), (10, Time::from_seconds(89 * 60)));
        assert_eq!(history.at(Time::from_seconds(95 * 60 + 30)), Some(95.0));
        let mut gone = history;
        gone.observe(1.0, Time::from_seconds(900_000));
        assert_eq!(gone.len(), 0, "what is older than what is kept is forgotten");
    }
}
