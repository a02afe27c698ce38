//! Quantities as Kubernetes writes them, `250m`, `1.5`, `64Mi`, `1e3`, kept as the exact decimal that they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// An exact decimal number, `unscaled × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    unscaled: i128,
    exponent: i32,
}

/// A text that is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAQuantity;

impl fmt::Display for NotAQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a quantity, such as 250m, 1.5, 64Mi or 1e3")
    }
}

impl std::error::Error for NotAQuantity {}

/// Powers of ten by their suffix.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// Powers of 1024 by their suffix.
const BINARY: [(&str, u32); 6] = [("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];

/// More digits than any amount needs, and few enough for all arithmetic in 128 bits.
const MOST_DIGITS: usize = 19;

/// No amount is written with a greater exponent, positive or negative.
const GREATEST_EXPONENT: i32 = 30;

impl FromStr for Quantity {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let end = text.rfind(|found: char| found.is_ascii_digit() || found == '.').ok_or(NotAQuantity)? + 1;
        let (number, suffix) = text.split_at(end);
        let (mantissa, power) = match number.split_once(['e', 'E']) {
            Some((mantissa, power)) if suffix.is_empty() => {
                (mantissa, power.parse().map_err(|_| NotAQuantity)?)
            }
            Some(_) => return Err(NotAQuantity),
            None => (number, 0),
        };
        let (unscaled, places) = decimal(mantissa).ok_or(NotAQuantity)?;
        let binary = BINARY.iter().find(|(known, _)| *known == suffix);
        let (factor, shift) = match binary {
            Some((_, power)) => (1024_i128.pow(*power), 0),
            None => {
                let known = DECIMAL.iter().find(|(known, _)| *known == suffix);
                (1, known.ok_or(NotAQuantity)?.1)
            }
        };
        let exponent = i32::saturating_add(power, shift - places);
        if !(-GREATEST_EXPONENT..=GREATEST_EXPONENT).contains(&exponent) {
            return Err(NotAQuantity);
        }
        Ok(Self { unscaled: unscaled * factor, exponent })
    }
}

impl Quantity {
    /// An amount in thousandths as the API server writes it, so that a field that is as it should be is found so.
    pub fn written(milli: i64) -> String {
        const SUFFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
        if milli % 1000 != 0 {
            return format!("{milli}m");
        }
        let (mut whole, mut place) = (milli / 1000, 0);
        while whole != 0 && whole % 1000 == 0 && place + 1 < SUFFIXES.len() {
            (whole, place) = (whole / 1000, place + 1);
        }
        format!("{whole}{}", SUFFIXES[place])
    }
}

/// The digits of `text` as a whole number, and how many of them stand behind the point.
fn decimal(text: &str) -> Option<(i128, i32)> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all = format!("{whole}{fraction}");
    let is_number =
        digits.len() > usize::from(digits.contains('.')) && all.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || all.trim_start_matches('0').len() > MOST_DIGITS {
        return None;
    }
    let value: i128 = if all.is_empty() { 0 } else { all.parse().ok()? };
    Some((if is_negative { -value } else { value }, i32::try_from(fraction.len()).ok()?))
}

impl Quantity {
    /// The number in thousandths, rounded away from zero, as the controller's `MilliValue` does; at the ends of `i64`
    /// where it lies beyond them.
    pub fn milli(self) -> i64 {
        let shift = self.exponent + 3;
        let milli = if shift >= 0 {
            self.unscaled.checked_mul(10_i128.pow(shift.unsigned_abs()))
        } else {
            let unit = 10_i128.pow(shift.unsigned_abs());
            let rest = self.unscaled % unit;
            Some(self.unscaled / unit + rest.signum())
        };
        let end = if self.unscaled < 0 { i64::MIN } else { i64::MAX };
        milli.and_then(|milli| i64::try_from(milli).ok()).unwrap_or(end)
    }

    /// The nearest float by the controller's own way, `AsApproximateFloat64`: the number as it stands in the canonical
    /// text, without its suffix, times the suffix's power of ten.
    pub fn approximate(self) -> f64 {
        let Self { mut unscaled, mut exponent } = self;
        if unscaled == 0 {
            return 0.0;
        }
        while unscaled % 10 == 0 {
            (unscaled, exponent) = (unscaled / 10, exponent + 1);
        }
        while exponent % 3 != 0 {
            // Beyond 128 bits only the last bit of the float could be another one.
            let Some(greater) = unscaled.checked_mul(10) else { break };
            (unscaled, exponent) = (greater, exponent - 1);
        }
        unscaled as f64 * power_of_ten(exponent)
    }
}

/// The float nearest to `10^exponent`.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(serde_json::Number),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn thousandths_are_exact_and_rounded_away_from_zero() {
        for (text, milli) in [
            ("0", 0),
            ("1", 1000),
            ("33300m", 33_300),
            ("51.319", 51_319),
            ("-1.5", -1500),
            ("0.0001", 1),
            ("-0.0001", -1),
            ("123456789n", 124),
            ("1u", 1),
            ("1.50", 1500),
            (".5", 500),
            ("5.", 5000),
            ("64Mi", 67_108_864_000),
            ("1.5Ki", 1_536_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("2E", i64::MAX),
            ("-9223372036854775807", i64::MIN),
            ("1e-1", 100),
        ] {
            assert_eq!(quantity(text).milli(), milli, "{text}");
        }
    }

    #[test]
    fn a_tolerance_is_the_float_that_the_controller_has() {
        for (text, float) in [
            ("0", 0.0),
            ("0.1", 0.1),
            ("100m", 0.1),
            ("0.05", 0.05),
            ("0.3", 0.3),
            ("1", 1.0),
            ("1.25", 1.25),
            ("2k", 2000.0),
            ("0.0005", 500.0 * 1e-6),
        ] {
            assert_eq!(quantity(text).approximate().to_bits(), f64::to_bits(float), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_quantity_is_refused() {
        for text in [
            "",
            ".",
            "m",
            "1 Mi",
            "1mi",
            "abc",
            "inf",
            "NaN",
            "1e999",
            "0x1",
            "1.2.3",
            "--1",
            "Ki5",
            "1_000",
            "1e3m",
            "12345678901234567890123",
        ] {
            assert_eq!(text.parse::<Quantity>(), Err(NotAQuantity), "{text}");
        }
    }

    #[test]
    fn json_has_it_as_text_or_as_a_number() {
        let read = |json: &str| serde_json::from_str::<Quantity>(json).ok().map(Quantity::milli);
        assert_eq!(read(r#""250m""#), Some(250));
        assert_eq!(read("33.3"), Some(33_300));
        assert_eq!(read("7"), Some(7000));
        assert_eq!(read("true"), None);
        assert_eq!(read(r#""x""#), None);
    }
}
