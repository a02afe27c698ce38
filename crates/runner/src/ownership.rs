//! One owner a target: who may scale it when several want to.
//!
//! The oldest object owns the target; a foreign HPA always does. An HPA is not foreign while the object
//! that controls it, by its ownerReferences, claims the target, nor to an object that may take it over. Whoever
//! is second gets a condition that names the owner, and never writes. Objects in observe
//! mode write nothing, so they neither own nor conflict; nor does a member of a group that
//! must be left alone.
//!
//! An object with several targets has all of them or none. One that has lost a single target
//! holds no other, so it keeps nobody younger from what it cannot scale anyway: from the
//! oldest on, each object has its targets where none of them is had by an older one that has its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use engine::{Plan, Target, TargetId};

use crate::ObjectKey;
use crate::hpas_of_target::{HpaName, HpasOfTarget};

/// The HPA that `plan` may take over where nothing controls it.
fn adopted(plan: &Plan) -> Option<HpaName> {
    let hpa = plan.actuation.hpa().filter(|hpa| hpa.adopts_orphan())?;
    Some((plan.members.first()?.target.namespace.clone(), hpa.name().to_owned()))
}

/// When an object was created, and which. Creation times are RFC 3339 in UTC, so they sort as text.
type Claim = (Arc<str>, ObjectKey);

/// Who wants to scale what, and who may.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    /// For each target the claims, oldest first: nearly always one, for which a tree would take the room of eleven.
    claims: HashMap<TargetId, Vec<Claim>>,
    /// Boxed, as a table has room for twice as many as there are.
    by_key: HashMap<ObjectKey, Box<Claims>>,
    /// For each target the HPAs that scale it, with the uid of what controls them.
    hpas: HashMap<TargetId, HpasOfTarget>,
    by_hpa: HashMap<HpaName, TargetId>,
    /// The objects by their uid.
    by_uid: HashMap<Arc<str>, ObjectKey>,
    /// For each object that may not scale, who has which of its targets.
    losses: HashMap<ObjectKey, BTreeMap<TargetId, Owner>>,
}

/// What one object claims.
#[derive(Clone, Debug, Default)]
struct Claims {
    created: Arc<str>,
    targets: Box<[TargetId]>,
    /// The HPA that it may take over where nothing controls it.
    adopts: Option<Box<HpaName>>,
}

/// Who has a target.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    Hpa(HpaName),
    Object(ObjectKey),
}

impl Ownership {
    /// Replaces the claims of `key` by those of `plan`; returns the other objects whose right has changed.
    pub(crate) fn claim(
        &mut self,
        key: &ObjectKey,
        created: impl Into<Arc<str>>,
        plan: &Plan,
    ) -> Vec<ObjectKey> {
        let created: Arc<str> = created.into();
        let mut touched = self.drop_claims(key);
        let targets: Box<[TargetId]> = plan.claimed().map(|member| member.target.identity()).collect();
        for target in &*targets {
            let (claims, claim) =
                (self.claims.entry(target.clone()).or_default(), (Arc::clone(&created), key.clone()));
            if let Err(place) = claims.binary_search(&claim) {
                claims.reserve_exact(1);
                claims.insert(place, claim);
            }
        }
        if !targets.is_empty() {
            touched.extend(targets.iter().cloned());
            let adopts = adopted(plan).map(Box::new);
            self.by_key.insert(key.clone(), Box::new(Claims { created, targets, adopts }));
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
        let Some(claims) = self.by_key.remove(key) else { return Vec::new() };
        let Claims { created, targets, .. } = *claims;
        let claim = (created, key.clone());
        for target in &*targets {
            if let Some(claims) = self.claims.get_mut(target) {
                claims.retain(|known| *known != claim);
                if claims.is_empty() {
                    self.claims.remove(target);
                }
            }
        }
        targets.into_vec()
    }

    /// Notes that the object `key` has this uid.
    pub(crate) fn know(&mut self, uid: impl Into<Arc<str>>, key: &ObjectKey) {
        self.by_uid.insert(uid.into(), key.clone());
    }

    /// Forgets the object of this uid.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.by_uid.remove(uid);
    }

