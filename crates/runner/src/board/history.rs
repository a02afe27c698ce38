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

/// The past that is kept.
const KEPT: Duration = Duration::from_secs(6 * 3600);
/// So old at most, and so far apart; from the newest on.
const TIERS: [(Duration, Duration); 3] = [
    (Duration::from_secs(240), Duration::from_secs(5)),
    (Duration::from_secs(3600), Duration::from_secs(60)),
    (KEPT, Duration::from_secs(600)),
];

impl Point {
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

/// Adds a moment to the past, in place of the last one where that is recent.
pub(super) fn remember(history: &mut VecDeque<Point>, at: Time, point: Point) {
    let fine = TIERS[0].1;
    match history.back_mut() {
        Some(last) if slot(last.at, fine) == slot(at, fine) => {
            *last = point;
            return;
        }
        _ => history.push_back(point),
    }
    let mut before = None;
    history.retain(|point| {
        let age = at.since(point.at);
        let tier = TIERS.iter().find(|(oldest, _)| age < *oldest);
        let Some((_, size)) = tier else { return false };
        let own = (*size, slot(point.at, *size));
        before.replace(own) != Some(own)
    });
}

fn slot(at: Time, size: Duration) -> i64 {
    at.as_millis() / size.as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_hours_and_finer_towards_its_end() {
        let mut history = VecDeque::new();
        for second in 1_000_000..1_030_000 {
            let at = Time::from_seconds(second);
            let (value, replicas) = (Some(second as f64), Some(2));
            remember(
                &mut history,
                at,
                Point { at, value, expected: None, replicas, wanted: replicas, ready: None },
            );
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
