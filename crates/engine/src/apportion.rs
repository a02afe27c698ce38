//! Whole numbers of pods by shares: everyone as near to its share as bounds allow, by largest remainder.
//!
//! Two callers: a policy that spreads one count over the members of a group, and the budget that takes
//! back what is too much. Both look for a *level*, at which everyone gets `level × weight`
//! within its bounds. Nothing is drawn and no order of hashing matters: the same shares, the same counts.

/// What one may get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    /// Its part, relative to the others; finite and not negative. 0 gets the minimum.
    pub(crate) weight: f64,
    /// The fewest it gets.
    pub(crate) least: u32,
    /// The most it gets; not below `least`.
    pub(crate) most: u32,
}

/// The least difference between two remainders.
const REMAINDER: f64 = 1e-9;

impl Share {
    fn at(&self, level: f64) -> f64 {
        let (least, most) = (f64::from(self.least), f64::from(self.most));
        // A weight of 0 at a boundless level is no number.
        if self.weight > 0.0 { (level * self.weight).clamp(least, most) } else { least }
    }
}

/// The highest level at which all shares together, each pod counted as `unit` says for its place, come to
/// no more than `amount`. 0 if the minimums already exceed it; infinite if the maximums do not.
pub(crate) fn level(shares: &[Share], amount: f64, unit: impl Fn(usize) -> f64) -> f64 {
    let filled =
        |level| shares.iter().enumerate().map(|(place, share)| unit(place) * share.at(level)).sum::<f64>();
    let movable = shares.iter().filter(|share| share.weight > 0.0 && share.least < share.most);
    // Between two of these the sum is a straight line.
    let mut bends: Vec<f64> = movable
        .flat_map(|share| [share.least, share.most].map(|count| f64::from(count) / share.weight))
        .collect();
    bends.sort_by(f64::total_cmp);
    match bends.iter().position(|&bend| filled(bend) > amount) {
        None => f64::INFINITY,
        Some(0) => 0.0,
        Some(beyond) => {
            let (low, high) = (bends[beyond - 1], bends[beyond]);
            let (from, to) = (filled(low), filled(high));
            low + (high - low) * (amount - from) / (to - from)
        }
    }
}

/// Whole counts at `level`: each share rounded down, and then one more for those with the largest
/// remainders, as long as `fits` says so of all counts together. Of equal remainders the lighter share comes
/// first, which lacks the most for its weight, and then the first.
pub(crate) fn counts(shares: &[Share], level: f64, fits: impl Fn(&[u32]) -> bool) -> Vec<u32> {
    let exact: Vec<f64> = shares.iter().map(|share| share.at(level)).collect();
    let mut counts: Vec<u32> = exact.iter().map(|exact| *exact as u32).collect();
    // Remainders that differ by the noise of binary fractions only are equal.
    let remainder = |place: usize| (exact[place].fract() / REMAINDER).round();
    let mut claims: Vec<usize> = (0..shares.len()).filter(|&place| remainder(place) > 0.0).collect();
    claims.sort_by(|&one, &other| {
        let lighter = || shares[one].weight.total_cmp(&shares[other].weight);
        remainder(other).total_cmp(&remainder(one)).then_with(lighter)
    });
    for place in claims {
        counts[place] += 1;
        if !fits(&counts) {
            counts[place] -= 1;
        }
    }
    counts
}

/// `total` spread over `shares`; less or more only where all bounds together allow no better.
pub(crate) fn spread(shares: &[Share], total: u32) -> Vec<u32> {
    let level = level(shares, f64::from(total), |_| 1.0);
    counts(shares, level, |counts| sum(counts) <= u64::from(total))
}

/// The sum of all counts.
pub(crate) fn sum(counts: &[u32]) -> u64 {
    counts.iter().copied().map(u64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(shares: &[(f64, u32, u32)]) -> Vec<Share> {
        shares.iter().map(|&(weight, least, most)| Share { weight, least, most }).collect()
    }

    #[test]
    fn a_total_is_spread_by_weight() {
        let free =
            |weights: &[f64]| shares(&weights.iter().map(|&weight| (weight, 0, 1000)).collect::<Vec<_>>());
        let cases: [(&[f64], u32, &[u32]); 11] = [
            (&[1.0, 1.0, 1.0], 9, &[3, 3, 3]),
            (&[1.0, 1.0, 1.0], 10, &[4, 3, 3]),
            (&[1.0, 1.0, 1.0], 11, &[4, 4, 3]),
            (&[2.0, 1.0, 2.0], 9, &[4, 2, 3]),
            (&[0.5, 0.3, 0.2], 10, &[5, 3, 2]),
            // 4.62, 2.31, 3.08: the largest remainder first, and not the first.
            (&[3.0, 1.5, 2.0], 10, &[5, 2, 3]),
            (&[1.0, 5.0], 1, &[0, 1]),
            (&[0.1, 0.2], 3, &[1, 2]),
            (&[0.0, 2.0], 7, &[0, 7]),
            (&[3.0, 1.0], 2, &[1, 1]),
            (&[0.7, 0.1], 4, &[3, 1]),
        ];
        for (weights, total, expected) in cases {
            assert_eq!(spread(&free(weights), total), expected, "{total} by {weights:?}");
        }
    }

    #[test]
    fn who_is_at_a_bound_gives_the_rest_to_the_others() {
        /// Weight, least and most of each.
        type Shares<'a> = &'a [(f64, u32, u32)];
        let cases: [(Shares<'_>, u32, &[u32]); 9] = [
            (&[(1.0, 1, 2), (1.0, 1, 9), (1.0, 1, 9)], 12, &[2, 5, 5]),
            (&[(1.0, 6, 9), (1.0, 0, 9), (1.0, 0, 9)], 12, &[6, 3, 3]),
            (&[(1.0, 6, 9), (1.0, 0, 2), (1.0, 0, 9)], 12, &[6, 2, 4]),
            (&[(9.0, 1, 3), (1.0, 1, 9), (3.0, 1, 4)], 12, &[3, 5, 4]),
            (&[(1.0, 2, 3), (5.0, 2, 4)], 20, &[3, 4]),
            (&[(1.0, 2, 3), (5.0, 2, 4)], 3, &[2, 2]),
            (&[(1.0, 2, 2), (1.0, 3, 3)], 9, &[2, 3]),
            (&[(0.0, 2, 5), (1.0, 0, 3)], 9, &[2, 3]),
            (&[], 9, &[]),
        ];
        for (of, total, expected) in cases {
            assert_eq!(spread(&shares(of), total), expected, "{total} over {of:?}");
        }
    }

    #[test]
    fn huge_counts_are_spread_too() {
        let huge = shares(&[(1.0, 0, u32::MAX), (2.0, 0, u32::MAX), (1e-9, 0, 5)]);
        assert_eq!(sum(&spread(&huge, u32::MAX)), u64::from(u32::MAX));
    }

    #[test]
    fn units_count() {
        let two = shares(&[(4.0, 1, 4), (4.0, 1, 4)]);
        let unit = |place: usize| [1.0, 3.0][place];
        assert_eq!(level(&two, 8.0, unit), 0.5);
        assert_eq!(level(&two, 3.9, unit), 0.0, "the minimums come to 4");
        assert_eq!(level(&two, 16.0, unit), f64::INFINITY);
        assert_eq!(counts(&two, 0.4, |counts| sum(counts) <= 3), [2, 1]);
        assert_eq!(
            counts(&two, 0.4, |counts| counts[0] < 2),
            [1, 2],
            "one that does not fit leaves it to the next"
        );
    }
}
