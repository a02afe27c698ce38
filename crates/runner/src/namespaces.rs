//! The namespaces in which an operator acts: by name, by exclusion, or by their labels.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::ActsIn;

/// Names of namespaces.
pub type NamespaceNames = BTreeSet<String>;

/// The namespaces in which an operator acts.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    names: Vec<String>,
    excluded: Vec<String>,
    selected: Option<watch::Receiver<Arc<NamespaceNames>>>,
}

impl Namespaces {
    /// Only these; all where there is none.
    pub fn named(names: Vec<String>) -> Self {
        Self { names, ..Self::default() }
    }

    /// The same without `excluded`.
    pub fn without(self, excluded: Vec<String>) -> Self {
        Self { excluded, ..self }
    }

    /// The same, and of them only those that `selected` holds at the moment.
    pub fn selected_by(self, selected: watch::Receiver<Arc<NamespaceNames>>) -> Self {
        Self { selected: Some(selected), ..self }
    }

    /// The only ones that may be asked about; empty where that may be any.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the operator acts in the namespace `name` at the moment.
    pub fn contains(&self, name: &str) -> bool {
        let is = |known: &String| known == name;
        (self.names.is_empty() || self.names.iter().any(is))
            && !self.excluded.iter().any(is)
            && self.selected.as_ref().is_none_or(|selected| selected.borrow().contains(name))
    }

    /// All of them at the moment, for other installations.
    pub fn acts_in(&self) -> ActsIn {
        if let Some(selected) = &self.selected {
            let selected = Arc::clone(&selected.borrow());
            return ActsIn::Only(selected.iter().filter(|name| self.contains(name)).cloned().collect());
        }
        let named = self.names.iter().filter(|name| self.contains(name)).cloned().collect();
        if self.names.is_empty() {
            ActsIn::AllBut(self.excluded.iter().cloned().collect())
        } else {
            ActsIn::Only(named)
        }
    }

    /// Follows the namespaces that labels select; `None` where none are given.
    pub fn selection(&self) -> Option<Selection> {
        let mut changes = self.selected.clone()?;
        let known = Arc::clone(&changes.borrow_and_update());
        Some(Selection { changes, known })
    }
}

/// The namespaces that labels select, as they change.
#[derive(Debug)]
pub struct Selection {
    changes: watch::Receiver<Arc<NamespaceNames>>,
    known: Arc<NamespaceNames>,
}

impl Selection {
    /// Waits for a change; returns the namespaces that came or went. Never returns once nobody selects any more.
    pub async fn changed(&mut self) -> Vec<String> {
        loop {
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let now = Arc::clone(&self.changes.borrow_and_update());
            let moved: Vec<String> = now.symmetric_difference(&self.known).cloned().collect();
            self.known = now;
            if !moved.is_empty() {
                return moved;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_and_exclusions() {
        for (namespaces, inside, outside) in [
            (Namespaces::default(), "any", None),
            (Namespaces::named(names(&["a", "b"])), "a", Some("c")),
            (Namespaces::default().without(names(&["c"])), "a", Some("c")),
            (Namespaces::named(names(&["a", "b"])).without(names(&["b"])), "a", Some("b")),
        ] {
            assert!(namespaces.contains(inside), "{namespaces:?}");
            assert!(outside.is_none_or(|outside| !namespaces.contains(outside)), "{namespaces:?}");
        }
    }

    #[tokio::test]
    async fn a_selection_reports_what_came_and_what_went() {
        let (sender, receiver) = watch::channel(Arc::new(NamespaceNames::from(["a".to_owned()])));
        let namespaces = Namespaces::default().without(names(&["x"])).selected_by(receiver);
        assert!(namespaces.contains("a") && !namespaces.contains("b"));
        let mut selection = namespaces.selection().unwrap();
        sender.send_replace(Arc::new(names(&["b", "x"]).into_iter().collect()));
        assert_eq!(selection.changed().await, ["a", "b", "x"]);
        assert!(namespaces.contains("b") && !namespaces.contains("a") && !namespaces.contains("x"));
    }
}
