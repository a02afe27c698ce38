//! Loads that the project makes itself, the same for the same seed: for the tutorial, the demo and tests.

use std::f64::consts::TAU;
use std::time::Duration;

use engine::Time;

use crate::random::Random;

/// What a made load looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A quiet night and two peaks by day, less at the weekend.
    Weekly,
    /// At once three times as much, and back.
    Step,
    /// Ever more, in a straight line.
    Ramp,
    /// Ten times as much within a minute, and slowly back.
    FlashCrowd,
    /// A batch that runs for half an hour in every two.
    OnOff,
    /// Nothing while the service is down, and then all who try again.
    Outage,
    /// The daily wave, which grows by a half from week to week.
    Drift,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 7] =
        [Self::Weekly, Self::Step, Self::Ramp, Self::FlashCrowd, Self::OnOff, Self::Outage, Self::Drift];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Step => "step",
            Self::Ramp => "ramp",
            Self::FlashCrowd => "flash-crowd",
            Self::OnOff => "on-off",
            Self::Outage => "outage",
            Self::Drift => "drift",
        }
    }

    /// The load without its noise, as a share of the peak, `day` days after a Monday began, of `days` in all.
    fn at(self, day: f64, days: f64) -> f64 {
        let through = day / days;
        match self {
            Self::Weekly => wave(day),
            Self::Step => {
                if (0.3..0.7).contains(&through) {
                    0.9
                } else {
                    0.3
                }
            }
            Self::Ramp => 0.1 + 0.85 * through,
            Self::FlashCrowd => {
                // Minutes since the crowd came.
                let since = (through - 0.4) * days * 1440.0;
                let crowd = if since < 0.0 { 0.0 } else { since.min(1.0) * (-since.max(0.0) / 45.0).exp() };
                0.09 + 0.9 * crowd
            }
            Self::OnOff => {
                if (day * 12.0).fract() < 0.25 {
                    0.85
                } else {
                    0.05
                }
            }
            Self::Outage => {
                let minute = (through - 0.5) * days * 1440.0;
                let retries =
                    if (20.0..60.0).contains(&minute) { 1.2 * (-(minute - 20.0) / 10.0).exp() } else { 0.0 };
                if (0.0..20.0).contains(&minute) { 0.0 } else { 0.8 * wave(day) + retries }
            }
            Self::Drift => wave(day.fract()) * 0.5 * (1.0 + 0.5 * day / 7.0),
        }
    }
}

/// A working day with peaks before noon and in the evening; a weekend has less.
fn wave(day: f64) -> f64 {
    let hour = day.fract() * 24.0;
    let bump = |center: f64, width: f64| (-((hour - center) / width).powi(2)).exp();
    let shape = 0.12 + 0.55 * bump(11.0, 3.0) + 0.75 * bump(19.5, 2.5) + 0.03 * (TAU * hour / 24.0).sin();
    let weekday = if day.rem_euclid(7.0) >= 5.0 { 0.6 } else { 1.0 };
    shape * weekday
}

/// A load of `shape` with about `peak` at its highest, from `start` on for `length`, a value every `step`; each
/// value differs from the shape by a few per cent of noise.
pub fn generate(
    shape: Shape,
    seed: u64,
    peak: f64,
    start: Time,
    length: Duration,
    step: Duration,
) -> impl Iterator<Item = (Time, f64)> + Send {
    let step = step.max(Duration::from_millis(1));
    let count = (length.as_millis() / step.as_millis()) as u64;
    let days = length.as_secs_f64() / 86_400.0;
    let mut random = Random::new(seed);
    let mut noise = 0.0;
    (0..count).map(move |index| {
        let passed = step * index as u32;
        let day = passed.as_secs_f64() / 86_400.0;
        // Noise that lasts for a while, as people come in groups.
        noise = 0.9 * noise + 0.02 * random.normal();
        let value = peak * shape.at(day, days) * (1.0 + noise).max(0.0);
        (start.plus(passed), (value * 100.0).round() / 100.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(shape: Shape, seed: u64) -> Vec<f64> {
        let week = Duration::from_secs(7 * 86_400);
        let made = generate(shape, seed, 1000.0, Time::default(), week, Duration::from_secs(300));
        made.map(|(_, value)| value).collect()
    }

    #[test]
    fn one_seed_is_one_load() {
        for shape in Shape::ALL {
            let made = values(shape, 7);
            assert_eq!(made, values(shape, 7), "{shape:?}");
            assert_ne!(made, values(shape, 8), "{shape:?}");
            assert_eq!(made.len(), 2016);
            let most = made.iter().copied().fold(0.0, f64::max);
            assert!((300.0..1600.0).contains(&most), "{shape:?}: {most}");
            assert!(made.iter().all(|value| value.is_finite() && *value >= 0.0), "{shape:?}");
        }
    }

    #[test]
    fn a_week_has_its_nights_and_its_weekend() {
        let made = values(Shape::Weekly, 1);
        let (night, evening, saturday) = (made[36], made[234], made[5 * 288 + 234]);
        assert!(evening > 3.0 * night && saturday < 0.8 * evening, "{night} {evening} {saturday}");
    }

    #[test]
    fn an_outage_is_followed_by_those_who_try_again() {
        let made = values(Shape::Outage, 1);
        let down = made.iter().position(|value| *value == 0.0).unwrap();
        assert!(made[down + 5] > made[down - 2] + 300.0, "{:?}", &made[down - 2..down + 8]);
    }
}
