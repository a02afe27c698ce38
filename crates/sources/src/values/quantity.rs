//! Quantities as Kubernetes writes them: `250m`, `1.5`, `64Mi`, `123456789n`, `1e3`.

/// What each suffix multiplies with.
const SUFFIXES: [(&str, f64); 16] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("", 1.0),
];

/// The number that `text` stands for; `None` where it is no quantity.
pub(crate) fn parse(text: &str) -> Option<f64> {
    // The parser of floats knows names of numbers that are none here.
    let end = text.rfind(|found: char| found.is_ascii_digit() || found == '.')? + 1;
    let (number, suffix) = text.split_at(end);
    let (_, factor) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
    let starts_well = number
        .trim_start_matches(['+', '-'])
        .starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let number: f64 = number.parse().ok().filter(|number: &f64| starts_well && number.is_finite())?;
    // Dividing keeps decimal fractions exact that multiplying would not.
    Some(if *factor < 1.0 { number / (1.0 / factor).round() } else { number * factor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_numbers() {
        for (text, number) in [
            ("0", 0.0),
            ("1", 1.0),
            ("250m", 0.25),
            ("100m", 0.1),
            ("1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("123456789n", 0.123_456_789),
            ("7u", 7e-6),
            ("64Mi", 67_108_864.0),
            ("1Ki", 1024.0),
            ("2Gi", 2_147_483_648.0),
            ("12k", 12_000.0),
            ("1e3", 1000.0),
            ("1E3", 1000.0),
            ("2E", 2e18),
            ("-3", -3.0),
            ("1e-1", 0.1),
        ] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_no_number() {
        for text in
            ["", "m", "1 Mi", "1mi", "abc", "inf", "NaN", "1e999", "0x1", "1.2.3", "--1", "Ki5", "1_000"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
