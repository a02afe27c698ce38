//! The large curves of one object's page: series over the hours that are known, and the limits of the spec as lines.
//!
//! As SVG without any text, so that it can be as wide as the page; numbers, times and the legend are HTML around it.

use std::fmt::Write as _;
use std::time::Duration;

use engine::Time;
use runner::Point;

use super::drawing::Shape;
use super::html::{Escaped, number, span};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 200.0;
/// Room above and below, so that a line at the edge is seen as a whole.
const MARGIN: f64 = 4.0;
/// A past that is younger is drawn as if it were this old.
const SHORTEST: Duration = Duration::from_secs(600);
/// A limit that is so many times higher than all that was seen is left out: beside it, nothing else could be seen.
const FAR: f64 = 4.0;

/// What is drawn.
pub(super) struct Chart<'a> {
    /// What it is about.
    pub(super) title: String,
    /// What was seen, the most important first.
    pub(super) series: Vec<Series<'a>>,
    /// Limits of the spec.
    pub(super) limits: Vec<Series<'a>>,
}

/// One line of a chart.
pub(super) struct Series<'a> {
    /// What it is called in the legend.
    pub(super) name: String,
    pub(super) shape: Shape,
    /// Its value at a moment.
    pub(super) value: ValueAt<'a>,
}

/// The value of a series at a moment; `None` where there is none.
type ValueAt<'a> = Box<dyn Fn(&Point) -> Option<f64> + 'a>;

impl Series<'_> {
    /// A limit that is the same at all times.
    pub(super) fn constant(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), shape: Shape::Steps, value: Box::new(move |_| Some(value)) }
    }

    fn greatest(&self, points: &[Point]) -> Option<f64> {
        points.iter().filter_map(|point| (self.value)(point)).reduce(f64::max)
    }
}

impl Chart<'_> {
    /// Draws it from `points`, oldest first, as it is at `now`.
    pub(super) fn write(&self, main: &mut String, points: &[Point], now: Time) {
        let _ = write!(main, "<figure><figcaption>{}</figcaption>", Escaped(&self.title));
        let seen = self.series.iter().filter_map(|series| series.greatest(points)).reduce(f64::max);
        let (Some(seen), Some(first)) = (seen, points.first()) else {
            main.push_str("<p class=\"empty\">Not known yet.</p></figure>\n");
            return;
        };
        let limits = self.limits.iter().filter_map(|limit| limit.greatest(points));
        let is_near = |limit: &f64| seen <= 0.0 || *limit <= seen * FAR;
        let top = limits.filter(is_near).fold(seen.max(1e-9), f64::max);
        let age = now.since(first.at).max(SHORTEST);
        let axes = Axes { now, age: age.as_secs_f64(), top };
        let _ = write!(
            main,
            "<div class=\"plot\"><span class=\"top\">{0}</span><svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{1}, 0 to {0}, in the last {2}\">\
             <path class=\"base\" d=\"M0 {HEIGHT}H{WIDTH}\"/>",
            number(top),
            Escaped(&self.title),
            span(age),
        );
        for (class, lines) in [("limit", &self.limits), ("series", &self.series)] {
            for (place, line) in lines.iter().enumerate() {
                let _ = write!(main, "<path class=\"{class}{place}\" d=\"{}\"/>", axes.path(line, points));
            }
        }
        let _ = write!(
            main,
            "</svg><span class=\"bottom\">0</span></div><div class=\"times\"><span>{} ago</span><span>now</span></div>",
            span(age)
        );
        self.legend(main, points, top);
        main.push_str("</figure>\n");
    }

    fn legend(&self, main: &mut String, points: &[Point], top: f64) {
        main.push_str("<ul class=\"legend\">");
        for (class, lines) in [("series", &self.series), ("limit", &self.limits)] {
            for (place, line) in lines.iter().enumerate() {
                let last = points.last().and_then(|point| (line.value)(point));
                let last = last.map_or_else(|| "not known".to_owned(), number);
                let is_beyond = line.greatest(points).is_some_and(|greatest| greatest > top);
                let beyond = if is_beyond { ", beyond the drawing" } else { "" };
                let _ = write!(
                    main,
                    "<li><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"{class}{place}\" d=\"M0 4H24\"/></svg>\
                     {} <b>{last}</b>{beyond}",
                    Escaped(&line.name)
                );
            }
        }
        main.push_str("</ul>");
    }
}

