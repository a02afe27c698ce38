//! Small drawings of the past that is known, an hour of it at most, as SVG, each with the same described
//! in words below.

use std::fmt::Write as _;
use std::time::Duration;

use engine::Time;
use runner::{History, Point};

use super::html::{Escaped, number, span};

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 36.0;
/// Room above and below, so that a line at the edge is seen as a whole.
const MARGIN: f64 = 2.0;
/// A history that is younger than this is drawn as if it were this old.
const SHORTEST: Duration = Duration::from_secs(120);
const HOUR: Duration = Duration::from_secs(3600);

/// How values are connected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// By a line, with a gap where there is none.
    Line,
    /// By a staircase, for what changes at once.
    Steps,
}

/// The drawing of `what`, from zero to the greatest value, with its range and its time in words. What was `expected` for
/// later times is a line of its own, which may go on beyond now.
pub(super) fn draw(
    history: &History,
    now: Time,
    what: &str,
    shape: Shape,
    value: impl Fn(&Point) -> Option<f64>,
    expected: impl Fn(&Point) -> Option<(Time, f64)>,
) -> String {
    let recent = recent(history, now.minus(HOUR));
    let mut values = recent.iter().filter_map(&value);
    let Some(first) = values.next() else {
        return "<small class=\"range\">no readings in the last hour</small>".to_owned();
    };
    let (least, greatest) =
        values.fold((first, first), |(least, greatest), value| (least.min(value), greatest.max(value)));
    let age = recent.first().map_or(SHORTEST, |first| now.since(first.at)).max(SHORTEST);
    let ahead: Vec<(Time, Option<f64>)> =
        recent.iter().filter_map(&expected).map(|(at, value)| (at, Some(value))).collect();
    let end = ahead.iter().map(|(at, _)| *at).fold(now, Time::max);
    let highest = ahead.iter().filter_map(|(_, value)| *value).fold(greatest, f64::max);
    let axes = Axes { end, age: (age + end.since(now)).as_secs_f64(), greatest: highest.max(1e-9) };
    let read = recent.iter().map(|point| (point.at, value(point)));
    let path_of =
        |values: &mut dyn Iterator<Item = (Time, Option<f64>)>, until| path(values, &axes, shape, until);
    let path = path_of(&mut read.into_iter(), now);
    let forecast = if ahead.is_empty() {
        String::new()
    } else {
        let ahead = path_of(&mut ahead.iter().copied(), end);
        format!("<path class=\"forecast\" d=\"{ahead}\"><title>forecast</title></path>")
    };
    let range =
        if least == greatest { number(least) } else { format!("{} to {}", number(least), number(greatest)) };
    let time = if age + Duration::from_secs(120) >= HOUR { "hour".to_owned() } else { span(age) };
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}: {range} in the last {time}\">\
         <path class=\"base\" d=\"M0 {HEIGHT}H{WIDTH}\"/>{forecast}<path d=\"{path}\"/></svg>\
         <small class=\"range\">{range}, last {time}</small>",
        Escaped(what)
    )
}

/// The moments since `begin`. Of a stretch without change there are the begin and the end only, so one that lasts longer
/// begins there.
fn recent(history: &History, begin: Time) -> Vec<Point> {
    let earlier = history.iter().rev().find(|point| point.at < begin);
    let since: Vec<Point> = history.iter().filter(|point| point.at >= begin).collect();
    let goes_on = earlier.filter(|earlier| since.first().is_some_and(|first| first.is_like(earlier)));
    goes_on.map(|point| Point { at: begin, ..point }).into_iter().chain(since).collect()
}

/// Where a moment and a value are in the drawing.
struct Axes {
    /// The right edge.
    end: Time,
    age: f64,
    greatest: f64,
}

impl Axes {
    /// In whole pixels: an hour has more moments than the drawing has.
    fn x(&self, at: Time) -> f64 {
        (WIDTH - (self.end.since(at).as_secs_f64() / self.age * WIDTH).min(WIDTH)).round()
    }

    fn y(&self, value: f64) -> f64 {
        let share = value.max(0.0) / self.greatest;
        ((HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN)) * 10.0).round() / 10.0
    }
}

