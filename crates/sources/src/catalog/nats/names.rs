//! A few names out of many, for messages that help to correct a setting.

use std::collections::BTreeSet;
use std::fmt;

use crate::values::fault::quoted;

/// Names that are shown.
const MAX_SHOWN: usize = 5;

/// Remembers the first few names in order, and whether there were more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    shown: BTreeSet<String>,
    more: bool,
}

impl Names {
    pub(super) fn add(&mut self, name: &str) {
        if self.shown.contains(name) {
            return;
        }
        self.shown.insert(name.to_owned());
        if self.shown.len() > MAX_SHOWN {
            self.shown.pop_last();
            self.more = true;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.shown.iter().for_each(|name| self.add(name));
        self.more |= other.more;
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut collected = Self::default();
        names.into_iter().for_each(|name| collected.add(name));
        collected
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let names: Vec<_> = self.shown.iter().map(|name| quoted(name)).collect();
        f.write_str(&names.join(", "))?;
        if self.more { f.write_str(" and more") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_few_are_shown_each_once_and_in_order() {
        let few: Names = ["b", "a", "b"].into_iter().collect();
        assert_eq!(few.to_string(), r#""a", "b""#);
        let mut many: Names = ["g", "f", "e", "d"].into_iter().collect();
        many.merge(&few);
        assert_eq!(many.to_string(), r#""a", "b", "d", "e", "f" and more"#);
        many.merge(&few);
        assert_eq!(Names::default().to_string(), "none");
    }
}