/// Where a moment and a value are in the drawing.
struct Axes {
    now: Time,
    age: f64,
    top: f64,
}

impl Axes {
    fn x(&self, at: Time) -> f64 {
        (WIDTH - (self.now.since(at).as_secs_f64() / self.age * WIDTH).min(WIDTH)).round()
    }

    fn y(&self, value: f64) -> f64 {
        let share = value.max(0.0) / self.top;
        ((HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN)) * 10.0).round() / 10.0
    }

    /// The path through the values, with a gap where there is none.
    fn path(&self, series: &Series<'_>, points: &[Point]) -> String {
        let mut path = String::new();
        let mut is_drawing = false;
        for point in points {
            let x = self.x(point.at);
            match ((series.value)(point), is_drawing, series.shape) {
                (Some(value), false, _) => {
                    let _ = write!(path, "M{x} {}", self.y(value));
                }
                (Some(value), true, Shape::Line) => {
                    let _ = write!(path, "L{x} {}", self.y(value));
                }
                (Some(value), true, Shape::Steps) => {
                    let _ = write!(path, "H{x}V{}", self.y(value));
                }
                (None, true, _) => {
                    let _ = write!(path, "H{x}");
                }
                (None, false, _) => {}
            }
            is_drawing = (series.value)(point).is_some();
        }
        if is_drawing {
            let _ = write!(path, "H{WIDTH}");
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Vec<Point> {
        let point = |second, value, replicas| Point {
            at: Time::from_seconds(second),
            value,
            expected: None,
            replicas,
            wanted: replicas,
            ready: None,
        };
        vec![point(0, Some(10.0), Some(1)), point(500, None, Some(1)), point(1000, Some(20.0), Some(2))]
    }

    fn drawn(limits: Vec<Series<'_>>) -> String {
        let value = Series {
            name: "<users>".to_owned(),
            shape: Shape::Line,
            value: Box::new(|point: &Point| point.value),
        };
        let mut main = String::new();
        let chart = Chart { title: "metric <users>".to_owned(), series: vec![value], limits };
        chart.write(&mut main, &points(), Time::from_seconds(1000));
        main
    }

    #[test]
    fn a_gap_stays_a_gap_and_limits_are_lines() {
        let per_replica = Series {
            name: "target".to_owned(),
            shape: Shape::Steps,
            value: Box::new(|point: &Point| point.replicas.map(|replicas| f64::from(replicas) * 20.0)),
        };
        let text = drawn(vec![per_replica]);
        assert!(text.contains("<path class=\"series0\" d=\"M0 148H400M800 100H800\"/>"), "{text}");
        assert!(text.contains("<path class=\"limit0\" d=\"M0 100H400V100H800V4H800\"/>"), "{text}");
        assert!(text.contains("<span class=\"top\">40</span>") && text.contains("16 min ago"), "{text}");
        assert!(text.contains("&lt;users&gt; <b>20</b>") && !text.contains("<users>"), "{text}");
    }

    #[test]
    fn a_limit_far_above_all_else_is_named_and_not_drawn() {
        let text = drawn(vec![Series::constant("maxReplicas", 1000.0)]);
        assert!(text.contains("<span class=\"top\">20</span>"), "{text}");
        assert!(text.contains("maxReplicas <b>1000</b>, beyond the drawing"), "{text}");
    }

    #[test]
    fn nothing_known_draws_nothing() {
        let mut main = String::new();
        let chart = Chart { title: String::new(), series: Vec::new(), limits: Vec::new() };
        chart.write(&mut main, &[], Time::default());
        assert!(!main.contains("<svg"), "{main}");
    }
}
