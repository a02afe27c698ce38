//! `scaling_times.svg`: for every series a bar for each member, its mean, with a dot for each repetition.

use std::fmt::Write as _;
use std::time::Duration;

use super::summary::{Line, SeriesSummary, Summary, shown};

const WIDTH: f64 = 820.0;
/// Where bars begin; names stand to the left.
const LEFT: f64 = 220.0;
/// Names of more characters than this would begin beyond the edge, so they are drawn narrower.
const LONGEST_NAME: usize = 30;
/// Where the axis ends; means stand to the right.
const RIGHT: f64 = 740.0;
const TOP: f64 = 60.0;
const LINE: f64 = 24.0;
/// Room for the title of a series.
const TITLE: f64 = 34.0;
const BOTTOM: f64 = 44.0;

const STYLE: &str = "\
svg{background:#fff}text{font:13px system-ui,sans-serif;fill:#1c2430}\
.title{font-size:17px;font-weight:600}.series{font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}\
.bar{fill:#7aa7d9}.total{fill:#2f6db5}.dot{fill:#1c2430;fill-opacity:.55}.grid{stroke:#d8dee6}\
@media(prefers-color-scheme:dark){svg{background:#14181f}text{fill:#e4e9f0}.bar{fill:#3d6ea5}.total{fill:#6ba3e0}\
.dot{fill:#e4e9f0}.grid{stroke:#343c48}}";

/// The drawing, complete with its style.
pub(super) fn draw(summary: &Summary) -> String {
    let lines = summary.series.iter().map(|series| series.lines.len() as f64 * LINE + TITLE);
    let foot = TOP + lines.sum::<f64>();
    let height = foot + BOTTOM;
    let times = summary.series.iter().flat_map(|series| &series.lines).filter_map(|line| line.times.last());
    let axis = Axis::up_to(times.max().copied().unwrap_or_default());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Seconds from the request until all replicas are ready\"><style>{STYLE}</style>\
         <text class=\"title\" x=\"20\" y=\"32\">Seconds from the request until all replicas are ready</text>\n"
    );
    for tick in axis.ticks() {
        let (x, label) = (axis.x(tick), rounded(tick));
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{x} {TOP}V{foot}\"/><text class=\"middle\" x=\"{x}\" y=\"{}\">{label} s</text>",
            foot + 20.0
        );
    }
    let mut y = TOP;
    for series in &summary.series {
        y = draw_series(&mut svg, series, &axis, y);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws a series from `y` on; returns where the next one begins.
fn draw_series(svg: &mut String, series: &SeriesSummary, axis: &Axis, y: f64) -> f64 {
    let _ = writeln!(
        svg,
        "<text class=\"series\" x=\"20\" y=\"{}\">{} ×{}</text>",
        y + 22.0,
        escaped(&series.series.to_string()),
        series.scalings
    );
    let mut y = y + TITLE;
    for (index, line) in series.lines.iter().enumerate() {
        let class = if index + 1 == series.lines.len() { "total" } else { "bar" };
        draw_line(svg, line, class, axis, y);
        y += LINE;
    }
    y
}

fn draw_line(svg: &mut String, line: &Line, class: &str, axis: &Axis, y: f64) {
    let base = y + 14.0;
    let is_long = line.name.chars().count() > LONGEST_NAME;
    let narrow = if is_long { " textLength=\"200\" lengthAdjust=\"spacingAndGlyphs\"" } else { "" };
    let name = escaped(&line.name);
    let _ = write!(svg, "<text class=\"end\" x=\"{}\" y=\"{base}\"{narrow}>{name}</text>", LEFT - 10.0);
    if let Some(mean) = line.mean() {
        let width = axis.x(mean.as_secs_f64()) - LEFT;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/>",
            y + 3.0
        );
    }
    for time in &line.times {
        let x = axis.x(time.as_secs_f64());
        let _ = write!(svg, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{}\" r=\"3\"/>", y + 10.0);
    }
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{base}\">{}</text>", RIGHT + 12.0, shown(line.mean()));
}

/// Seconds from left to right.
struct Axis {
    most: f64,
    step: f64,
}

impl Axis {
    /// An axis with steps of 1, 2 or 5 times a power of ten, about six of them.
    fn up_to(longest: Duration) -> Self {
        let most = longest.as_secs_f64().max(0.05);
        let power = 10_f64.powf((most / 6.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = steps.into_iter().find(|step| most / step <= 6.0).unwrap_or(10.0 * power);
        Self { most: (most / step).ceil() * step, step }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = (self.most / self.step).round() as u32;
        (0..=count).map(move |tick| f64::from(tick) * self.step)
    }

    fn x(&self, seconds: f64) -> f64 {
        ((LEFT + seconds / self.most * (RIGHT - LEFT)) * 10.0).round() / 10.0
    }
}

/// Without the noise of binary fractions.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinate::experiment::tests::scaling;

    #[test]
    fn axes_have_round_steps() {
        let ticks =
            |millis| Axis::up_to(Duration::from_millis(millis)).ticks().map(rounded).collect::<Vec<_>>();
        assert_eq!(ticks(5250), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(ticks(30_000), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(ticks(0), [0.0, 0.01, 0.02, 0.03, 0.04, 0.05]);
    }

    #[test]
    fn what_was_ended_early_and_what_has_a_long_name_is_drawn_as_it_is() {
        let long = "online-boutique-recommendationservice";
        let svg = draw(&Summary::of(&[scaling(1, &[(long, Some(2000)), ("db", Some(1000))])]));
        assert!(svg.contains("group-1 1→5 ×1<"), "one of two repetitions: {svg}");
        assert_eq!(svg.matches("textLength=\"200\"").count(), 1, "{svg}");
    }

    #[test]
    fn everything_that_was_measured_is_drawn() {
        let scalings = [
            scaling(1, &[("webui", Some(2000)), ("db", Some(1000))]),
            scaling(2, &[("webui", Some(4000)), ("db", None)]),
        ];
        let svg = draw(&Summary::of(&scalings));
        assert_eq!((svg.matches("<rect").count(), svg.matches("<circle").count()), (3, 4));
        for part in
            ["group-1 1→5 ×2", ">webui<", ">db<", ">total<", ">3.000<", ">4 s<", "prefers-color-scheme:dark"]
        {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        // A member beyond the axis or a NaN would be drawn out of sight.
        assert!(!svg.contains("NaN") && svg.contains("cx=\"740.0\""), "{svg}");
    }
}
