//! Text in HTML.

use std::fmt;

use engine::Time;

/// Text as it must stand in HTML, in and outside attributes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

/// `just now`, `40 s ago`, `5 min ago`, `3 h ago`.
pub(super) fn ago(now: Time, then: Time) -> String {
    match now.since(then).as_secs() {
        0..=1 => "just now".to_owned(),
        seconds @ 2..=99 => format!("{seconds} s ago"),
        seconds @ 100..=5999 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

/// A number with at most three digits behind the point.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes() {
        let text = Escaped("<script>alert('x')</script> & \"y\"").to_string();
        assert_eq!(text, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;");
    }

    #[test]
    fn times_and_numbers_read_well() {
        let now = Time::from_seconds(100_000);
        let times =
            [(100_000, "just now"), (99_960, "40 s ago"), (99_400, "10 min ago"), (89_000, "3 h ago")];
        for (second, text) in times {
            assert_eq!(ago(now, Time::from_seconds(second)), text);
        }
        assert_eq!([number(3000.0), number(0.12345), number(-2.5)], ["3000", "0.123", "-2.5"]);
    }
}
