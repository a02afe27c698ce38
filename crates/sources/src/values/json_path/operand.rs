//! The values that filters compare, whether they stand in the path or in the document.

use jsonpath_rust::parser::model::Literal;
use serde_json::Value;

/// One side of a comparison.
#[derive(Clone, Copy)]
pub(super) enum Operand<'a> {
    /// No value, which equals only itself.
    Nothing,
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    /// A list or an object.
    Container(&'a Value),
}

impl<'a> Operand<'a> {
    pub(super) fn of_value(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => value.as_f64().map_or(Self::Nothing, Self::Number),
            Value::String(value) => Self::Text(value),
            Value::Array(_) | Value::Object(_) => Self::Container(value),
        }
    }

    pub(super) fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(value) => Self::Number(*value as f64),
            Literal::Float(value) => Self::Number(*value),
            Literal::String(value) => Self::Text(value),
        }
    }
}

/// Steps that reading a text through costs.
pub(super) fn text_steps(text: &str) -> usize {
    text.len() / 64
}
