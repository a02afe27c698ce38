//! The past of an object, for curves: finer towards its end.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{Time, without_noise};
use resources::Poll;

use super::forecast;

/// One moment of an object's past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Time,
    /// The value of the first metric; none where it was absent.
    pub value: Option<f64>,
    /// The value that was expected then for a later time, and that time.
    pub expected: Option<(Time, f64)>,
    /// Replicas that the targets asked for; none where no target could be read.
    pub replicas: Option<u32>,
    /// Replicas that the decision wanted.
    pub wanted: Option<u32>,
    /// Replicas that were ready, where that is known of all targets.
    pub ready: Option<u32>,
}

/// The past of an object, oldest first. There is one for each object, and it is for curves: so it is packed, with values
/// to seven digits, times of what was expected to a second, and of a stretch in which nothing changes its begin and its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History(VecDeque<Packed>);

impl History {
    /// The moments, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator {
        self.0.iter().map(Packed::point)
    }

    /// Adds a moment, in place of the last one where that is recent. The first one stays: what it was before a curve moved
    /// would be lost, where that happens within seconds of a start.
    pub(super) fn remember(&mut self, point: Point) {
        let (packed, fine) = (Packed::of(point), TIERS[0].1);
        let at = packed.at;
        let mut latest = self.0.iter().rev();
        let (last, before_last) = (latest.next(), latest.next());
        let goes_on = last.is_some_and(|last| last.is_like(&packed))
            && before_last.is_some_and(|before| before.is_like(&packed));
        let is_recent =
            before_last.is_some() && last.is_some_and(|last| slot(last.at, fine) == slot(at, fine));
        if goes_on || is_recent {
            self.0.pop_back();
        }
        self.0.push_back(packed);
        // The begin of a stretch moves along, once all before it is forgotten.
        if let (Some(second), Some(first)) = (self.0.get(1).copied(), self.0.front_mut())
            && first.is_like(&second)
            && at.since(first.at) >= KEPT
        {
            first.at = at.minus(KEPT - fine);
        }
        let mut before = None;
        self.0.retain(|point| {
            let age = at.since(point.at);
            let tier = TIERS.iter().find(|(oldest, _)| age < *oldest);
            let Some((_, size)) = tier else { return false };
            let own = (*size, slot(point.at, *size));
            before.replace(own) != Some(own) || point.at == at
        });
    }
}

impl FromIterator<Point> for History {
    fn from_iter<T: IntoIterator<Item = Point>>(points: T) -> Self {
        Self(points.into_iter().map(Packed::of).collect())
    }
}

/// A point in a third of its room: none is NaN, or the largest number.
#[derive(Clone, Copy, Debug)]
struct Packed {
    at: Time,
    value: f32,
    expected: f32,
    /// Seconds from `at` to the time of what is expected.
    ahead: u32,
    replicas: u32,
    wanted: u32,
    ready: u32,
}

impl Packed {
    fn of(point: Point) -> Self {
        let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        let count = |count: Option<u32>| count.unwrap_or(u32::MAX);
        let ahead = point.expected.map_or(0, |(at, _)| at.since(point.at).as_secs());
        Self {
            at: point.at,
            value: number(point.value),
            expected: number(point.expected.map(|(_, value)| value)),
            ahead: u32::try_from(ahead).unwrap_or(u32::MAX),
            replicas: count(point.replicas),
            wanted: count(point.wanted),
            ready: count(point.ready),
        }
    }

    fn point(&self) -> Point {
        let number = |value: f32| (!value.is_nan()).then(|| shortest(value));
        let count = |count: u32| (count != u32::MAX).then_some(count);
        let later = self.at.plus(Duration::from_secs(self.ahead.into()));
        Point {
            at: self.at,
            value: number(self.value),
            expected: number(self.expected).map(|value| (later, value)),
            replicas: count(self.replicas),
            wanted: count(self.wanted),
            ready: count(self.ready),
        }
    }

    /// Whether nothing else than the time differs.
    fn is_like(&self, other: &Self) -> bool {
        let Self { at: _, value, expected, ahead, replicas, wanted, ready } = *self;
        let bits = |value: f32| if value.is_nan() { u32::MAX } else { value.to_bits() };
        (bits(value), bits(expected)) == (bits(other.value), bits(other.expected))
            && (ahead, replicas, wanted, ready) == (other.ahead, other.replicas, other.wanted, other.ready)
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && self.is_like(other)
    }
}

