//! Who wants to scale what, and by which HPA, for whoever judges an object before it is stored. Each question is answered
//! by one look into a table, however many objects there are.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use engine::{Plan, Target, TargetId};
use resources::TargetOwner;

use crate::ObjectKey;
use crate::hpas_of_target::{HpaName, HpasOfTarget};

/// The claims of all objects, and the HPAs that there are.
#[derive(Debug, Default)]
pub struct Owners(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Who claims each target, in order: nearly always one, for which a tree would take the room of eleven.
    claims: HashMap<TargetId, Vec<ObjectKey>>,
    /// The same for each HPA that is kept.
    keepers: HashMap<Arc<HpaName>, Vec<ObjectKey>>,
    /// Boxed, as a table has room for twice as many as there are.
    by_key: HashMap<ObjectKey, Box<Held>>,
    uids: HashMap<Arc<str>, ObjectKey>,
    /// For each target the HPAs that scale it, with the uid of what controls them.
    hpas: HashMap<TargetId, HpasOfTarget>,
    by_hpa: HashMap<HpaName, TargetId>,
}

/// What one object has.
#[derive(Debug, Default)]
struct Held {
    uid: Arc<str>,
    targets: Box<[TargetId]>,
    hpa: Option<Arc<HpaName>>,
}

/// What an object is about to have, for the question of who has it already.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The object.
    pub key: &'a ObjectKey,
    /// The HPA that it keeps, by its namespace and name.
    pub hpa: Option<(&'a str, &'a str)>,
    /// Whether it may take over an HPA of that name that nothing controls.
    pub adopts: bool,
}

impl Owners {
    /// Replaces what `key` has by what `plan` claims, where there is one, and the HPA that it keeps.
    pub(crate) fn claim(
        &self,
        key: &ObjectKey,
        uid: impl Into<Arc<str>>,
        plan: Option<&Plan>,
        hpa: Option<HpaName>,
    ) {
        let (uid, mut known): (Arc<str>, _) = (uid.into(), self.write());
        known.forget(key);
        let targets: Box<[TargetId]> =
            plan.into_iter().flat_map(Plan::claimed).map(|member| member.target.identity()).collect();
        for target in &*targets {
            add(known.claims.entry(target.clone()).or_default(), key);
        }
        let hpa = hpa.filter(|_| plan.is_some()).map(Arc::new);
        if let Some(hpa) = &hpa {
            add(known.keepers.entry(Arc::clone(hpa)).or_default(), key);
        }
        known.uids.insert(Arc::clone(&uid), key.clone());
        known.by_key.insert(key.clone(), Box::new(Held { uid, targets, hpa }));
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.write().forget(key);
    }

    /// Notes what an HPA scales, and the uid of what controls it; `None` where it is gone or scales nothing.
    pub(crate) fn hpa(&self, hpa: HpaName, target: Option<&Target>, controller: Option<String>) {
        let mut known = self.write();
        if let Some(before) = known.by_hpa.remove(&hpa)
            && let Some(hpas) = known.hpas.get_mut(&before)
        {
            hpas.remove(&hpa);
            if hpas.is_empty() {
                known.hpas.remove(&before);
            }
        }
        let Some(target) = target.map(Target::identity) else { return };
        known.by_hpa.insert(hpa.clone(), target.clone());
        known.hpas.entry(target).or_default().insert(hpa, controller);
    }

    /// Who else scales `target`. An HPA that is kept by an object does not count beside that; nor does one that `wanted`
    /// may take over, or that an object which is gone has left under the very name.
    pub fn of_target(&self, wanted: &Wanted<'_>, target: &Target) -> Option<TargetOwner> {
        let known = self.read();
        let id = target.identity();
        if let Some(other) =
            known.claims.get(&id).and_then(|claims| claims.iter().find(|key| *key != wanted.key))
        {
            return Some(owner(other));
        }
        let is_foreign = |((namespace, name), controller): &(&HpaName, &Option<String>)| {
            let is_own_name = wanted.hpa == Some((namespace, name));
            match controller {
                Some(uid) => !is_own_name && !known.uids.contains_key(uid.as_str()),
                None => !(is_own_name && wanted.adopts),
            }
        };
        let ((namespace, name), _) = known.hpas.get(&id)?.iter().find(is_foreign)?;
        Some(TargetOwner::Hpa { namespace: namespace.clone(), name: name.clone() })
    }

