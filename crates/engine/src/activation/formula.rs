//! The formula that makes one metric of the values of all triggers.

use crate::Absence;

/// A formula, compiled and found harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
}

impl Formula {
    /// The formula `text` over the values of the triggers with these names.
    ///
    /// # Errors
    /// In a sentence what is wrong with it.
    pub fn compile(text: &str, names: &[&str]) -> Result<Self, String> {
        let _ = (text, names);
        Err("formulas are not supported".to_owned())
    }

    /// The formula as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value; `None` where it is nil. A trigger that has no value is nil in it.
    pub(super) fn evaluate(&self, _values: &[(String, Option<f64>)]) -> Result<Option<f64>, Absence> {
        Ok(None)
    }
}
