//! Which objects the page shows: search, filters and pages, for thousands of objects.

use std::collections::BTreeSet;

use runner::{Board, ObjectState, ScaleOperation, Scaled};
use serde::Deserialize;

use super::failures::Failure;
use super::html::encoded;

/// Objects on one page.
const PAGE: usize = 50;
/// Characters of a search that count. Names have fewer than that.
const LONGEST_SEARCH: usize = 300;

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
    /// Whether this replica leads; otherwise there is nothing to show.
    pub(super) leads: bool,
    pub(super) all: usize,
    pub(super) found: usize,
    pub(super) failing: usize,
    /// Those of them, by cause.
    pub(super) failures: Vec<Failure>,
    pub(super) shown: Vec<ObjectState>,
    pub(super) page: usize,
    pub(super) pages: usize,
    /// All that the filters can be set to.
    pub(super) kinds: BTreeSet<String>,
    pub(super) namespaces: BTreeSet<String>,
}

impl Selected {
    pub(super) fn of(board: &Board, wanted: &Wanted) -> Self {
        board.read(|objects| Self { leads: board.leads(), ..Self::among(objects, wanted) })
    }

    fn among(objects: &mut dyn Iterator<Item = &ObjectState>, wanted: &Wanted) -> Self {
        let all: Vec<&ObjectState> = objects.collect();
        let search = Search::of(wanted);
        let found: Vec<&ObjectState> = all.iter().copied().filter(|state| search.takes(state)).collect();
        let failing: Vec<&ObjectState> = found.iter().copied().filter(|state| !state.ready).collect();
        let pages = found.len().div_ceil(PAGE).max(1);
        let page = wanted.page.parse().unwrap_or(1).clamp(1, pages);
        let copied = |state: &&ObjectState| ObjectState::clone(state);
        let names = |name: fn(&ObjectState) -> &str| {
            let names: BTreeSet<&str> = all.iter().map(|state| name(state)).collect();
            names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        Self {
            leads: false,
            all: all.len(),
            found: found.len(),
            failing: failing.len(),
            failures: Failure::by_cause(&failing),
            shown: found.iter().skip((page - 1) * PAGE).take(PAGE).map(copied).collect(),
            page,
            pages,
            kinds: names(|state| state.key.kind),
            namespaces: names(ObjectState::acts_in),
        }
    }
}

/// A search with its text prepared once for all objects.
struct Search<'a> {
    wanted: &'a Wanted,
    text: String,
}

impl<'a> Search<'a> {
    fn of(wanted: &'a Wanted) -> Self {
        Self { wanted, text: wanted.q.trim().to_lowercase() }
    }

    fn takes(&self, state: &ObjectState) -> bool {
        let Wanted { kind, namespace, .. } = self.wanted;
        (kind.is_empty() || kind == state.key.kind)
            && (namespace.is_empty() || state.acts_in() == namespace)
            && (!self.wanted.failing() || !state.ready)
            && (self.text.is_empty() || self.is_in(state))
    }

    fn is_in(&self, state: &ObjectState) -> bool {
        let contains = |text: &str| text.to_lowercase().contains(&self.text);
        contains(&format!("{}/{}", state.key.namespace, state.key.name))
            || contains(&state.reason)
            || state.targets.iter().any(|target| contains(&target.target))
            || state.failing.iter().any(|failing| contains(&failing.target))
    }
}

impl Wanted {
    /// The same without what nobody types: a search of a megabyte would be compared to every object.
    pub(super) fn limited(mut self) -> Self {
        for field in [&mut self.q, &mut self.kind, &mut self.namespace, &mut self.failing] {
            if let Some((end, _)) = field.char_indices().nth(LONGEST_SEARCH) {
                field.truncate(end);
            }
        }
        self
    }

    pub(super) fn failing(&self) -> bool {
        !self.failing.is_empty()
    }

    /// Whether anything but a page was asked for.
    pub(super) fn limits(&self) -> bool {
        self.failing() || [&self.q, &self.kind, &self.namespace].iter().any(|field| !field.is_empty())
    }

    pub(super) fn takes_action(&self, action: &ScaleOperation) -> bool {
        let ScaleOperation { kind, namespace, name, target, .. } = action;
        self.takes(kind, namespace, name, target)
    }

    pub(super) fn takes_scaled(&self, Scaled { kind, namespace, name, target }: &Scaled) -> bool {
        self.takes(kind, namespace, name, target)
    }

    fn takes(&self, kind: &str, namespace: &str, name: &str, target: &str) -> bool {
        let text = self.q.trim().to_lowercase();
        (self.kind.is_empty() || self.kind == kind)
            && (self.namespace.is_empty() || self.namespace == namespace)
            && (text.is_empty()
                || format!("{namespace}/{name}").to_lowercase().contains(&text)
                || target.to_lowercase().contains(&text))
    }

    /// The same, and of that only what fails.
    pub(super) fn only_failing(&self) -> Self {
        Self { failing: "1".to_owned(), ..self.clone() }
    }

    /// The query that asks for the same, at another page of it.
    pub(super) fn query(&self, page: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_another_page_keeps_what_was_asked_for() {
        let wanted = Wanted { q: "a b&c".to_owned(), kind: "ScalingRule".to_owned(), ..Wanted::default() };
        assert_eq!(wanted.query(3), "q=a%20b%26c&kind=ScalingRule&page=3");
        assert_eq!(wanted.only_failing().query(1), "q=a%20b%26c&kind=ScalingRule&failing=1&page=1");
    }

    #[test]
    fn a_search_of_a_megabyte_is_cut() {
        let wanted = Wanted { q: "ä".repeat(1 << 20), ..Wanted::default() }.limited();
        assert_eq!(wanted.q.chars().count(), LONGEST_SEARCH);
    }
}
