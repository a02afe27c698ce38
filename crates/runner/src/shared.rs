//! Values that many objects have, each kept once: thousands of objects are in a few states, under a few names.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// So many values are kept before any that nobody has any more are forgotten.
const LEAST: usize = 64;

/// Equal values, each kept once for as long as somebody has it.
#[derive(Debug)]
pub struct Shared<T: ?Sized> {
    known: HashSet<Arc<T>>,
    /// How many there may be until those are forgotten that nobody has.
    most: usize,
}

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self { known: HashSet::new(), most: LEAST }
    }
}

impl<T: ?Sized + Eq + Hash> Shared<T> {
    /// The one that is equal to `value`.
    pub fn one(&mut self, value: impl Borrow<T> + Into<Arc<T>>) -> Arc<T> {
        let wanted: &T = value.borrow();
        if let Some(known) = self.known.get(wanted) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.most {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.most = LEAST.max(self.known.len() * 2);
        }
        let value = value.into();
        self.known.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_those_that_nobody_has_are_forgotten() {
        let mut shared = Shared::<str>::default();
        let (one, other) = (shared.one("a"), shared.one("a".to_owned()));
        assert!(Arc::ptr_eq(&one, &other));
        let kept: Vec<Arc<str>> = (0..100).map(|number| shared.one(format!("kept {number}"))).collect();
        for number in 0..10_000 {
            shared.one(number.to_string());
        }
        assert!(shared.known.len() <= 2 * (kept.len() + 1), "{}", shared.known.len());
        assert!(Arc::ptr_eq(&one, &shared.one("a")) && Arc::ptr_eq(&kept[7], &shared.one("kept 7")));
    }
}
