//! What the loop learns from outside.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use engine::Target;
use resources::{Kind, Reference};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// One object of one of our kinds. A dozen tables have the keys of all objects, so copies of a key share its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(Arc<ObjectName>);

/// What an [`ObjectKey`] says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ObjectName {
    /// Its kind, for example `BusinessScaling`.
    pub kind: &'static str,
    /// Its namespace; empty for a cluster-scoped kind.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The object `name` of `kind` in `namespace`, which is empty for a cluster-scoped kind.
    pub fn new(kind: &'static str, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self(Arc::new(ObjectName { kind, namespace: namespace.into(), name: name.into() }))
    }
}

impl Serialize for ObjectKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Deref for ObjectKey {
    type Target = ObjectName;

    fn deref(&self) -> &ObjectName {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// What happened outside.
pub enum Event {
    /// An object of ours was created or changed.
    Applied {
        /// Which.
        key: ObjectKey,
        /// Its kind.
        kind: &'static Kind,
        /// The whole object, as the API server has it.
        object: Box<Value>,
    },
    /// An object of ours is gone.
    Deleted(ObjectKey),
    /// An HPA is there, or has changed in more than its status.
    Hpa {
        /// Namespace and name of the HPA.
        hpa: (String, String),
        /// What it scales; `None` where it is gone.
        target: Option<Target>,
        /// The uid of the object that controls it, by its ownerReferences.
        controller: Option<String>,
    },
    /// A supporting object was created, changed or deleted.
    Supporting {
        /// Which.
        reference: Reference,
        /// The whole object; `None` where it is gone.
        object: Option<Box<Value>>,
    },
    /// A metric source of this object reports by itself that there is work.
    Pushed(ObjectKey),
    /// Other defaults and ceilings hold, in some namespaces or in all.
    Defaults,
    /// Objects of a kind in this API group are left to someone else, or no longer.
    LeftTo {
        /// The API group.
        group: &'static str,
        /// Who acts on them, as people know it; `None` for us again.
        who: Option<String>,
    },
    /// All that existed at the start has been reported; polling may begin.
    Synced,
    /// Whether this replica leads and may write.
    Leading(bool),
}
