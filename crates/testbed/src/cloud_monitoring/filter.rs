//! Monitoring filters: comparisons of a selector with a quoted text, joined by AND. That is a
//! part of the real language; what lies outside of it is an error here, never ignored.

use super::points::SeriesName;

/// A filter, found good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter(Vec<(String, String)>);

impl Filter {
    /// Reads a filter, which must name exactly one metric type.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut comparisons = Vec::new();
        let mut rest = text.trim_start();
        loop {
            let (comparison, after) = comparison(rest)?;
            comparisons.push(comparison);
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix("AND ").ok_or("comparisons must be joined by AND")?.trim_start();
        }
        if comparisons.iter().filter(|(selector, _)| selector == "metric.type").count() != 1 {
            return Err("a filter must have exactly one metric.type".into());
        }
        Ok(Self(comparisons))
    }

    pub(super) fn matches(&self, series: &SeriesName) -> bool {
        self.0.iter().all(|(selector, value)| series.selected(selector) == Some(value))
    }
}

fn comparison(text: &str) -> Result<((String, String), &str), String> {
    let (selector, rest) = text.split_once('=').ok_or("a comparison has no =")?;
    let selector = selector.trim_end();
    let root = selector.split('.').next().unwrap_or_default();
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !["project", "metric", "resource"].contains(&root) || !selector.split('.').all(word) {
        return Err(format!("{selector} is not a selector for time series"));
    }
    let (value, rest) = quoted(rest.trim_start())?;
    Ok(((selector.to_owned(), value), rest))
}

/// A text in quotes, with backslashes before quotes and backslashes.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let inner = text.strip_prefix('"').ok_or("a value must be in double quotes")?;
    let (mut value, mut escaped) = (String::new(), false);
    for (at, sign) in inner.char_indices() {
        match sign {
            '"' if !escaped => return Ok((value, &inner[at + 1..])),
            '\\' if !escaped => escaped = true,
            other => {
                value.push(other);
                escaped = false;
            }
        }
    }
    Err("a value has no closing quote".into())
}

/// Names and values of a query or a form.
pub(super) fn decoded(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

fn plain(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%');
        bytes.push(code.unwrap_or(if first == b'+' { b' ' } else { first }));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_read_with_their_quotes() {
        let filter =
            Filter::parse(r#"metric.type="a/b"  AND  resource.labels.subscription_id = "x\"y\\" "#).unwrap();
        let expected = [("metric.type", "a/b"), ("resource.labels.subscription_id", "x\"y\\")];
        assert_eq!(filter.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_not_a_filter_is_refused() {
        for bad in [
            "",
            "metric.type",
            "metric.type = a",
            "metric.type = \"a",
            "metric.type = \"a\" metric.type = \"b\"",
            "metric.type = \"a\" AND metric.type = \"b\"",
            "metric.type = \"a\" OR project = \"b\"",
            "resource.labels.subscription_id = \"a\"",
            "metric.type = \"a\" AND subscription_id = \"b\"",
            "metric.type = \"a\" AND ",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(decoded("a=b+c%22%2B&d=&e"), [pair("a", "b c\"+"), pair("d", ""), pair("e", "")]);
        assert_eq!(decoded("a=%zz%2"), [pair("a", "%zz%2")]);
    }
}
