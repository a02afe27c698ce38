//! Numbers as people read them: six significant digits, no trailing zeros.

use std::fmt;

/// Prints a metric value without the noise of binary fractions: `0.3`, `1200`, `1.5e9`.
pub(crate) struct Number(pub(crate) f64);

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

#[cfg(test)]
mod tests {
    use super::Number;

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
