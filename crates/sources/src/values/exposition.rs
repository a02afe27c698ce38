//! The text in which Prometheus' targets show their metrics, and which sample of it is meant.

use std::collections::BTreeMap;

/// Which sample is meant: the first of this name that has these labels, whatever else it has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selector {
    name: String,
    labels: BTreeMap<String, String>,
}

impl Selector {
    /// Reads `name` or `name{label="value"}`, or says what it must be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, labels) = match text.split_once('{') {
            None => (text, BTreeMap::new()),
            Some((name, rest)) => {
                let (labels, after) = labels(rest).ok_or(
                    "must be the name of a metric, with labels as {name=\"value\"}; other matchers than = are not \
                     supported",
                )?;
                if !after.trim().is_empty() {
                    return Err("must end after its labels".to_owned());
                }
                (name.trim(), labels)
            }
        };
        let mut labels = labels;
        let name = match labels.remove("__name__") {
            Some(inner) if name.is_empty() => inner,
            Some(_) => return Err("must not name the metric twice".to_owned()),
            None => name.to_owned(),
        };
        if !is_name(&name, ":") {
            return Err("must be the name of a metric, with labels as {name=\"value\"}".to_owned());
        }
        Ok(Self { name, labels })
    }

    /// The number of the sample that is meant, as it is written; `None` where there is none.
    pub(crate) fn find<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.lines().find_map(|line| self.number(line.trim()))
    }

    fn number<'a>(&self, line: &'a str) -> Option<&'a str> {
        let rest = line.strip_prefix(self.name.as_str())?;
        let (found, rest) = match rest.trim_start().strip_prefix('{') {
            Some(rest) => labels(rest)?,
            // Another name may begin with this one.
            None if rest.starts_with(char::is_whitespace) => (BTreeMap::new(), rest),
            None => return None,
        };
        let has = |(name, value): (&String, &String)| {
            found.get(name).map_or(value.is_empty(), |found| found == value)
        };
        self.labels.iter().all(has).then(|| rest.split_whitespace().next()).flatten()
    }
}

/// The labels before the closing bracket, and what follows it.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        text = text.trim_start();
        if let Some(after) = text.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, rest) = text.split_once('=')?;
        let name = name.trim();
        if !is_name(name, "") {
            return None;
        }
        let (value, rest) = quoted(rest.trim_start().strip_prefix('"')?)?;
        labels.insert(name.to_owned(), value);
        text = rest.trim_start();
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None if text.starts_with('}') => {}
            None => return None,
        }
    }
}

/// The text up to its closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

/// Whether `text` is a name: letters, digits and underlines, and `more`, not beginning with a digit.
fn is_name(text: &str, more: &str) -> bool {
    let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || more.contains(letter);
    !text.is_empty() && text.chars().all(good) && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP jobs Jobs that wait.
# TYPE jobs gauge
jobs_total 1
jobs{queue=\"a\",note=\"x } \\\"y\\\"\"} 2
jobs{queue=\"b\",} 3.5 1700000000000
jobs 4
  up{} +Inf
odd{a=b} 5
latency_bucket{le=\"0.5\"} 6 # {trace_id=\"x\"} 0.4
";

    #[test]
    fn the_first_sample_that_has_the_labels_is_found() {
        for (selector, expected) in [
            ("jobs", Some("2")),
            ("jobs{queue=\"b\"}", Some("3.5")),
            (" jobs { queue = \"a\" , } ", Some("2")),
            ("jobs{note=\"x } \\\"y\\\"\"}", Some("2")),
            ("{__name__=\"jobs\", queue=\"b\"}", Some("3.5")),
            ("jobs{queue=\"\"}", Some("4")),
            ("jobs{queue=\"c\"}", None),
            ("jobs_total", Some("1")),
            ("up", Some("+Inf")),
            ("job", None),
            ("latency_bucket{le=\"0.5\"}", Some("6")),
            ("odd", None),
        ] {
            assert_eq!(Selector::parse(selector).unwrap().find(TEXT), expected, "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "",
            "{}",
            "a b",
            "1a",
            "a{",
            "a{b}",
            "a{b=c}",
            "a{b=~\"c\"}",
            "a{b!=\"c\"}",
            "a{b=\"c\"}[5m]",
            "a{__name__=\"b\"}",
            "sum(a)",
        ] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
