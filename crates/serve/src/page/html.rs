//! Text in HTML.

use std::fmt;
use std::time::Duration;

use engine::Time;
use runner::ObjectState;

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

/// `just now`, `40 s ago`, `5 min ago`, `3 h ago`, `4 days ago`.
pub(super) fn ago(now: Time, then: Time) -> String {
    match now.since(then).as_secs() {
        0..=1 => "just now".to_owned(),
        _ => format!("{} ago", age(now, then)),
    }
}

/// `40 s`, `5 min`, `3 h`, `4 days`.
pub(super) fn age(now: Time, then: Time) -> String {
    span(now.since(then))
}

/// The same for a length of time.
pub(super) fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds @ 100..=5999 => format!("{} min", seconds / 60),
        seconds @ 6000..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// The time of day: `22:13:20 UTC`.
pub(super) fn clock(time: Time) -> String {
    let text = time.to_string();
    text.get(11..19).map_or_else(|| text.clone(), |clock| format!("{clock} UTC"))
}

/// A number with at most three digits behind the point; very large and very small ones as `1.5e18`.
pub(super) fn number(value: f64) -> String {
    if value.abs() >= 1e15 || (value != 0.0 && value.abs() < 0.001) {
        let text = format!("{value:.3e}");
        return text
            .split_once('e')
            .map_or_else(|| text.clone(), |(digits, power)| format!("{}e{power}", trimmed(digits)));
    }
    trimmed(&format!("{value:.3}")).to_owned()
}

/// Digits without the zeros at their end that mean nothing.
fn trimmed(digits: &str) -> &str {
    digits.trim_end_matches('0').trim_end_matches('.')
}

/// Percent-encoded for a query or a part of a path.
pub(super) fn encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

/// The path of an object's own page; one of a cluster-scoped kind has no namespace in it, as in the API.
pub(super) fn path(kind: &str, namespace: &str, name: &str) -> String {
    match namespace {
        "" => format!("/objects/{}/{}", encoded(kind), encoded(name)),
        namespace => format!("/objects/{}/{}/{}", encoded(kind), encoded(namespace), encoded(name)),
    }
}

/// Kind, namespace and name of an object, as a link to its page.
pub(super) fn link(state: &ObjectState) -> String {
    let path = path(state.key.kind, &state.key.namespace, &state.key.name);
    format!("<a class=\"name\" href=\"{}\"><b>{}</b></a>", Escaped(&path), Escaped(&full_name(state)))
}

/// Kind, namespace and name of an object.
pub(super) fn full_name(state: &ObjectState) -> String {
    called(state.key.kind, &state.key.namespace, &state.key.name)
}

/// The same of an object that is only known by them.
pub(super) fn called(kind: &str, namespace: &str, name: &str) -> String {
    match namespace {
        "" => format!("{kind} {name}"),
        namespace => format!("{kind} {namespace}/{name}"),
    }
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
    fn a_page_has_the_path_of_its_object() {
        assert_eq!(path("ScalingRule", "shop", "orders"), "/objects/ScalingRule/shop/orders");
        assert_eq!(path("BusinessScaling", "", "a/b c"), "/objects/BusinessScaling/a%2Fb%20c");
    }

    #[test]
    fn times_and_numbers_read_well() {
        let now = Time::from_seconds(100_000);
        let times = [
            (100_000, "just now"),
            (99_960, "40 s ago"),
            (99_400, "10 min ago"),
            (89_000, "3 h ago"),
            (-300_000, "4 days ago"),
        ];
        for (second, text) in times {
            assert_eq!(ago(now, Time::from_seconds(second)), text);
        }
        assert_eq!(clock(Time::from_seconds(1_700_000_000)), "22:13:20 UTC");
        let numbers = [3000.0, 0.12345, -2.5, 0.0, 1e300, 1.844_674e19, 0.000_42].map(number);
        assert_eq!(numbers, ["3000", "0.123", "-2.5", "0", "1e300", "1.845e19", "4.2e-4"]);
    }
}