/// The path through the values, up to a time. Moments at which nothing changes are left out.
fn path(
    values: &mut dyn Iterator<Item = (Time, Option<f64>)>,
    axes: &Axes,
    shape: Shape,
    until: Time,
) -> String {
    let mut path = String::new();
    // Where the path has got to, and the height at which it goes on.
    let mut before: Option<(f64, f64)> = None;
    for (at, value) in values {
        let x = axes.x(at);
        before = match (value.map(|value| axes.y(value)), before) {
            (Some(y), None) => {
                let _ = write!(path, "M{x} {y}");
                Some((x, y))
            }
            (Some(y), Some((_, height))) if y == height => Some((x, y)),
            (Some(y), Some((_, _))) if shape == Shape::Steps => {
                let _ = write!(path, "H{x}V{y}");
                Some((x, y))
            }
            (Some(y), Some((reached, _))) => {
                let _ = write!(path, "H{reached}L{x} {y}");
                Some((x, y))
            }
            (None, Some((reached, _))) => {
                let _ = write!(path, "H{reached}");
                None
            }
            (None, None) => None,
        };
    }
    if before.is_some() {
        let _ = write!(path, "H{}", axes.x(until));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, value: Option<f64>, replicas: u32) -> Point {
        let replicas = Some(replicas);
        Point {
            at: Time::from_seconds(second),
            value,
            expected: None,
            replicas,
            wanted: replicas,
            ready: None,
        }
    }

    fn line<const N: usize>(history: [Point; N], second: i64) -> String {
        draw(
            &history.into_iter().collect(),
            Time::from_seconds(second),
            "users",
            Shape::Line,
            |point| point.value,
            |point| point.expected,
        )
    }

    #[test]
    fn a_gap_stays_a_gap_and_a_step_is_upright() {
        let history = [point(0, Some(0.0), 1), point(1800, None, 1), point(3600, Some(10.0), 2)];
        let drawn = line(history, 3600);
        assert!(drawn.contains("d=\"M0 34H0M200 2H200\""), "{drawn}");
        assert!(drawn.contains("aria-label=\"users: 0 to 10 in the last hour\""), "{drawn}");
        let replicas = |point: &Point| point.replicas.map(f64::from);
        let history = history.into_iter().collect();
        let steps = draw(&history, Time::from_seconds(3600), "replicas", Shape::Steps, replicas, |_| None);
        assert!(steps.contains("d=\"M0 18H200V2H200\""), "{steps}");
    }

    #[test]
    fn a_forecast_goes_on_beyond_now() {
        let expected = |second, value| Some((Time::from_seconds(second), value));
        let history = [
            Point { expected: expected(300, 10.0), ..point(0, Some(5.0), 1) },
            Point { expected: expected(400, 20.0), ..point(200, Some(5.0), 1) },
        ];
        let drawn = line(history, 200);
        assert!(drawn.contains("<path class=\"forecast\" d=\"M150 18H150L200 2H200\">"), "{drawn}");
        assert!(drawn.contains("<path d=\"M0 26H100\"/>"), "what was read ends now: {drawn}");
        assert!(!line([point(0, Some(5.0), 1)], 200).contains("forecast"));
    }

    #[test]
    fn a_short_past_says_how_short_it_is() {
        let history = [point(0, Some(5.0), 1), point(300, Some(5.0), 1)];
        let drawn = line(history, 300);
        assert!(drawn.contains("d=\"M0 2H200\"") && drawn.contains("5, last 5 min"), "{drawn}");
    }

    #[test]
    fn what_has_not_changed_for_hours_is_drawn_over_the_whole_hour() {
        let drawn = line([point(0, Some(5.0), 1), point(20_000, Some(5.0), 1)], 20_000);
        assert!(drawn.contains("d=\"M0 2H200\"") && drawn.contains("5, last hour"), "{drawn}");
        let drawn = line([point(0, Some(4.0), 1), point(20_000, Some(5.0), 1)], 20_000);
        assert!(drawn.contains("d=\"M200 2H200\""), "nothing is known of before: {drawn}");
    }

    #[test]
    fn nothing_known_draws_nothing() {
        assert!(!line([], 0).contains("<svg"));
        assert!(!line([point(0, None, 1)], 60).contains("<svg"));
    }

    #[test]
    fn a_name_cannot_break_out_of_the_drawing() {
        let history = [point(0, Some(5.0), 1)].into_iter().collect();
        let drawn =
            draw(&history, Time::default(), "\"><script>", Shape::Line, |point| point.value, |_| None);
        assert!(drawn.contains("&quot;&gt;&lt;script&gt;"), "{drawn}");
    }
}
