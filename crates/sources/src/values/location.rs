//! Where a value is in a document, in the short form that KEDA's users know: a subset of GJSON's paths.
//!
//! | step | what it leads to |
//! |---|---|
//! | `name` | the member of that name; `\` before a dot or another sign takes it as it is |
//! | `3` | the item at that place of a list, from 0 |
//! | `#` | at the end: how many items the list has |
//! | `#(name=="a")` | the first item of which that holds: `==`, `!=`, `<`, `<=`, `>`, `>=` with a text or a number |
//!
//! Steps have dots between. Wildcards, modifiers and paths that lead to several values are refused.

use serde_json::Value;

/// Most steps of a location.
const MAX_STEPS: usize = 64;

/// Where a value is in a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Location(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Count,
    First { inner: Vec<Step>, comparison: Comparison, with: Operand },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// What a location leads to.
#[derive(Debug, PartialEq)]
pub(crate) enum Found<'a> {
    Value(&'a Value),
    /// The number of items of a list.
    Count(usize),
}

impl Location {
    /// Reads a location, or says what it must be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let steps = steps(text)?;
        if steps.len() > MAX_STEPS {
            return Err(format!("must have at most {MAX_STEPS} steps"));
        }
        let last = steps.len().saturating_sub(1);
        if steps.iter().take(last).any(|step| *step == Step::Count) {
            return Err("must lead to one value: # may only be its last step".to_owned());
        }
        Ok(Self(steps))
    }

    /// What it leads to in `document`; `None` where nothing is there.
    pub(crate) fn find<'a>(&self, document: &'a Value) -> Option<Found<'a>> {
        find(&self.0, document)
    }
}

fn find<'a>(steps: &[Step], document: &'a Value) -> Option<Found<'a>> {
    let mut value = document;
    for step in steps {
        value = match step {
            Step::Name(name) => match value {
                Value::Object(members) => members.get(name)?,
                Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                _ => return None,
            },
            Step::Count => return Some(Found::Count(value.as_array()?.len())),
            Step::First { inner, comparison, with } => {
                let holds = |item: &&Value| match find(inner, item) {
                    Some(Found::Value(found)) => with.holds(found, *comparison),
                    Some(Found::Count(count)) => {
                        matches!(with, Operand::Number(number) if comparison.holds((count as f64).partial_cmp(number)))
                    }
                    None => false,
                };
                value.as_array()?.iter().find(holds)?
            }
        };
    }
    Some(Found::Value(value))
}

impl Comparison {
    /// The longer ones first, as a shorter one may begin them.
    const SIGNS: [(&str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn holds(self, order: Option<std::cmp::Ordering>) -> bool {
        let Some(order) = order else { return self == Self::Unequal };
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Operand {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "true" => return Some(Self::Flag(true)),
            "false" => return Some(Self::Flag(false)),
            _ => {}
        }
        match serde_json::from_str(text).ok()? {
            Value::String(text) => Some(Self::Text(text)),
            Value::Number(number) => number.as_f64().map(Self::Number),
            _ => None,
        }
    }

    fn holds(&self, found: &Value, comparison: Comparison) -> bool {
        match (self, found) {
            (Self::Text(text), Value::String(found)) => comparison.holds(Some(found.cmp(text))),
            (Self::Number(number), Value::Number(found)) => {
                comparison.holds(found.as_f64().and_then(|found| found.partial_cmp(number)))
            }
            (Self::Flag(flag), Value::Bool(found)) => comparison.holds(Some(found.cmp(flag))),
            _ => comparison == Comparison::Unequal,
        }
    }
}

/// The steps of a path, which has at least one.
fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let (step, after) = step(rest)?;
        steps.push(step);
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(steps),
            None => return Err(format!("must have a dot between its steps, before {after:?}")),
        }
    }
}

/// The first step of a path, and what follows it.
fn step(text: &str) -> Result<(Step, &str), String> {
    if let Some(query) = text.strip_prefix("#(") {
        let end = closing(query).ok_or("must have a closing bracket for each #(")?;
        let after = &query[end + 1..];
        if after.starts_with('#') {
            return Err("must lead to one value: #(…)# leads to several".to_owned());
        }
        return Ok((condition(&query[..end])?, after));
    }
    if text == "#" || text.starts_with("#.") {
        return Ok((Step::Count, &text[1..]));
    }
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next().ok_or("must have a sign after each \\")?.1),
            '.' if at > 0 => return Ok((Step::Name(name), &text[at..])),
            '.' => break,
            '*' | '?' | '|' | '{' | '[' | '(' => {
                return Err(format!(
                    "must not have {letter}, or have it as \\{letter}; wildcards and modifiers \
                                    are not supported"
                ));
            }
            '@' | '!' if at == 0 => {
                return Err(format!("must not have a step that begins with {letter}, which is a modifier"));
            }
            other => name.push(other),
        }
    }
    if name.is_empty() { Err("must not have an empty step".to_owned()) } else { Ok((Step::Name(name), "")) }
}

