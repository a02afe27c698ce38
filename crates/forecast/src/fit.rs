//! Seasons found in the data, and a curve through them: work of milliseconds to a second, so it is a value that can
//! be done elsewhere.

use std::time::Duration;

use augurs::ets::AutoETS;
use augurs::ets::trend::AutoETSTrendModel;
use augurs::mstl::MSTLModel;
use augurs::prelude::*;
use augurs::seasons::{Detector as _, PeriodogramDetector};
use engine::Time;

const DAY: i64 = 86_400_000;
/// A season must be like itself this much from one time to the next.
const LEAST_LIKENESS: f64 = 0.35;
/// Seasons whose lengths differ by less than this, as a logarithm, are one: a fourth more or less.
const NEARLY: f64 = 0.25;
/// A season has this many spans at least.
const SHORTEST: usize = 6;
/// Seasons that a load has at most, and how often the longest is looked at: older ones say little.
const MOST_SEASONS: usize = 3;

/// A fit that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct FitJob {
    pub(crate) values: Vec<f64>,
    /// The begin of the first value.
    pub(crate) start: Time,
    /// Milliseconds that one value stands for.
    pub(crate) span: i64,
    /// How far the curve is to go.
    pub(crate) reach: Duration,
}

/// Seasons, and the load to come as they have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitted {
    /// Lengths of the seasons, the shortest first.
    pub(crate) seasons: Vec<Duration>,
    /// The load to come; empty where there are no seasons.
    curve: Vec<f32>,
    /// The begin of the first value of the curve.
    start: Time,
    span: i64,
}

impl FitJob {
    /// A number that tells it from any other: equal jobs have equal ones, and those of others differ by all odds.
    pub fn digest(&self) -> u128 {
        let words = [self.start.as_millis() as u64, self.span as u64, self.reach.as_millis() as u64];
        let words = words.into_iter().chain(self.values.iter().map(|value| value.to_bits()));
        // FNV-1a, by words.
        words.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash: u128, word| {
            (hash ^ u128::from(word)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        })
    }

    /// Makes it. A load without seasons, or one that the library cannot fit, has no curve.
    pub fn run(self) -> Fitted {
        let Self { values, start, span, reach } = self;
        let periods = seasons(&values, span);
        let seasons =
            periods.iter().map(|period| Duration::from_millis((*period as i64 * span) as u64)).collect();
        let end = Time::from_millis(start.as_millis() + values.len() as i64 * span);
        let steps = (reach.as_millis() as i64 / span + 2) as usize;
        let curve = curve(&values, &periods, steps).unwrap_or_default();
        Fitted { seasons, curve, start: end, span }
    }
}

impl Fitted {
    /// The load at an instant, as the seasons have it; `None` beyond the curve.
    pub(crate) fn at(&self, at: Time) -> Option<f64> {
        if self.curve.is_empty() {
            return None;
        }
        // A value stands for the middle of its span.
        let place = (at.as_millis() - self.start.as_millis() - self.span / 2) as f64 / self.span as f64;
        let place = place.max(0.0);
        let (whole, part) = (place.floor() as usize, place - place.floor());
        let value = |place: usize| self.curve.get(place).map(|value| f64::from(*value));
        Some(value(whole)? * (1.0 - part) + value(whole + 1)? * part)
    }

    /// The lengths of the seasons that were found, the shortest first.
    pub fn seasons(&self) -> &[Duration] {
        &self.seasons
    }
}

/// The curve by MSTL with a trend by AutoETS.
fn curve(values: &[f64], periods: &[usize], steps: usize) -> Option<Vec<f32>> {
    let longest = *periods.last()?;
    let used = values.len().min(longest * MOST_SEASONS);
    let values = &values[values.len() - used..];
    // The library fails where no period fits twice, and panics on seasonal ETS, which is never asked for here.
    let trend = AutoETSTrendModel::from(AutoETS::non_seasonal());
    let fitted = MSTLModel::new(periods.to_vec(), trend).fit(values).ok()?;
    let forecast = fitted.predict(steps, None::<f64>).ok()?;
    let is_sound = forecast.point.iter().all(|value| value.is_finite());
    is_sound.then(|| forecast.point.iter().map(|value| value.max(0.0) as f32).collect())
}

