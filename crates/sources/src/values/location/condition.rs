//! Of which items of a list something holds. What it is compared with is a text, and counts as what is compared with it.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Found, Step, follow};

/// A condition of an item.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// What is compared: the item itself, where there are no steps.
    pub(super) of: Vec<Step>,
    /// `None` where it is enough that there is something.
    pub(super) comparison: Option<(Comparison, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    Unlike,
}

impl Comparison {
    /// The longer ones first, as a shorter one may begin them.
    pub(super) const SIGNS: [(&'static str, Self); 9] = [
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("!%", Self::Unlike),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("%", Self::Like),
    ];

    fn holds(self, order: Option<Ordering>) -> bool {
        match (self, order) {
            (Self::Equal, order) => order == Some(Ordering::Equal),
            (Self::Unequal, order) => order != Some(Ordering::Equal),
            (Self::Less, Some(order)) => order.is_lt(),
            (Self::LessOrEqual, Some(order)) => order.is_le(),
            (Self::Greater, Some(order)) => order.is_gt(),
            (Self::GreaterOrEqual, Some(order)) => order.is_ge(),
            (Self::Like | Self::Unlike, _) | (_, None) => false,
        }
    }
}

impl Condition {
    pub(super) fn holds(&self, item: &Value) -> bool {
        let Some(found) = follow(&self.of, item) else { return false };
        let Some((comparison, with)) = &self.comparison else { return true };
        match found {
            Found::Count(count) => comparison.holds((count as f64).partial_cmp(&number(with))),
            Found::Value(value) => match value.as_ref() {
                Value::String(text) => match comparison {
                    Comparison::Like => is_like(text, with),
                    Comparison::Unlike => !is_like(text, with),
                    _ => comparison.holds(Some(text.as_str().cmp(with))),
                },
                Value::Number(found) => {
                    comparison.holds(found.as_f64().and_then(|found| found.partial_cmp(&number(with))))
                }
                Value::Bool(found) => match with.as_str() {
                    "true" => comparison.holds(Some(found.cmp(&true))),
                    "false" => comparison.holds(Some(found.cmp(&false))),
                    _ => *comparison == Comparison::Unequal,
                },
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            },
        }
    }
}

/// What is no number counts as 0.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or_default()
}

/// Whether `text` is like `pattern`, where `*` stands for any signs and `?` for one, and `\` takes the next as it is.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut place) = (0, 0);
    // The last star, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        let (sign, width) = match pattern.get(place) {
            Some('\\') => (pattern.get(place + 1).copied(), 2),
            Some('*') => {
                star = Some((place + 1, at));
                place += 1;
                continue;
            }
            Some('?') => (Some(text[at]), 1),
            other => (other.copied(), 1),
        };
        if sign == Some(text[at]) {
            (at, place) = (at + 1, place + width);
        } else if let Some((behind, reach)) = star {
            star = Some((behind, reach + 1));
            (at, place) = (reach + 1, behind);
        } else {
            return false;
        }
    }
    pattern[place.min(pattern.len())..].iter().all(|sign| *sign == '*')
}
