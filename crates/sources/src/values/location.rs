//! Where a value is in a document, in the form that KEDA's users know: GJSON's paths.
//!
//! | step | what it leads to |
//! |---|---|
//! | `name` | the member of that name; `\` before a dot or another sign takes it as it is |
//! | `na*e`, `na?e` | the first member whose name is like that: `*` for any signs, `?` for one |
//! | `3` | the item at that place of a list, from 0 |
//! | `#` | at the end: how many items the list has; before others: what they lead to in each item |
//! | `#(name=="a")` | the first item of which that holds: `==`, `!=`, `<`, `<=`, `>`, `>=`, `%` (like), `!%` (not like) |
//! | `#(name=="a")#` | all items of which that holds |
//! | `@this`, `@reverse`, `@keys`, `@values`, `@flatten` | the same in another form |
//!
//! Steps have dots between, or `|`, which goes on with all that was found so far where a dot goes on with each. Members are
//! looked at in the order of their names.

mod condition;
mod parse;

use std::borrow::Cow;

use serde_json::Value;

use condition::Condition;

/// Where a value is in a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Location(Vec<Run>);

/// Steps with dots between.
type Run = Vec<Step>;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Like(String),
    Each,
    First(Condition),
    All(Condition),
    Modifier(Modifier),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Modifier {
    This,
    Reverse,
    Keys,
    Values,
    Flatten,
}

/// What a location leads to.
#[derive(Debug, PartialEq)]
pub(crate) enum Found<'a> {
    Value(Cow<'a, Value>),
    /// The number of items of a list.
    Count(usize),
}

impl Location {
    /// Reads a location, or says what it must be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::location(text).map(Self)
    }

    /// What it leads to in `document`; `None` where nothing is there.
    pub(crate) fn find<'a>(&self, document: &'a Value) -> Option<Found<'a>> {
        let mut found = Found::Value(Cow::Borrowed(document));
        for run in &self.0 {
            found = match found {
                Found::Value(Cow::Borrowed(value)) => follow(run, value)?,
                Found::Value(Cow::Owned(value)) => follow(run, &value)?.into_owned(),
                // A number has no parts.
                Found::Count(_) => return None,
            };
        }
        Some(found)
    }
}

impl Found<'_> {
    fn into_owned<'b>(self) -> Found<'b> {
        match self {
            Found::Value(value) => Found::Value(Cow::Owned(value.into_owned())),
            Found::Count(count) => Found::Count(count),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Found::Value(value) => value.into_owned(),
            Found::Count(count) => count.into(),
        }
    }
}

/// What `steps` lead to from `value`.
fn follow<'a>(steps: &[Step], value: &'a Value) -> Option<Found<'a>> {
    let Some((step, rest)) = steps.split_first() else { return Some(Found::Value(Cow::Borrowed(value))) };
    match step {
        Step::Name(name) => follow(rest, named(value, name)?),
        Step::Like(pattern) => {
            let members = value.as_object()?;
            let (_, member) = members.iter().find(|(name, _)| condition::is_like(name, pattern))?;
            follow(rest, member)
        }
        Step::Each if rest.is_empty() => Some(Found::Count(value.as_array()?.len())),
        Step::Each => Some(each(value.as_array()?.iter(), rest)),
        Step::First(condition) => follow(rest, value.as_array()?.iter().find(|item| condition.holds(item))?),
        Step::All(condition) => {
            Some(each(value.as_array()?.iter().filter(|item| condition.holds(item)), rest))
        }
        Step::Modifier(modifier) => {
            let changed = modifier.of(value)?;
            Some(follow(rest, &changed)?.into_owned())
        }
    }
}

/// What `steps` lead to in each of `items` that has something there.
fn each<'a>(items: impl Iterator<Item = &'a Value>, steps: &[Step]) -> Found<'a> {
    let found = items.filter_map(|item| follow(steps, item)).map(Found::into_value);
    Found::Value(Cow::Owned(Value::Array(found.collect())))
}

fn named<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

impl Modifier {
    const NAMES: [(&'static str, Self); 5] = [
        ("@this", Self::This),
        ("@reverse", Self::Reverse),
        ("@keys", Self::Keys),
        ("@values", Self::Values),
        ("@flatten", Self::Flatten),
    ];

    fn of(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Reverse, Value::Array(items)) => Some(items.iter().rev().cloned().collect()),
            (Self::This | Self::Reverse, value) => Some(value.clone()),
            (Self::Keys, Value::Object(members)) => Some(members.keys().cloned().collect()),
            (Self::Values, Value::Object(members)) => Some(members.values().cloned().collect()),
            (Self::Flatten, Value::Array(items)) => {
                let parts = items.iter().flat_map(|item| match item {
                    Value::Array(inner) => inner.as_slice(),
                    other => std::slice::from_ref(other),
                });
                Some(parts.cloned().collect())
            }
            (Self::Keys | Self::Values | Self::Flatten, _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
