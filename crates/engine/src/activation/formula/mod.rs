//! The formula that makes one metric of the values of all triggers: the part of expr-lang, as KEDA's formulas are
//! written, that is about numbers.
//!
//! ```text
//!  text ─▶ token ─▶ parse (names, sizes) ─▶ check (types) ─▶ a first evaluation ─▶ Formula
//! ```
//!
//! | | |
//! |---|---|
//! | values | `1`, `0.5`, `1e3`, `true`, `nil`, names of triggers, `[a, b]`, `#` in a predicate |
//! | operators | `+ - * / % ^ **`, `== != < <= > >=`, `and or not && || !`, `in`, `? :`, `if … { … } else { … }`, `??`, `let x = …; …`, `… | f()`; comments, `// …` and `/* … */` |
//! | functions | those of [`Function`](node::Function) |
//!
//! Everything else is refused when the formula is compiled: strings, maps, ranges, times, whose results are no numbers or
//! depend on more than the values. A formula is evaluated at every poll on behalf of somebody who may not be
//! careful, so its text, its depth and its steps are limited, and nothing in it can make anything large: arrays
//! are only what is written out.

mod check;
mod evaluate;
mod node;
mod parse;
mod token;

use std::sync::Arc;

use crate::{Absence, AbsenceReason};
use node::Node;

/// Bytes of a formula.
const LONGEST: usize = 4096;

/// A formula, compiled and found harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
    names: Vec<String>,
    node: Arc<Node>,
}

impl Formula {
    /// The formula `text` over the values of the triggers with these names.
    ///
    /// # Errors
    /// In a sentence what is wrong with it.
    pub fn compile(text: &str, names: &[&str]) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the formula has {} bytes, {LONGEST} are the most", text.len()));
        }
        let node = parse::parse(text, names)?;
        check::check(&node)?;
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let formula = Self { text: text.to_owned(), names, node: Arc::new(node) };
        // As KEDA tries it.
        formula.value_of(&vec![Some(-1.0); formula.names.len()])?;
        Ok(formula)
    }

    /// The formula as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value, where `values` has a value, or none, by the name of the trigger. A trigger without a value is nil in it;
    /// `None` where its result is nil.
    ///
    /// # Errors
    /// Why it has no result: something in it is nil, or the result is no finite number.
    pub(super) fn evaluate(&self, values: &[(String, Option<f64>)]) -> Result<Option<f64>, Absence> {
        let value =
            |name: &String| values.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value);
        let values: Vec<Option<f64>> = self.names.iter().map(value).collect();
        let failure =
            |reason, message: String| Absence { reason, message: format!("the formula: {message}") };
        match self.value_of(&values) {
            Ok(Some(value)) if !value.is_finite() => {
                Err(failure(AbsenceReason::NotFinite, format!("its result is {value}")))
            }
            Ok(value) => Ok(value),
            Err(why) => Err(failure(AbsenceReason::NotANumber, why)),
        }
    }

    fn value_of(&self, values: &[Option<f64>]) -> Result<Option<f64>, String> {
        evaluate::evaluate(&self.node, values)?.number()
    }
}

#[cfg(test)]
mod tests;