/// Where the bracket closes that stands before `text`.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn condition(text: &str) -> Result<Step, String> {
    let signs = text.char_indices().filter(|(_, letter)| "=!<>".contains(*letter));
    let at = signs
        .map(|(at, _)| at)
        .next()
        .ok_or("must have a comparison in each #(…), such as #(name==\"a\")")?;
    let (left, right) = text.split_at(at);
    let sign = Comparison::SIGNS.iter().find(|(sign, _)| right.starts_with(sign));
    let (sign, comparison) = sign.ok_or("must have one of ==, !=, <, <=, >, >= in each #(…)")?;
    let with = Operand::parse(right[sign.len()..].trim());
    let with = with.ok_or("must compare with a text in quotes, a number, true or false in each #(…)")?;
    let inner = if left.trim().is_empty() { Vec::new() } else { steps(left.trim())? };
    Ok(Step::First { inner, comparison: *comparison, with })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(path: &str, document: &Value) -> Option<Value> {
        let location = Location::parse(path).unwrap_or_else(|why| panic!("{path}: {why}"));
        location.find(document).map(|found| match found {
            Found::Value(value) => value.clone(),
            Found::Count(count) => json!(count),
        })
    }

    #[test]
    fn every_step_leads_where_gjson_leads() {
        let document = json!({
            "name": {"first": "Tom"}, "fav.movie": 7, "*": 8, "12": "by name", "#": 9,
            "items": [{"n": "a", "v": 1, "tags": ["x"]}, {"n": "b", "v": 2, "tags": []}, 5],
        });
        for (path, expected) in [
            ("name.first", Some(json!("Tom"))),
            ("name", Some(json!({"first": "Tom"}))),
            (r"fav\.movie", Some(json!(7))),
            (r"\*", Some(json!(8))),
            ("12", Some(json!("by name"))),
            (r"\#", Some(json!(9))),
            ("items.1.v", Some(json!(2))),
            ("items.#", Some(json!(3))),
            ("items.0.tags.#", Some(json!(1))),
            (r#"items.#(n=="b").v"#, Some(json!(2))),
            (r#"items.#(n="b").v"#, Some(json!(2))),
            (r#"items.#(n!="a").v"#, Some(json!(2))),
            ("items.#(v>1).n", Some(json!("b"))),
            ("items.#(v<=1).n", Some(json!("a"))),
            ("items.#(tags.#>=1).n", Some(json!("a"))),
            (r#"items.#(n=="c").v"#, None),
            ("items.3", None),
            ("items.x", None),
            ("items.-1", None),
            ("name.first.x", None),
            ("name.#", None),
            ("none", None),
        ] {
            assert_eq!(value(path, &document), expected, "{path}");
        }
        assert_eq!(value("0.a", &json!([{"a": 1}])), Some(json!(1)));
        assert_eq!(value("#(>3)", &json!([1, 5, 9])), Some(json!(5)));
    }

    #[test]
    fn what_is_not_supported_is_refused_with_what_to_do() {
        for (path, words) in [
            ("", "empty step"),
            ("a..b", "empty step"),
            ("a.", "empty step"),
            (".a", "empty step"),
            ("a*", "wildcards"),
            ("a.b?", "wildcards"),
            ("a|b", "modifiers"),
            ("@reverse", "modifier"),
            ("items.#.v", "one value"),
            (r#"items.#(n=="a")#.v"#, "several"),
            ("items.#(n", "closing bracket"),
            ("items.#(n)", "comparison"),
            ("items.#(n==a)", "quotes"),
            (r#"items.#(n%"a*")"#, "comparison"),
            ("a\\", "sign after"),
            ("#(a==1)b", "dot between"),
        ] {
            let why = Location::parse(path).unwrap_err();
            assert!(why.contains(words), "{path}: {why}");
        }
        assert!(Location::parse(&vec!["a"; 65].join(".")).is_err());
    }
}
