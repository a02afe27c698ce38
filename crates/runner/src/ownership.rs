//! One owner a target: who may scale it when several want to.
//!
//! The oldest object owns the target; an HPA that is not ours always does. Whoever is
//! second gets a condition that names the owner, and never writes. Objects in observe
//! mode write nothing, so they neither own nor conflict; nor does a member of a group that
//! must be left alone.
//!
//! An object with several targets has all of them or none. One that has lost a single target
//! holds no other, so it keeps nobody younger from what it cannot scale anyway: from the
//! oldest on, each object has its targets where none of them is had by an older one that has its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine::{Member, Mode, Plan, Target};

use crate::ObjectKey;

/// A target regardless of the version by which it is named.
pub(crate) type TargetId = (String, String, String, String);

/// See [`TargetId`].
pub(crate) fn id(target: &Target) -> TargetId {
    let group = target.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), target.kind.clone(), target.namespace.clone(), target.name.clone())
}

/// What `plan` may write: nothing of what only observes, and no member that must be left alone.
pub(crate) fn claimed(plan: &Plan) -> impl Iterator<Item = &Member> {
    let members = if plan.mode == Mode::Observe { &[] } else { plan.members.as_slice() };
    members.iter().filter(|member| member.role.refusal.is_none())
}

/// Namespace and name of an HPA.
type HpaName = (String, String);

/// When an object was created, and which. Creation times are RFC 3339 in UTC, so they sort as text.
type Claim = (String, ObjectKey);

/// Who wants to scale what, and who may.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    /// For each target the claims, oldest first.
    claims: HashMap<TargetId, BTreeSet<Claim>>,
    by_key: HashMap<ObjectKey, (String, Vec<TargetId>)>,
    /// For each target the HPAs that scale it.
    hpas: HashMap<TargetId, BTreeSet<HpaName>>,
    by_hpa: HashMap<HpaName, TargetId>,
    /// For each object that may not scale, who has which of its targets.
    losses: HashMap<ObjectKey, BTreeMap<TargetId, Owner>>,
}

/// Who has a target.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    Hpa(HpaName),
    Object(ObjectKey),
}

impl Ownership {
    /// Replaces the claims of `key` by those of `plan`; returns the other objects whose right has changed.
    pub(crate) fn claim(&mut self, key: &ObjectKey, created: &str, plan: &Plan) -> Vec<ObjectKey> {
        let mut touched = self.drop_claims(key);
        let targets: Vec<TargetId> = claimed(plan).map(|member| id(&member.target)).collect();
        for target in &targets {
            self.claims.entry(target.clone()).or_default().insert((created.to_owned(), key.clone()));
        }
        if !targets.is_empty() {
            touched.extend(targets.iter().cloned());
            self.by_key.insert(key.clone(), (created.to_owned(), targets));
        }
        self.settle(&touched, Some(key))
    }

    /// Forgets the claims of `key`; returns the other objects whose right has changed.
    pub(crate) fn withdraw(&mut self, key: &ObjectKey) -> Vec<ObjectKey> {
        let touched = self.drop_claims(key);
        self.settle(&touched, Some(key))
    }

    /// Forgets the claims of `key`; returns what it claimed.
    fn drop_claims(&mut self, key: &ObjectKey) -> Vec<TargetId> {
        self.losses.remove(key);
        let Some((created, targets)) = self.by_key.remove(key) else { return Vec::new() };
        let claim = (created, key.clone());
        for target in &targets {
            if let Some(claims) = self.claims.get_mut(target) {
                claims.remove(&claim);
                if claims.is_empty() {
                    self.claims.remove(target);
                }
            }
        }
        targets
    }

    /// Notes what an HPA scales; returns the objects whose right has changed.
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
        let touched: Vec<TargetId> = before.into_iter().chain(after).collect();
        self.settle(&touched, None)
    }

    /// Decides anew who may scale, among all objects that hang together with `touched` by what
    /// they claim; returns those whose right has changed, but for `changed`.
    fn settle(&mut self, touched: &[TargetId], changed: Option<&ObjectKey>) -> Vec<ObjectKey> {
        let mut had: HashMap<TargetId, ObjectKey> = HashMap::new();
        let mut concerned = Vec::new();
        for (_, key) in self.hanging_together(touched) {
            let targets = self.by_key.get(&key).map(|(_, targets)| targets.clone()).unwrap_or_default();
            let owner = |target: &TargetId| {
                let hpa = self.hpas.get(target).and_then(BTreeSet::first).cloned().map(Owner::Hpa);
                hpa.or_else(|| had.get(target).cloned().map(Owner::Object))
            };
            let lost: BTreeMap<TargetId, Owner> =
                targets.iter().filter_map(|target| Some((target.clone(), owner(target)?))).collect();
            if lost.is_empty() {
                had.extend(targets.into_iter().map(|target| (target, key.clone())));
            }
            let before = self.losses.remove(&key).unwrap_or_default();
            if before != lost && changed != Some(&key) {
                concerned.push(key.clone());
            }
            if !lost.is_empty() {
                self.losses.insert(key, lost);
            }
        }
        concerned
    }

    /// All who claim one of `touched`, or what one of those claims, and so on; oldest first.
    fn hanging_together(&self, touched: &[TargetId]) -> BTreeSet<Claim> {
        let mut found = BTreeSet::new();
        let mut seen: HashSet<&TargetId> = HashSet::new();
        let mut open: Vec<&TargetId> = touched.iter().collect();
        while let Some(target) = open.pop() {
            if !seen.insert(target) {
                continue;
            }
            for claim in self.claims.get(target).into_iter().flatten() {
                if found.insert(claim.clone()) {
                    open.extend(self.by_key.get(&claim.1).into_iter().flat_map(|(_, targets)| targets));
                }
            }
        }
        found
    }

    /// Why `key` may not scale what `plan` names, or `None` where it may.
    pub(crate) fn conflict(&self, key: &ObjectKey, plan: &Plan) -> Option<String> {
        let losses = self.losses.get(key)?;
        let lost: Vec<String> = claimed(plan)
            .filter_map(|member| {
                let owner = match losses.get(&id(&member.target))? {
                    Owner::Hpa((namespace, name)) => format!("HorizontalPodAutoscaler {namespace}/{name}"),
                    Owner::Object(key) => key.to_string(),
                };
                let taken = format!("{} is already scaled by {owner}", member.target);
                Some(if plan.group.is_some() {
                    format!("member {}: {taken}", member.role.name)
                } else {
                    taken
                })
            })
            .collect();
        (!lost.is_empty()).then(|| {
            format!(
                "{}; delete one of the two, or set the annotation polyscaler.dev/mode: observe on this one",
                lost.join("; ")
            )
        })
    }
}

#[cfg(test)]
mod tests;
