//! Small drawings of the past that is known, an hour at most, as SVG without text.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use engine::Time;
use runner::Point;

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 28.0;
/// A history that is younger than this is drawn as if it were this old.
const SHORTEST: Duration = Duration::from_secs(120);

/// A line through the values; a gap where there is none.
pub(super) fn line(history: &VecDeque<Point>, now: Time, value: impl Fn(&Point) -> Option<f64>) -> String {
    draw(history, now, value, false)
}

/// A staircase, for what changes at once.
pub(super) fn steps(history: &VecDeque<Point>, now: Time, value: impl Fn(&Point) -> Option<f64>) -> String {
    draw(history, now, value, true)
}

fn draw(
    history: &VecDeque<Point>,
    now: Time,
    value: impl Fn(&Point) -> Option<f64>,
    staircase: bool,
) -> String {
    let span = history.front().map_or(SHORTEST, |first| now.since(first.at)).max(SHORTEST).as_secs_f64();
    let greatest = history.iter().filter_map(&value).fold(0.0, f64::max).max(1e-9);
    let mut path = String::new();
    let mut before: Option<f64> = None;
    for point in history {
        let x = WIDTH - (now.since(point.at).as_secs_f64() / span * WIDTH).min(WIDTH);
        let Some(value) = value(point) else {
            before = None;
            continue;
        };
        let y = HEIGHT - 1.0 - (value.max(0.0) / greatest) * (HEIGHT - 2.0);
        match before {
            None => _ = write!(path, "M{x:.1} {y:.1}"),
            Some(before) if staircase && before != y => _ = write!(path, "H{x:.1}V{y:.1}"),
            Some(_) => _ = write!(path, "L{x:.1} {y:.1}"),
        }
        before = Some(y);
    }
    if before.is_some() {
        let _ = write!(path, "H{WIDTH}");
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" aria-hidden=\"true\">\
         <path d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, value: Option<f64>, replicas: u32) -> Point {
        Point { at: Time::from_seconds(second), value, replicas }
    }

    #[test]
    fn a_gap_stays_a_gap_and_a_step_is_upright() {
        let now = Time::from_seconds(3600);
        let history =
            VecDeque::from([point(0, Some(0.0), 1), point(1800, None, 1), point(3600, Some(10.0), 2)]);
        let line = line(&history, now, |point| point.value);
        assert!(line.contains("d=\"M0.0 27.0M160.0 1.0H160\""), "{line}");
        let steps = steps(&history, now, |point| Some(f64::from(point.replicas)));
        assert!(steps.contains("d=\"M0.0 14.0L80.0 14.0H160.0V1.0H160\""), "{steps}");
    }

    #[test]
    fn nothing_known_draws_nothing() {
        assert!(line(&VecDeque::new(), Time::default(), |point| point.value).contains("d=\"\""));
    }
}
