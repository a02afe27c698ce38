//! Numbers as Kubernetes writes them.

/// The largest value that is written: an HPA counts in thousandths, in 64 bits, which end a little above.
const LARGEST: f64 = 9e15;

/// The value in thousandths, as a quantity in its canonical form: `500m`, `7250m`, `8`, `100k`.
///
/// A quantity has no infinity; what is beyond its ends is written as its end, and NaN is written as nothing.
pub(super) fn quantity(value: f64) -> Option<String> {
    if value.is_nan() {
        return None;
    }
    // Printing rounds the exact value, which multiplying by a thousand does not.
    let text = format!("{:.3}", value.clamp(-LARGEST, LARGEST));
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let digits: String = digits.chars().filter(|digit| *digit != '.').collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    // Thousandths: each three zeros at the end make the next larger unit.
    let mut units = ["m", "", "k", "M", "G", "T", "P", "E"].into_iter();
    let (mut number, mut unit) = (digits, units.next().unwrap_or_default());
    while let Some(shorter) = number.strip_suffix("000") {
        let Some(larger) = units.next() else { break };
        (number, unit) = (shorter, larger);
    }
    Some(format!("{sign}{number}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_5_each_value_has_its_canonical_form() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.0004, "0"),
            (-0.0004, "0"),
            (0.5, "500m"),
            (0.001, "1m"),
            (7.25, "7250m"),
            (8.0, "8"),
            (10.0, "10"),
            (110.0, "110"),
            (1000.0, "1k"),
            (1500.0, "1500"),
            (100_000.0, "100k"),
            (2_000_000.0, "2M"),
            (-3.5, "-3500m"),
            (1.0005, "1"),
            (2.0 / 3.0, "667m"),
            (1e18, "9P"),
            (f64::INFINITY, "9P"),
            (f64::NEG_INFINITY, "-9P"),
        ] {
            assert_eq!(quantity(value).as_deref(), Some(text), "{value}");
        }
        assert_eq!(quantity(f64::NAN), None);
    }
}