/// Seasons that the data has, in spans, the shortest first: a day, a week, and what a periodogram shows.
fn seasons(values: &[f64], span: i64) -> Vec<usize> {
    let spans = |millis: i64| (millis / span) as usize;
    let (day, week) = (spans(DAY), spans(7 * DAY));
    let mut candidates = vec![day, week];
    // Short and middle seasons; longer ones than a third of the data would be guesses.
    if values.len() >= 4 * SHORTEST {
        let detector = PeriodogramDetector::builder().min_period(SHORTEST as u32).threshold(0.5).build();
        candidates.extend(detector.detect(values).into_iter().map(|period| period as usize));
    }
    let fits = |period: &usize| *period >= SHORTEST && values.len() > 2 * period;
    let mut alike: Vec<(f64, usize)> =
        candidates.into_iter().filter(fits).map(|period| (likeness(values, period), period)).collect();
    alike.retain(|(likeness, _)| *likeness >= LEAST_LIKENESS);
    // The best of those that are nearly the same: a periodogram is not exact, and a day is one to the second.
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut seasons: Vec<usize> = Vec::new();
    for (_, period) in alike {
        let is_new = |known: &usize| (period as f64 / *known as f64).ln().abs() > NEARLY;
        if seasons.len() < MOST_SEASONS && seasons.iter().all(is_new) {
            seasons.push(period);
        }
    }
    seasons.sort_unstable();
    // A week is like itself because its days are alike: it is one only where it explains more than they do.
    if let [.., shorter, longer] = seasons[..]
        && likeness(values, longer) < likeness(values, shorter) + 0.03
    {
        seasons.pop();
    }
    seasons
}

/// How alike the load is to itself a period before: the correlation of the two, without their trend; at most 1.
fn likeness(values: &[f64], period: usize) -> f64 {
    let (earlier, later) = (&values[..values.len() - period], &values[period..]);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_earlier, mean_later) = (mean(earlier), mean(later));
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
    for (earlier, later) in earlier.iter().zip(later) {
        let (earlier, later) = (earlier - mean_earlier, later - mean_later);
        both += earlier * later;
        one += earlier * earlier;
        other += later * later;
    }
    let size = (one * other).sqrt();
    if size > 0.0 { both / size } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: i64 = 300_000;

    fn wave(days: usize, weekend: f64) -> Vec<f64> {
        (0..days * 288)
            .map(|index| {
                let day = index as f64 / 288.0;
                let share = if (day as usize) % 7 >= 5 { weekend } else { 1.0 };
                let noise = 10.0 * (index as f64 * 12.9898).sin().fract();
                share * (500.0 - 300.0 * (day * std::f64::consts::TAU).cos()) + noise
            })
            .collect()
    }

    fn job(values: Vec<f64>) -> FitJob {
        FitJob { values, start: Time::default(), span: SPAN, reach: Duration::from_secs(6 * 3600) }
    }

    #[test]
    fn a_day_is_found_and_continued() {
        let fitted = job(wave(6, 1.0)).run();
        assert_eq!(fitted.seasons(), [Duration::from_secs(86_400)]);
        let expected = wave(7, 1.0);
        for hour in [1, 3, 5] {
            let place = 6 * 288 + hour * 12;
            let at = Time::from_millis(place as i64 * SPAN + SPAN / 2);
            let found = fitted.at(at).unwrap();
            assert!(
                (found / expected[place] - 1.0).abs() < 0.15,
                "{found} for {} in {hour} h",
                expected[place]
            );
        }
        assert_eq!(fitted.at(Time::from_seconds(40 * 86_400)), None);
    }

    #[test]
    fn a_week_is_one_where_its_days_differ() {
        let day = Duration::from_secs(86_400);
        assert_eq!(job(wave(20, 0.3)).run().seasons(), [day, 7 * day]);
        assert_eq!(job(wave(20, 1.0)).run().seasons(), [day]);
    }

    #[test]
    fn noise_and_short_loads_have_no_season() {
        let noise: Vec<f64> =
            (0..2000).map(|index| 100.0 + 50.0 * (f64::from(index) * 78.233).sin().fract()).collect();
        assert!(job(wave(1, 1.0)).run().seasons().is_empty());
        let fitted = job(noise.iter().map(|value| (value * 43_758.545).fract()).collect()).run();
        assert!(
            fitted.seasons().is_empty() && fitted.at(Time::default()).is_none(),
            "{:?}",
            fitted.seasons()
        );
        assert!(job(vec![5.0; 2000]).run().seasons().is_empty());
        assert!(job(Vec::new()).run().seasons().is_empty());
    }
}
