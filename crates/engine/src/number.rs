//! Numbers as people mean them: printed with six significant digits, and counted without the
//! noise of binary fractions, so that 2.1 over 0.7 is 3 and not a little more.

use std::fmt;

/// Prints a metric value without the noise of binary fractions: `0.3`, `1200`, `1.5e9`.
pub struct Number(pub f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        let size = value.abs();
        if value == 0.0 {
            return f.write_str("0");
        }
        if !(1e-4..1e9).contains(&size) {
            return write!(f, "{value:.3e}");
        }
        if value.fract() == 0.0 {
            return write!(f, "{value:.0}");
        }
        let whole_digits = size.log10().floor().max(0.0) as usize + 1;
        let text = format!("{value:.*}", 6usize.saturating_sub(whole_digits).max(1));
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// How near, relative to its size, a quotient must be to a whole number to count as one.
const NOISE: f64 = 1e-9;

/// Whether `value` is above `limit` by more than noise.
pub(crate) fn exceeds(value: f64, limit: f64) -> bool {
    value - limit > NOISE * limit.abs()
}

/// `ceil(value / unit)` as a count of replicas; at most `u32::MAX`, and 0 where it is negative.
pub(crate) fn ceil_of_quotient(value: f64, unit: f64) -> u32 {
    let quotient = value / unit;
    whole(quotient).unwrap_or_else(|| quotient.ceil()) as u32
}

/// `floor(value / unit)` as a count of replicas; at most `u32::MAX`, and 0 where it is negative.
pub(crate) fn floor_of_quotient(value: f64, unit: f64) -> u32 {
    let quotient = value / unit;
    whole(quotient).unwrap_or_else(|| quotient.floor()) as u32
}

/// `value` with three decimal places, as if it were written with so many and read again.
pub(crate) fn thousandths(value: f64) -> f64 {
    let exact = value * 1e3;
    let nearest = exact.round();
    // Below this the product is wrong by less than 0.0002, so that it is on the same side of a tie as the true one; and
    // what a whole number is over 1000, division rounds as reading its decimal does.
    if nearest.abs() < 1e12 && (exact - nearest).abs() < 0.499 {
        return nearest / 1e3;
    }
    format!("{value:.3}").parse().unwrap_or(value)
}

fn whole(quotient: f64) -> Option<f64> {
    let nearest = quotient.round();
    ((quotient - nearest).abs() <= NOISE * quotient.abs()).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Number, ceil_of_quotient, exceeds, floor_of_quotient, thousandths};

    proptest! {
        #[test]
        fn thousandths_are_those_of_the_text(
            bits: f64, small in -1e7..1e7, of_ten_thousand in -30_000_000_i64..30_000_000, steps in -2_i64..=2,
        ) {
            // Ties, and what is next to them.
            let tie = of_ten_thousand as f64 / 1e4;
            let near = f64::from_bits((tie.to_bits() as i64 + steps) as u64);
            for value in [bits, small, tie, near] {
                let read: f64 = format!("{value:.3}").parse().unwrap();
                prop_assert!(thousandths(value).to_bits() == read.to_bits() || value.is_nan(), "{value:e}");
            }
        }
    }

    #[test]
    fn quotients_are_free_of_noise() {
        let cases = [
            (2.1, 0.7, 3, 3),
            (0.3, 0.1, 3, 3),
            (700.0, 100.0, 7, 7),
            (701.0, 100.0, 8, 7),
            (0.0, 5.0, 0, 0),
        ];
        for (value, unit, up, down) in cases {
            assert_eq!(ceil_of_quotient(value, unit), up, "{value}/{unit}");
            assert_eq!(floor_of_quotient(value, unit), down, "{value}/{unit}");
        }
        assert_eq!(ceil_of_quotient(1e300, 1e-300), u32::MAX);
        assert_eq!(ceil_of_quotient(1e-12, 1.0), 1, "a little load is some load");
        assert_eq!(ceil_of_quotient(-3.0, 1.0), 0);
    }

    #[test]
    fn noise_is_no_excess() {
        assert!(!exceeds(0.1 + 0.2, 0.3) && !exceeds(0.3, 0.3) && !exceeds(0.0, 0.0) && !exceeds(0.2, 0.3));
        assert!(exceeds(0.300001, 0.3) && exceeds(1e-9, 0.0));
    }

    #[test]
    fn reads_like_a_person_wrote_it() {
        let cases = [
            (0.0, "0"),
            (700.0, "700"),
            (0.1 + 0.2, "0.3"),
            (1234.5678, "1234.57"),
            (-2.5, "-2.5"),
            (1e300, "1.000e300"),
            (0.00001, "1.000e-5"),
            (999_999.95, "999999.9"),
        ];
        for (value, text) in cases {
            assert_eq!(Number(value).to_string(), text);
        }
    }
}
