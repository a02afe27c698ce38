//! How long a replica takes from being asked for to serving.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;
use crate::random::Random;

/// Start-up time in a workload file: one time, or a distribution.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(untagged)]
pub enum StartupSpec {
    /// Always the same.
    Fixed(Span),
    /// Different from replica to replica.
    Drawn(Drawn),
}

/// A distribution of start-up times.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Drawn {
    /// Anything between two times, all as likely.
    #[serde(rename_all = "camelCase")]
    Uniform {
        /// The shortest.
        min: Span,
        /// The longest.
        max: Span,
    },
    /// Around a mean; never below a tenth of it.
    #[serde(rename_all = "camelCase")]
    Normal {
        /// The mean.
        mean: Span,
        /// The standard deviation.
        deviation: Span,
    },
    /// Half are below the median, and a few take much longer: most start-up times look like this.
    #[serde(rename_all = "camelCase")]
    LogNormal {
        /// The median.
        median: Span,
        /// The time that 19 of 20 stay below.
        p95: Span,
    },
}

/// How many standard deviations the 95th percentile of a normal distribution lies above its mean.
const P95: f64 = 1.644_853_626_951_472_7;
/// Draws that are longer than this share of all are taken to be this long.
const LONGEST_DEVIATION: f64 = 4.0;

/// A start-up time that can be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Startup {
    spec: StartupSpec,
    seed: u64,
}

impl StartupSpec {
    /// What is wrong with it, in a sentence.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match *self {
            Self::Drawn(Drawn::Uniform { min, max }) if min > max => Some("min must not be above max"),
            Self::Drawn(Drawn::LogNormal { median, p95 }) if p95 < median => {
                Some("p95 must not be below the median")
            }
            Self::Drawn(Drawn::LogNormal { median, .. }) if median.0.is_zero() => {
                Some("the median must be above 0")
            }
            _ => None,
        }
    }
}

impl Startup {
    pub(crate) fn new(spec: StartupSpec, seed: u64) -> Self {
        Self { spec, seed }
    }

    /// The time, where it is the same for all.
    pub(crate) fn fixed(&self) -> Option<Duration> {
        match self.spec {
            StartupSpec::Fixed(span) => Some(span.0),
            StartupSpec::Drawn(_) => None,
        }
    }

    /// The time of the replica that is the `number`th to be started: the same whenever it is asked.
    pub(crate) fn of(&self, number: u64) -> Duration {
        let mut random = Random::of(self.seed, number);
        let seconds = match self.spec {
            StartupSpec::Fixed(span) => return span.0,
            StartupSpec::Drawn(Drawn::Uniform { min, max }) => {
                min.as_seconds() + random.share() * (max.as_seconds() - min.as_seconds())
            }
            StartupSpec::Drawn(Drawn::Normal { mean, deviation }) => {
                let drawn = mean.as_seconds() + within(random.normal()) * deviation.as_seconds();
                drawn.max(mean.as_seconds() / 10.0)
            }
            StartupSpec::Drawn(Drawn::LogNormal { median, p95 }) => {
                let sigma = (p95.as_seconds() / median.as_seconds()).ln() / P95;
                median.as_seconds() * (sigma * within(random.normal())).exp()
            }
        };
        Duration::from_millis((seconds * 1000.0).round() as u64)
    }

    /// The time that 19 of 20 replicas are ready by.
    pub fn usual(&self) -> Duration {
        match self.spec {
            StartupSpec::Fixed(span) => span.0,
            StartupSpec::Drawn(Drawn::Uniform { min, max }) => min.0 + (max.0 - min.0).mul_f64(0.95),
            StartupSpec::Drawn(Drawn::Normal { mean, deviation }) => mean.0 + deviation.0.mul_f64(P95),
            StartupSpec::Drawn(Drawn::LogNormal { p95, .. }) => p95.0,
        }
    }
}

fn within(normal: f64) -> f64 {
    normal.clamp(-LONGEST_DEVIATION, LONGEST_DEVIATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn startup(yaml: &str) -> Startup {
        Startup::new(serde_saphyr::from_str(yaml).unwrap(), 42)
    }

    fn drawn(yaml: &str) -> Vec<f64> {
        let startup = startup(yaml);
        let mut drawn: Vec<f64> = (0..4000).map(|number| startup.of(number).as_secs_f64()).collect();
        drawn.sort_by(f64::total_cmp);
        drawn
    }

    #[test]
    fn distributions_are_what_they_say() {
        assert_eq!(startup("30s").of(7), Duration::from_secs(30));
        assert_eq!(startup("30").fixed(), Some(Duration::from_secs(30)));
        let uniform = drawn("uniform: {min: 20s, max: 60s}");
        assert!(uniform[0] >= 20.0 && uniform[3999] <= 60.0 && (uniform[2000] - 40.0).abs() < 2.0);
        let normal = drawn("normal: {mean: 60s, deviation: 10s}");
        assert!((normal[2000] - 60.0).abs() < 1.0 && (normal[3800] - 76.4).abs() < 2.0, "{}", normal[3800]);
        let long = drawn("logNormal: {median: 20s, p95: 60s}");
        assert!((long[2000] - 20.0).abs() < 1.0 && (long[3800] - 60.0).abs() < 6.0, "{}", long[3800]);
        assert_eq!(startup("logNormal: {median: 20s, p95: 60s}").usual(), Duration::from_secs(60));
    }

    #[test]
    fn a_replica_takes_as_long_whenever_it_is_asked() {
        let startup = startup("uniform: {min: 1s, max: 99s}");
        assert_eq!(startup.of(5), startup.of(5));
        assert_ne!(startup.of(5), startup.of(6));
    }

    #[test]
    fn what_contradicts_itself_is_found() {
        let problem = |yaml: &str| serde_saphyr::from_str::<StartupSpec>(yaml).unwrap().problem().is_some();
        assert!(problem("uniform: {min: 2s, max: 1s}") && problem("logNormal: {median: 2s, p95: 1s}"));
        assert!(problem("logNormal: {median: 0s, p95: 1s}") && !problem("30s"));
    }
}
