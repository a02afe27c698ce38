//! One owner a target: who may scale it when several want to.
//!
//! The oldest object owns the target; an HPA that is not ours always does. Whoever is
//! second gets a condition that names the owner, and never writes. Objects in observe
//! mode write nothing, so they neither own nor conflict.

use std::collections::{BTreeSet, HashMap};

use engine::{Mode, Plan, Target};

use crate::ObjectKey;

/// A target regardless of the version by which it is named.
type TargetId = (String, String, String, String);

fn id(target: &Target) -> TargetId {
    let group = target.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), target.kind.clone(), target.namespace.clone(), target.name.clone())
}

/// Namespace and name of an HPA.
type HpaName = (String, String);

/// Who wants to scale what.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    /// For each target the claims, oldest first. Creation times are RFC 3339 in UTC, so they sort as text.
    claims: HashMap<TargetId, BTreeSet<(String, ObjectKey)>>,
    by_key: HashMap<ObjectKey, (String, Vec<TargetId>)>,
    /// For each target the HPAs that scale it.
    hpas: HashMap<TargetId, BTreeSet<HpaName>>,
    by_hpa: HashMap<HpaName, TargetId>,
}

impl Ownership {
    /// Replaces the claims of `key` by those of `plan`; returns the objects that this may concern.
    pub(crate) fn claim(&mut self, key: &ObjectKey, created: &str, plan: &Plan) -> Vec<ObjectKey> {
        let mut concerned = self.withdraw(key);
        if plan.mode == Mode::Observe {
            return concerned;
        }
        let targets: Vec<TargetId> = plan.members.iter().map(|member| id(&member.target)).collect();
        for target in &targets {
            let claims = self.claims.entry(target.clone()).or_default();
            claims.insert((created.to_owned(), key.clone()));
            concerned.extend(claims.iter().map(|(_, other)| other.clone()).filter(|other| other != key));
        }
        self.by_key.insert(key.clone(), (created.to_owned(), targets));
        concerned
    }

    /// Forgets the claims of `key`; returns the objects that this may concern.
    pub(crate) fn withdraw(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        let mut concerned = Vec::new();
        if let Some((created, targets)) = self.by_key.remove(key) {
            let claim = (created, key.clone());
            for target in targets {
                if let Some(claims) = self.claims.get_mut(&target) {
                    claims.remove(&claim);
                    concerned.extend(claims.iter().map(|(_, other)| other.clone()));
                    if claims.is_empty() {
                        self.claims.remove(&target);
                    }
                }
            }
        }
        concerned
    }

    /// Notes what an HPA scales; returns the objects that this may concern.
    pub(crate) fn hpa(&mut self, hpa: HpaName, target: Option<Target>) -> Vec<ObjectKey> {
        let before = self.by_hpa.remove(&hpa);
        let after = target.as_ref().map(id);
        if let Some(target) = &after {
            self.by_hpa.insert(hpa.clone(), target.clone());
        }
        if before == after {
            return Vec::new();
        }
        if let Some(target) = &before
            && let Some(hpas) = self.hpas.get_mut(target)
        {
            hpas.remove(&hpa);
            if hpas.is_empty() {
                self.hpas.remove(target);
            }
        }
        if let Some(target) = &after {
            self.hpas.entry(target.clone()).or_default().insert(hpa);
        }
        let claims = before.iter().chain(&after).filter_map(|target| self.claims.get(target)).flatten();
        claims.map(|(_, key)| key.clone()).collect()
    }

