//! Which objects the page shows: search, filters and pages, for thousands of objects.

use std::collections::BTreeSet;

use runner::{Action, Board, ObjectState};
use serde::Deserialize;

/// Objects on one page.
const PAGE: usize = 50;
/// Failing objects that are listed before the rest is only counted.
const FAILURES: usize = 30;

/// What the page was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    pub(super) q: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    failing: String,
    /// From 1. Text, so that a page that is no number is the first and no error.
    page: String,
}

/// What the page shows of it.
#[derive(Default)]
pub(super) struct Selected {
    pub(super) found: usize,
    pub(super) failing: usize,
    /// The first of those that fail.
    pub(super) failures: Vec<ObjectState>,
    pub(super) shown: Vec<ObjectState>,
    pub(super) page: usize,
    pub(super) pages: usize,
    /// All that the filters can be set to.
    pub(super) kinds: BTreeSet<String>,
    pub(super) namespaces: BTreeSet<String>,
}

impl Selected {
    pub(super) fn of(board: &Board, wanted: &Wanted) -> Self {
        let count = board.read(|objects| objects.filter(|state| wanted.takes(state)).count());
        let pages = count.div_ceil(PAGE).max(1);
        let page = wanted.page.parse().unwrap_or(1).clamp(1, pages);
        let mut selected = Self { page, pages, ..Self::default() };
        board.read(|objects| objects.for_each(|state| selected.take(state, wanted)));
        selected
    }

    fn take(&mut self, state: &ObjectState, wanted: &Wanted) {
        if !self.kinds.contains(state.kind) {
            self.kinds.insert(state.kind.to_owned());
        }
        if !self.namespaces.contains(state.acts_in()) {
            self.namespaces.insert(state.acts_in().to_owned());
        }
        if !wanted.takes(state) {
            return;
        }
        if self.found / PAGE + 1 == self.page {
            self.shown.push(state.clone());
        }
        self.found += 1;
        if !state.ready {
            self.failing += 1;
            if self.failures.len() < FAILURES {
                self.failures.push(state.clone());
            }
        }
    }
}

impl Wanted {
    pub(super) fn failing(&self) -> bool {
        !self.failing.is_empty()
    }

    fn takes(&self, state: &ObjectState) -> bool {
        let text = || state.targets.iter().map(|target| target.target.as_str()).chain([state.name.as_str()]);
        (self.kind.is_empty() || self.kind == state.kind)
            && (self.namespace.is_empty() || state.acts_in() == self.namespace)
            && (!self.failing() || !state.ready)
            && (self.q.is_empty() || text().any(|text| contains(text, &self.q)))
    }

    pub(super) fn takes_action(&self, action: &Action) -> bool {
        (self.kind.is_empty() || self.kind == action.kind)
            && (self.namespace.is_empty() || self.namespace == action.namespace)
            && (self.q.is_empty() || contains(&action.name, &self.q) || contains(&action.target, &self.q))
    }

    /// The query of the same page with another number.
    pub(super) fn with_page(&self, page: usize) -> String {
        let fields = [
            ("q", &self.q),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("failing", &self.failing),
        ];
        let given = fields.iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| format!("{name}={}&", encoded(value))).collect::<String>()
            + &format!("page={page}")
    }
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.trim().to_lowercase())
}

/// Percent-encoded for a query.
fn encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_another_page_keeps_what_was_asked_for() {
        let wanted = Wanted { q: "a b&c".to_owned(), kind: "ScalingRule".to_owned(), ..Wanted::default() };
        assert_eq!(wanted.with_page(3), "q=a%20b%26c&kind=ScalingRule&page=3");
    }
}