/// The number of the fewest digits that `value` is packed from: 0.1, where a conversion gives 0.10000000149.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// The past that is kept.
const KEPT: Duration = Duration::from_secs(6 * 3600);
/// So old at most, and so far apart; from the newest on.
const TIERS: [(Duration, Duration); 3] = [
    (Duration::from_secs(240), Duration::from_secs(5)),
    (Duration::from_secs(3600), Duration::from_secs(60)),
    (KEPT, Duration::from_secs(600)),
];

impl Point {
    /// Whether nothing but the time differs from `other`.
    pub fn is_like(&self, other: &Self) -> bool {
        Packed::of(*self).is_like(&Packed::of(*other))
    }

    /// What a poll saw and decided.
    pub(super) fn of(poll: &Poll, at: Time) -> Self {
        let decided = &poll.decision.members;
        let ready = |member: usize| poll.members[member].seen.as_ref().ok().and_then(|scale| scale.ready);
        Self {
            at,
            value: poll.value(0).map(without_noise),
            expected: forecast(poll, 0).map(|forecast| (forecast.at, forecast.value)),
            replicas: sum(decided.iter().map(|decided| poll.current(decided.member))),
            wanted: sum(decided.iter().map(|decided| Some(decided.to))),
            ready: sum(decided.iter().map(|decided| ready(decided.member))),
        }
    }
}

/// The sum, where each is known and there is one.
fn sum(counts: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    counts.reduce(|sum, count| Some(sum?.saturating_add(count?))).flatten()
}

fn slot(at: Time, size: Duration) -> i64 {
    at.as_millis() / size.as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, value: f64) -> Point {
        let (at, replicas) = (Time::from_seconds(second), Some(2));
        Point { at, value: Some(value), expected: None, replicas, wanted: replicas, ready: None }
    }

    #[test]
    fn a_stretch_without_change_is_its_begin_and_its_end() {
        let mut history = History::default();
        for second in (0..100).chain(200..30_000) {
            history.remember(point(1_000_000 + second, if second < 100 { 1.0 } else { 0.1 }));
        }
        let (last, points) = (Time::from_seconds(1_029_999), history.iter().collect::<Vec<_>>());
        assert_eq!(points.iter().map(|point| point.value).collect::<Vec<_>>(), [Some(0.1), Some(0.1)]);
        assert!((21_500..=21_600).contains(&last.since(points[0].at).as_secs()), "{points:?}");
        assert_eq!(points[1].at, last);
        let expected = Some((Time::from_seconds(1_030_300), 2.5));
        let (value, replicas) = (None, None);
        let point = Point {
            at: Time::from_seconds(1_030_000),
            value,
            expected,
            replicas,
            wanted: Some(0),
            ready: Some(7),
        };
        history.remember(point);
        assert_eq!(history.iter().next_back(), Some(point), "what is none stays none");
    }

    #[test]
    fn what_was_before_the_first_change_is_kept_however_soon_that_comes() {
        let mut history = History::default();
        for (second, value) in [(0, 3.0), (1, 3.0), (2, 9.0), (3, 9.0), (6, 9.0), (11, 9.0)] {
            history.remember(point(1_000_000 + second, value));
        }
        let points: Vec<_> =
            history.iter().map(|point| (point.at.as_millis() / 1000 - 1_000_000, point.value)).collect();
        assert_eq!(points, [(0, Some(3.0)), (6, Some(9.0)), (11, Some(9.0))]);
    }

    #[test]
    fn the_history_is_hours_and_finer_towards_its_end() {
        let mut history = History::default();
        for second in 1_000_000..1_030_000 {
            history.remember(point(second, second as f64));
        }
        let ages: Vec<u64> =
            history.iter().map(|point| Time::from_seconds(1_029_999).since(point.at).as_secs()).collect();
        assert!((20_900..=21_600).contains(&ages[0]) && ages.last() == Some(&0), "{ages:?}");
        let gaps: Vec<(u64, u64)> = ages.windows(2).map(|pair| (pair[1], pair[0] - pair[1])).collect();
        for (age, gap) in gaps {
            let longest = if age < 230 {
                5
            } else if age < 3500 {
                120
            } else {
                1200
            };
            assert!(gap <= longest, "{gap} s, {age} s ago");
        }
        assert!(ages.len() <= 140, "{}", ages.len());
    }
}