    /// Why `key` may not scale what `plan` names, or `None` where it may.
    pub(crate) fn conflict(&self, key: &ObjectKey, plan: &Plan) -> Option<String> {
        if plan.mode == Mode::Observe {
            return None;
        }
        plan.members.iter().find_map(|member| {
            let target = id(&member.target);
            let hpa = self.hpas.get(&target).and_then(BTreeSet::first);
            let hpa = hpa.map(|(namespace, name)| format!("HorizontalPodAutoscaler {namespace}/{name}"));
            let first = || self.claims.get(&target)?.first().map(|(_, owner)| owner);
            let owner = hpa.or_else(|| first().filter(|owner| *owner != key).map(ObjectKey::to_string))?;
            Some(format!(
                "{} is already scaled by {owner}; delete one of the two, or set the annotation \
                 polyscaler.dev/mode: observe on this one",
                member.target
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::plan;

    fn key(name: &str) -> ObjectKey {
        ObjectKey { kind: "BusinessScaling", namespace: String::new(), name: name.to_owned() }
    }

    #[test]
    fn the_oldest_owns_and_the_next_takes_over() {
        let plan = plan();
        let mut ownership = Ownership::default();
        ownership.claim(&key("young"), "2024-01-02T00:00:00Z", &plan);
        let concerned = ownership.claim(&key("old"), "2024-01-01T00:00:00Z", &plan);
        assert_eq!(concerned, [key("young")]);
        assert_eq!(ownership.conflict(&key("old"), &plan), None);
        let conflict = ownership.conflict(&key("young"), &plan).unwrap();
        assert!(
            conflict.starts_with("Deployment default/web is already scaled by BusinessScaling old"),
            "{conflict}"
        );
        assert_eq!(ownership.withdraw(&key("old")), [key("young")]);
        assert_eq!(ownership.conflict(&key("young"), &plan), None);
    }

    #[test]
    fn an_hpa_always_owns() {
        let plan = plan();
        let mut ownership = Ownership::default();
        ownership.claim(&key("a"), "2024-01-01T00:00:00Z", &plan);
        let hpa = ("default".to_owned(), "web".to_owned());
        let target = plan.members[0].target.clone();
        assert_eq!(ownership.hpa(hpa.clone(), Some(target.clone())), [key("a")]);
        let conflict = ownership.conflict(&key("a"), &plan).unwrap();
        assert!(conflict.contains("HorizontalPodAutoscaler default/web"), "{conflict}");
        assert!(ownership.hpa(hpa.clone(), Some(target)).is_empty(), "nothing changed");
        assert_eq!(ownership.hpa(hpa, None), [key("a")]);
        assert_eq!(ownership.conflict(&key("a"), &plan), None);
    }

    #[test]
    fn an_hpa_that_turns_to_another_target_frees_the_first_one() {
        let mut other = plan();
        other.members[0].target.name = "other".to_owned();
        let mut ownership = Ownership::default();
        ownership.claim(&key("a"), "2024-01-01T00:00:00Z", &plan());
        ownership.claim(&key("b"), "2024-01-01T00:00:00Z", &other);
        let hpa = |name: &str| ("default".to_owned(), name.to_owned());
        ownership.hpa(hpa("first"), Some(plan().members[0].target.clone()));
        ownership.hpa(hpa("second"), Some(plan().members[0].target.clone()));
        let concerned = ownership.hpa(hpa("first"), Some(other.members[0].target.clone()));
        assert_eq!(concerned, [key("a"), key("b")]);
        assert!(ownership.conflict(&key("a"), &plan()).is_some(), "the second one still scales it");
        assert!(ownership.conflict(&key("b"), &other).is_some());
        ownership.hpa(hpa("second"), None);
        assert_eq!(ownership.conflict(&key("a"), &plan()), None);
    }

    #[test]
    fn who_only_observes_neither_owns_nor_conflicts() {
        let (acting, observing) = (plan(), Plan { mode: Mode::Observe, ..plan() });
        let mut ownership = Ownership::default();
        ownership.claim(&key("watcher"), "2024-01-01T00:00:00Z", &observing);
        ownership.claim(&key("owner"), "2024-01-02T00:00:00Z", &acting);
        assert_eq!(ownership.conflict(&key("owner"), &acting), None);
        assert_eq!(ownership.conflict(&key("watcher"), &observing), None);
    }

    #[test]
    fn the_version_does_not_make_another_target() {
        let mut newer = plan();
        newer.members[0].target.api_version = "apps/v2".to_owned();
        let mut ownership = Ownership::default();
        ownership.claim(&key("a"), "2024-01-01T00:00:00Z", &plan());
        ownership.claim(&key("b"), "2024-01-02T00:00:00Z", &newer);
        assert!(ownership.conflict(&key("b"), &newer).is_some());
    }
}
