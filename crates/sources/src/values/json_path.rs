//! JSONPath (RFC 9535): which value of an answer is meant.
//!
//! The grammar comes from a library; the evaluation is ours, because path and answer
//! both come from strangers. The library writes down the way to every node it passes
//! and knows no limit, so a megabyte of JSON can cost it gigabytes. Here a path may
//! take a bounded number of steps. Sources with JSON answers call this.

mod evaluate;
mod operand;
mod supported;

use jsonpath_rust::parser::errors::JsonPathError;
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use serde_json::Value;

use evaluate::Evaluation;

/// Longest path that is read, in bytes.
const MAX_LENGTH: usize = 1024;

/// Deepest nesting of brackets. The parser may take time exponential in it.
const MAX_NESTING: usize = 8;

/// Steps that one evaluation may take: some for each value of the largest answer that is read.
const MAX_STEPS: usize = 2_000_000;

/// A path that was found good.
#[derive(Debug)]
pub(crate) struct JsonPath {
    query: JpQuery,
}

/// The evaluation would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManySteps;

impl JsonPath {
    /// The path that `text` spells, or what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("must be at most {MAX_LENGTH} bytes long"));
        }
        if !text.starts_with('$') {
            return Err("must be a JSONPath (RFC 9535) that begins with $".into());
        }
        if nesting(text) > MAX_NESTING {
            return Err(format!("must not nest brackets deeper than {MAX_NESTING}"));
        }
        let query = parse_json_path(text)
            .map_err(|error| format!("must be a JSONPath (RFC 9535): {}", explain(text, &error)))?;
        supported::check(&query)?;
        Ok(Self { query })
    }

    /// The values that the path selects, in document order.
    pub(crate) fn select<'a>(&'a self, document: &'a Value) -> Result<Vec<&'a Value>, TooManySteps> {
        Evaluation::new(document, MAX_STEPS).nodes(&self.query.segments, document)
    }
}

/// How deep brackets nest outside of quoted names.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quote) = (0_usize, 0, None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The parser's complaint in one line: where reading stopped, or what it says itself.
fn explain(text: &str, error: &JsonPathError) -> String {
    let JsonPathError::PestError(syntax) = error else { return error.to_string() };
    // The position's own type belongs to a crate that is not a dependency; its text does not.
    let stopped = syntax.to_string();
    let column = stopped
        .split_once("--> 1:")
        .and_then(|(_, rest)| rest.split_once('\n'))
        .and_then(|(column, _)| column.trim().parse::<usize>().ok())
        .unwrap_or(1);
    let rest: String = text.chars().skip(column.saturating_sub(1)).take(20).collect();
    if rest.is_empty() {
        return "it ends too early".into();
    }
    let hint = if rest.starts_with(['.', '[']) {
        ""
    } else {
        "; names with other characters are written ['like-this']"
    };
    format!("it cannot be parsed from character {column}: {rest:?}{hint}")
}

#[cfg(test)]
mod tests;
