//! Times, and how they are spread.

use std::fmt;
use std::time::Duration;

/// Times that were measured; prints as `p50=… p99=… max=…`.
#[derive(Clone, Debug, Default)]
pub struct Distribution(Vec<Duration>);

impl Distribution {
    /// The time that this share, from 0 to 1, stayed at or below; zero where none was measured.
    #[must_use]
    pub fn share(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(place.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Duration> for Distribution {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        Self(times.into_iter().collect())
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |share| self.share(share).as_secs_f64() * 1000.0;
        write!(
            f,
            "p50={:.1}ms p90={:.1}ms p99={:.1}ms max={:.1}ms",
            millis(0.5),
            millis(0.9),
            millis(0.99),
            millis(1.0)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_times_stays_below() {
        let times: Distribution = (1..=200).rev().map(Duration::from_millis).collect();
        let shares = [0.5, 0.9, 0.99, 1.0].map(|share| times.share(share).as_millis());
        assert_eq!(shares, [100, 180, 198, 200]);
        assert_eq!(Distribution::default().share(0.5), Duration::ZERO);
    }
}