    /// Notes what an HPA scales and the uid of what controls it; returns the objects whose right has changed.
    pub(crate) fn hpa(
        &mut self,
        hpa: HpaName,
        target: Option<Target>,
        controller: Option<String>,
    ) -> Vec<ObjectKey> {
        let before = self.by_hpa.remove(&hpa);
        let after = target.as_ref().map(Target::identity);
        if let Some(target) = &after {
            self.by_hpa.insert(hpa.clone(), target.clone());
        }
        let controlled_before =
            before.as_ref().and_then(|target| self.hpas.get(target)?.controller(&hpa)).cloned();
        if before == after && controlled_before.is_none_or(|before| before == controller) {
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
            self.hpas.entry(target.clone()).or_default().insert(hpa, controller);
        }
        let touched: Vec<TargetId> = before.into_iter().chain(after).collect();
        self.settle(&touched, None)
    }

    /// The objects that keep the HPA, as far as they are known: the one that controls it, now or by what is
    /// known so far, and those that may take it over.
    pub(crate) fn keepers(&self, hpa: &HpaName, controller: Option<&str>) -> BTreeSet<ObjectKey> {
        let target = self.by_hpa.get(hpa);
        let before = target.and_then(|target| self.hpas.get(target)?.controller(hpa)?.as_deref());
        let mut keepers: BTreeSet<ObjectKey> =
            before.into_iter().chain(controller).filter_map(|uid| self.by_uid.get(uid).cloned()).collect();
        let claims = target.and_then(|target| self.claims.get(target)).into_iter().flatten();
        let adopts = |key: &ObjectKey| {
            self.by_key.get(key).is_some_and(|claims| claims.adopts.as_deref() == Some(hpa))
        };
        keepers.extend(claims.map(|(_, key)| key).filter(|key| adopts(key)).cloned());
        keepers
    }

    /// The first HPA on `target` that is foreign to `key`.
    fn foreign_hpa(&self, target: &TargetId, key: &ObjectKey) -> Option<HpaName> {
        let is_foreign = |(hpa, controller): &(&HpaName, &Option<String>)| match controller {
            Some(uid) => {
                let keeper = self.by_uid.get(uid.as_str()).and_then(|keeper| self.by_key.get(keeper));
                !keeper.is_some_and(|claims| claims.targets.contains(target))
            }
            None => self.by_key.get(key).is_none_or(|claims| claims.adopts.as_deref() != Some(*hpa)),
        };
        self.hpas.get(target)?.iter().find(is_foreign).map(|(hpa, _)| hpa.clone())
    }

    /// Decides again who may scale, among all objects that hang together with `touched` by what
    /// they claim; returns those whose right has changed, but for `changed`.
    fn settle(&mut self, touched: &[TargetId], changed: Option<&ObjectKey>) -> Vec<ObjectKey> {
        let mut had: HashMap<TargetId, ObjectKey> = HashMap::new();
        let mut concerned = Vec::new();
        for (_, key) in self.hanging_together(touched) {
            let targets = self.by_key.get(&key).map(|claims| claims.targets.clone()).unwrap_or_default();
            let owner = |target: &TargetId| {
                let hpa = self.foreign_hpa(target, &key).map(Owner::Hpa);
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
                    open.extend(self.by_key.get(&claim.1).into_iter().flat_map(|claims| &claims.targets));
                }
            }
        }
        found
    }

    /// The HPAs that have targets of `key`.
    pub(crate) fn rival_hpas(&self, key: &ObjectKey) -> Vec<HpaName> {
        let lost = self.losses.get(key).into_iter().flat_map(BTreeMap::values);
        let hpas = lost.filter_map(|owner| match owner {
            Owner::Hpa(hpa) => Some(hpa.clone()),
            Owner::Object(_) => None,
        });
        hpas.collect()
    }

    /// Why `key` may not scale what `plan` names, or `None` where it may.
    pub(crate) fn conflict(&self, key: &ObjectKey, plan: &Plan) -> Option<String> {
        let losses = self.losses.get(key)?;
        let lost: Vec<String> = plan
            .claimed()
            .filter_map(|member| {
                let owner = match losses.get(&member.target.identity())? {
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
