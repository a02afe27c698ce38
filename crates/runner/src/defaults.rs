//! The operator's defaults and ceilings as they are at the moment, shared by whoever compiles objects.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use resources::{Labels, NamespaceDefaults, OperatorDefaults};

/// The file as it was last read, and the labels of the namespaces.
#[derive(Debug, Default)]
pub struct SharedDefaults(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    file: OperatorDefaults,
    labels: HashMap<String, Labels>,
}

impl SharedDefaults {
    /// With what the file says.
    pub fn new(file: OperatorDefaults) -> Self {
        Self(RwLock::new(Known { file, labels: HashMap::new() }))
    }

    /// What holds in the namespace `name`.
    pub fn of(&self, name: &str) -> NamespaceDefaults {
        let known = self.read();
        let none = Labels::new();
        known.file.in_namespace(name, known.labels.get(name).unwrap_or(&none))
    }

    /// Whether labels of namespaces count.
    pub fn reads_labels(&self) -> bool {
        self.read().file.reads_labels()
    }

    /// Takes over another state of the file; returns whether it differs.
    pub fn replace(&self, file: OperatorDefaults) -> bool {
        let mut known = self.write();
        let differs = known.file != file;
        known.file = file;
        differs
    }

    /// Notes the labels of the namespace `name`, `None` where it is gone; returns whether something else holds in it now.
    pub fn label(&self, name: &str, labels: Option<Labels>) -> bool {
        let before = self.of(name);
        match labels {
            Some(labels) => self.write().labels.insert(name.to_owned(), labels),
            None => self.write().labels.remove(name),
        };
        self.of(name) != before
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