    /// Who else keeps the HPA that `wanted` keeps.
    pub fn of_hpa(&self, wanted: &Wanted<'_>) -> Option<TargetOwner> {
        let (namespace, name) = wanted.hpa?;
        let known = self.read();
        let keepers = known.keepers.get(&(namespace.to_owned(), name.to_owned()))?;
        keepers.iter().find(|key| *key != wanted.key).map(owner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget(&mut self, key: &ObjectKey) {
        let Some(held) = self.by_key.remove(key) else { return };
        let Held { uid, targets, hpa } = *held;
        self.uids.remove(&uid);
        for target in targets {
            remove(&mut self.claims, &target, key);
        }
        if let Some(hpa) = hpa {
            remove(&mut self.keepers, &hpa, key);
        }
    }
}

fn add(keys: &mut Vec<ObjectKey>, key: &ObjectKey) {
    if let Err(place) = keys.binary_search(key) {
        keys.reserve_exact(1);
        keys.insert(place, key.clone());
    }
}

fn remove<T: Eq + std::hash::Hash>(all: &mut HashMap<T, Vec<ObjectKey>>, of: &T, key: &ObjectKey) {
    if let Some(keys) = all.get_mut(of) {
        keys.retain(|known| known != key);
        if keys.is_empty() {
            all.remove(of);
        }
    }
}

fn owner(key: &ObjectKey) -> TargetOwner {
    let (namespace, name) = (key.namespace.clone(), key.name.clone());
    TargetOwner::Object { kind: key.kind, namespace, name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::plan;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("GeneralScaler", "shop", name)
    }

    fn hpa(name: &str) -> HpaName {
        ("shop".to_owned(), name.to_owned())
    }

    fn text(owner: Option<TargetOwner>) -> Option<String> {
        owner.map(|owner| owner.to_string())
    }

    #[test]
    fn who_else_scales_a_target_is_known_until_it_no_longer_does() {
        let (owners, plan) = (Owners::default(), plan());
        let target = &plan.members[0].target;
        let other = |name: &str| {
            text(owners.of_target(&Wanted { key: &key(name), hpa: None, adopts: false }, target))
        };
        owners.claim(&key("a"), "1", Some(&plan), None);
        assert_eq!(other("a"), None);
        assert_eq!(other("b").as_deref(), Some("GeneralScaler shop/a"));
        let observing = Plan { mode: engine::Mode::Observe, ..plan.clone() };
        owners.claim(&key("a"), "1", Some(&observing), None);
        assert_eq!(other("b"), None);
        owners.claim(&key("a"), "1", Some(&plan), None);
        owners.forget(&key("a"));
        assert_eq!(other("b"), None);
    }

    #[test]
    fn an_hpa_counts_that_nobody_keeps_and_that_may_not_be_taken_over() {
        let (owners, plan) = (Owners::default(), plan());
        let target = &plan.members[0].target;
        let foreign = |own: &str, adopts| {
            let key = key("b");
            let wanted = Wanted { key: &key, hpa: Some(("shop", own)), adopts };
            text(owners.of_target(&wanted, target)).is_some()
        };
        owners.hpa(hpa("web"), Some(target), None);
        assert!(foreign("other", true) && foreign("web", false) && !foreign("web", true));
        owners.hpa(hpa("web"), Some(target), Some("1".to_owned()));
        assert!(foreign("other", false), "it is of somebody unknown");
        assert!(!foreign("web", false), "the one before, of the same name, has left it");
        owners.claim(&key("a"), "1", None, None);
        assert!(!foreign("other", false), "an object has it, which claims nothing");
        owners.hpa(hpa("web"), None, None);
        owners.forget(&key("a"));
        assert!(!foreign("other", false));
    }

    #[test]
    fn contract_2_rule_2_who_else_keeps_an_hpa_of_a_name_is_known() {
        let (owners, plan) = (Owners::default(), plan());
        let other = |name: &str, namespace: &str| {
            text(owners.of_hpa(&Wanted { key: &key(name), hpa: Some((namespace, "web")), adopts: false }))
        };
        owners.claim(&key("a"), "1", Some(&plan), Some(hpa("web")));
        assert_eq!(other("a", "shop"), None);
        assert_eq!(other("b", "shop").as_deref(), Some("GeneralScaler shop/a"));
        assert_eq!(other("b", "elsewhere"), None);
        owners.claim(&key("a"), "1", Some(&plan), Some(hpa("renamed")));
        assert_eq!(other("b", "shop"), None);
    }
}
