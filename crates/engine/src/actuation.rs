//! How a plan acts on the cluster: by replicas alone, or by an HPA that is kept beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Bounds;

/// How decisions of a plan reach the cluster.
///
/// Whichever it is, replicas that a decision asks for are written to the target's `/scale`. With an HPA,
/// the plan's policy recommends only what an HPA cannot do, such as the way to and from zero, and leaves
/// all other counts as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Actuation {
    /// By `/scale` alone. An HPA that was kept before is deleted.
    #[default]
    Scale,
    /// An HPA is kept as described, whether or not any replicas change.
    Hpa(PackedHpa),
    /// Not at all: the HPA controller acts by somebody else's HPA, and decisions stand beside its own.
    Controller {
        /// The HPA's name, in the namespace of the plan's target.
        hpa: String,
    },
}

impl Actuation {
    /// The HPA to keep, if one is wanted.
    pub fn hpa(&self) -> Option<&PackedHpa> {
        match self {
            Self::Scale | Self::Controller { .. } => None,
            Self::Hpa(hpa) => Some(hpa),
        }
    }
}

impl KeptHpa {
    /// Moves the bounds in its spec.
    pub(crate) fn bound(&mut self, moved: impl FnOnce(Bounds) -> Bounds) {
        let count = |field: &str| self.spec[field].as_u64().and_then(|count| u32::try_from(count).ok());
        let min = count("minReplicas").unwrap_or(1);
        let Some(bounds) = count("maxReplicas").and_then(|max| Bounds::new(min, max)) else { return };
        let bounds = moved(bounds);
        // An HPA goes to 1 at least.
        self.spec["minReplicas"] = bounds.min().max(1).into();
        self.spec["maxReplicas"] = bounds.max().max(1).into();
    }
}

/// A HorizontalPodAutoscaler as it must be, in the namespace of the plan's target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptHpa {
    /// Its name. Under another name, the one that was kept before is deleted.
    pub name: String,
    /// Labels that it must have; others on it are left alone.
    pub labels: BTreeMap<String, String>,
    /// Annotations that it must have; others on it are left alone.
    pub annotations: BTreeMap<String, String>,
    /// Its whole `spec`, as `autoscaling/v2` defines it.
    pub spec: Value,
    /// Whether an HPA of that name that no controller owns is taken over in place. One that another
    /// object controls is never touched.
    pub adopt_orphan: bool,
}

/// A [`KeptHpa`] in the least room: in each plan there may be one, and as a tree its spec takes ten times that of its text.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedHpa {
    name: Box<str>,
    adopts_orphan: bool,
    text: Box<str>,
}

impl From<KeptHpa> for PackedHpa {
    fn from(hpa: KeptHpa) -> Self {
        let text = serde_json::to_string(&hpa).unwrap_or_else(|error| unreachable!("plain data: {error}"));
        Self { name: hpa.name.into(), adopts_orphan: hpa.adopt_orphan, text: text.into() }
    }
}

impl PackedHpa {
    /// See [`KeptHpa::name`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// See [`KeptHpa::adopt_orphan`].
    pub fn adopts_orphan(&self) -> bool {
        self.adopts_orphan
    }

    /// The whole of it.
    pub fn unpacked(&self) -> KeptHpa {
        serde_json::from_str(&self.text).unwrap_or_else(|error| unreachable!("it was written so: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_packed_hpa_is_as_it_was() {
        let labels = [("app".to_owned(), "a \"b\"".to_owned())].into();
        let spec =
            json!({ "minReplicas": 2, "metrics": [{ "type": "External", "n": 0.25 }], "behavior": null });
        let hpa = KeptHpa { name: "web".to_owned(), labels, spec, adopt_orphan: true, ..KeptHpa::default() };
        let packed = PackedHpa::from(hpa.clone());
        assert_eq!((packed.name(), packed.adopts_orphan(), packed.unpacked()), ("web", true, hpa));
    }

    #[test]
    fn bounds_in_a_spec_are_moved_and_stay_such_that_an_hpa_can_have() {
        let mut hpa = KeptHpa {
            spec: json!({ "minReplicas": 2, "maxReplicas": 9, "metrics": [] }),
            ..KeptHpa::default()
        };
        hpa.bound(|bounds| bounds.moved(4, 40));
        assert_eq!(hpa.spec, json!({ "minReplicas": 4, "maxReplicas": 40, "metrics": [] }));
        hpa.bound(|bounds| bounds.moved(0, 0));
        assert_eq!((&hpa.spec["minReplicas"], &hpa.spec["maxReplicas"]), (&json!(1), &json!(1)));
    }
}
