//! How a plan acts on the cluster: by replicas alone, or by an HPA that is kept beside them.

use std::collections::BTreeMap;

use serde_json::Value;

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
    Hpa(KeptHpa),
}

impl Actuation {
    /// The HPA to keep, if one is wanted.
    pub fn hpa(&self) -> Option<&KeptHpa> {
        match self {
            Self::Scale => None,
            Self::Hpa(hpa) => Some(hpa),
        }
    }
}

/// A HorizontalPodAutoscaler as it must be, in the namespace of the plan's target.
#[derive(Clone, Debug, Default, PartialEq)]
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
