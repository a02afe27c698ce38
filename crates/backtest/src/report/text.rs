//! Numbers and spans as people read them.

use std::fmt::{self, Write as _};
use std::time::Duration;

use engine::Number;

/// A score in few digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        return format!("{value:.0}");
    }
    let digits = if size >= 100.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        4
    };
    let scale = 10_f64.powi(digits);
    Number((value * scale).round() / scale).to_string()
}

/// A span in its two largest units: `29 d 12 h`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let mut text = String::new();
    for (count, unit) in
        parts.into_iter().skip_while(|(count, _)| *count == 0).take(2).filter(|(count, _)| *count > 0)
    {
        let _ = write!(text, "{}{count} {unit}", if text.is_empty() { "" } else { " " });
    }
    if text.is_empty() { format!("{:.3} s", span.as_secs_f64()) } else { text }
}

/// Text that may stand in HTML, attributes included.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_short() {
        let numbers =
            [(0.0, "0"), (0.051_23, "0.0512"), (3.456, "3.46"), (123.456, "123.5"), (54_321.9, "54322")];
        for (value, text) in numbers {
            assert_eq!(number(value), text);
        }
        let spans =
            [(30 * 86_400, "30 d"), (90_061, "1 d 1 h"), (3700, "1 h 1 min"), (59, "59 s"), (0, "0.000 s")];
        for (seconds, text) in spans {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(Escaped("<a b=\"'&'\">").to_string(), "&lt;a b=&quot;&#39;&amp;&#39;&quot;&gt;");
    }
}
