//! Settings that are numbers, or true or false.

use std::ops::RangeInclusive;

use engine::Fault;
use serde_json::Value;

use super::Settings;
use crate::values::fault::{invalid, quoted, type_name, wrong_type};

impl Settings<'_> {
    /// A whole number within `range`; `default` where it is left out.
    pub(crate) fn whole_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Option<u64> {
        match self.field(name) {
            None => Some(default),
            Some(value) => self.number_within(name, value, range),
        }
    }

    fn number_within(
        &mut self,
        name: &'static str,
        value: &Value,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let allowed = format!("must be a whole number from {} to {}", range.start(), range.end());
            let fault = match value {
                Value::Number(number) => invalid(number, allowed),
                Value::String(text) => invalid(quoted(text), allowed),
                other => invalid(type_name(other), allowed),
            };
            self.refuse(name, fault);
        }
        number
    }

    /// A whole number within `range` that must be given.
    pub(crate) fn required_whole_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(value) = self.field(name) else {
            self.refuse(name, Fault::required());
            return None;
        };
        self.number_within(name, value, range)
    }

    /// True or false; false where it is left out.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        match self.field(name) {
            None => false,
            Some(Value::Bool(value)) => *value,
            Some(other) => {
                self.refuse(name, wrong_type(other, "true or false"));
                false
            }
        }
    }
}
