//! Who wants to scale what, for whoever judges an object before it is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use engine::{Plan, Target, TargetId};
use resources::TargetOwner;

use crate::ObjectKey;

/// The claims of all objects, and the HPAs that nothing controls.
#[derive(Debug, Default)]
pub struct Owners(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    claims: HashMap<TargetId, BTreeSet<ObjectKey>>,
    by_key: HashMap<ObjectKey, Vec<TargetId>>,
    hpas: BTreeMap<(String, String), TargetId>,
}

impl Owners {
    /// Replaces the claims of `key` by those of `plan`; `None` where it has none.
    pub(crate) fn claim(&self, key: &ObjectKey, plan: Option<&Plan>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for target in known.by_key.remove(key).unwrap_or_default() {
            if let Some(claims) = known.claims.get_mut(&target) {
                claims.remove(key);
                if claims.is_empty() {
                    known.claims.remove(&target);
                }
            }
        }
        let Some(plan) = plan else { return };
        let targets: Vec<TargetId> = plan.claimed().map(|member| member.target.identity()).collect();
        for target in &targets {
            known.claims.entry(target.clone()).or_default().insert(key.clone());
        }
        known.by_key.insert(key.clone(), targets);
    }

    /// Notes what an HPA that nothing controls scales; `None` where it is gone or something controls it.
    pub(crate) fn hpa(&self, hpa: (String, String), target: Option<&Target>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match target {
            Some(target) => known.hpas.insert(hpa, target.identity()),
            None => known.hpas.remove(&hpa),
        };
    }

    /// Who else than `key` scales `target`; an HPA that `key` may take over does not count.
    pub fn other(&self, key: &ObjectKey, target: &Target, adopts: Option<&str>) -> Option<TargetOwner> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let id = target.identity();
        let object = known.claims.get(&id).and_then(|claims| claims.iter().find(|other| *other != key));
        let hpa = || {
            let mut foreign = known.hpas.iter().filter(|((_, name), _)| adopts != Some(name));
            foreign.find(|(_, scales)| **scales == id).map(|((namespace, name), _)| TargetOwner::Hpa {
                namespace: namespace.clone(),
                name: name.clone(),
            })
        };
        let owner = |key: &ObjectKey| {
            let ObjectKey { kind, namespace, name } = key.clone();
            TargetOwner::Object { kind, namespace, name }
        };
        object.map(owner).or_else(hpa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::plan;

    fn key(name: &str) -> ObjectKey {
        ObjectKey { kind: "GeneralScaler", namespace: "shop".to_owned(), name: name.to_owned() }
    }

    #[test]
    fn who_else_scales_a_target_is_known_until_it_no_longer_does() {
        let (owners, plan) = (Owners::default(), plan());
        let target = &plan.members[0].target;
        owners.claim(&key("a"), Some(&plan));
        assert_eq!(owners.other(&key("a"), target, None), None);
        let other = |key: &ObjectKey| owners.other(key, target, None).map(|owner| owner.to_string());
        assert_eq!(other(&key("b")).as_deref(), Some("GeneralScaler shop/a"));
        let observing = Plan { mode: engine::Mode::Observe, ..plan.clone() };
        owners.claim(&key("a"), Some(&observing));
        assert_eq!(owners.other(&key("b"), target, None), None);
        owners.hpa(("shop".to_owned(), "web".to_owned()), Some(target));
        let hpa = other(&key("b"));
        assert_eq!(hpa.as_deref(), Some("HorizontalPodAutoscaler shop/web"));
        assert_eq!(owners.other(&key("b"), target, Some("web")), None, "it may take that over");
        owners.hpa(("shop".to_owned(), "web".to_owned()), None);
        assert_eq!(owners.other(&key("b"), target, None), None);
    }
}
