//! How KEDA writes values of parameters: numbers as JSON has them, booleans and durations as Go has them, lists and maps
//! with commas.

use std::time::Duration;

/// A whole number by JSON's grammar, within 64 bits.
pub(super) fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    is_json_whole(digits).then(|| text.parse().ok()).flatten()
}

/// A number by JSON's grammar, within what a double can hold.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let is_number = is_json_whole(whole) && fraction.is_none_or(is_digits) && exponent.is_none_or(is_digits);
    is_number.then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite())
}

fn is_json_whole(digits: &str) -> bool {
    is_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A boolean, as Go's `strconv.ParseBool` reads one.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The units of a duration in Go, in nanoseconds; those that others begin with stand behind them.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// A duration, as Go writes one (`1m30s`, `500ms`), or in whole milliseconds; not below zero.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if let Ok(millis) = text.parse::<i64>() {
        return u64::try_from(millis).ok().map(Duration::from_millis);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|found: char| !found.is_ascii_digit() && found != '.')?;
        let (number, behind) = rest.split_at(end);
        let (unit, size) = UNITS.iter().find(|(unit, _)| {
            behind.strip_prefix(unit).is_some_and(|more| !more.starts_with(|next: char| next.is_alphabetic()))
        })?;
        nanos += number.parse::<f64>().ok()? * size;
        rest = &behind[unit.len()..];
    }
    // Go counts nanoseconds in 63 bits.
    (!text.is_empty() && nanos < 2_f64.powi(63)).then(|| Duration::from_nanos(nanos.round() as u64))
}

/// The items of a list.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).collect()
}

/// The entries of a map.
///
/// # Errors
/// The first item that is not `key=value`, with exactly one equals sign.
pub(super) fn map(text: &str) -> Result<Vec<(String, String)>, String> {
    let entry = |item: &str| match item.split('=').collect::<Vec<_>>().as_slice() {
        [key, value] => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err(item.trim().to_owned()),
    };
    text.split(',').map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_6_0_numbers_are_those_of_json() {
        for (text, number) in
            [("5", Some(5)), ("0", Some(0)), ("-3", Some(-3)), ("9223372036854775807", Some(i64::MAX))]
        {
            assert_eq!(whole(text), number, "{text}");
        }
        for text in
            ["", "+5", "010", "5.0", "1e3", "0x5", "1_000", " 5", "-", "9223372036854775808", "null", "\"5\""]
        {
            assert_eq!(whole(text), None, "{text}");
        }
        for (text, number) in [("5", 5.0), ("0.5", 0.5), ("-2.25", -2.25), ("1e3", 1000.0), ("2.5E-1", 0.25)]
        {
            assert_eq!(float(text), Some(number), "{text}");
        }
        for text in
            ["", "+5", ".5", "5.", "010", "NaN", "Infinity", "inf", "1e", "1e999", "1.2.3", "5k", "--1"]
        {
            assert_eq!(float(text), None, "{text}");
        }
    }

    #[test]
    fn contract_6_0_booleans_are_those_of_go() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "yes", "tRUE", "on", "2"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn contract_6_0_durations_are_those_of_go_or_milliseconds() {
        for (text, millis) in [
            ("0", 0),
            ("500", 500),
            ("+500", 500),
            ("500ms", 500),
            ("5s", 5000),
            ("1.5s", 1500),
            (".5s", 500),
            ("1m30s", 90_000),
            ("2h0m1s", 7_201_000),
            ("+3s", 3000),
            ("250000us", 250),
            ("250000\u{b5}s", 250),
            ("5000000ns", 5),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "-1", "-5s", "5", "1d", "s", "5 s", "1m30", "1.2.3s", "99999999h", "5sm"] {
            let expected = (text == "5").then(|| Duration::from_millis(5));
            assert_eq!(duration(text), expected, "{text}");
        }
    }

    #[test]
    fn contract_6_0_lists_and_maps_have_commas() {
        assert_eq!(list("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(list("a"), ["a"]);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(map("a=1, b = 2 "), Ok(vec![pair("a", "1"), pair("b", "2")]));
        assert_eq!(map("a="), Ok(vec![pair("a", "")]));
        assert_eq!(map("a=1,b"), Err("b".to_owned()));
        assert_eq!(map("a=b=c"), Err("a=b=c".to_owned()), "values cannot contain an equals sign");
    }
}
