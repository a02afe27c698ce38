//! Objects come, change and go: each is resolved and compiled, and claims its targets.

use resources::{Context, Kind, Reference};
use serde_json::Value;

use super::*;
use crate::Gone;
use crate::workload::WorkloadCheck;

impl Runner {
    pub(super) fn apply(&mut self, key: ObjectKey, kind: &'static Kind, object: &Value) {
        let identity = Identity::of(kind, object);
        // The key of each event is a text of its own; that of the object is shared by all tables.
        let key = self.entries.get_key_value(&key).map_or(key, |(known, _)| known.clone());
        match self.entries.get_mut(&key) {
            // Recreated under the same name: another object.
            Some(entry) if entry.identity.uid != identity.uid => self.delete(&key),
            Some(entry) => {
                // While leading, what this replica remembers counts.
                if !self.leading {
                    entry.remember(kind.memory(object));
                }
                if entry.identity == identity {
                    return;
                }
            }
            None => {}
        }
        let concerned = self.compile(key, kind, identity, object);
        self.reconsider(concerned);
    }

    /// A supporting object has changed, or has gone: who rests on it is compiled again.
    pub(super) fn support(&mut self, reference: Reference, object: Option<Box<Value>>) {
        self.services.metrics.supporting(&reference, object.is_some());
        let resting = self.references.changed(reference, object.map(|object| *object));
        self.compile_again(resting);
    }

    /// Other defaults hold: every object is compiled again.
    pub(super) fn compile_all(&mut self) {
        let keys: Vec<ObjectKey> = self.entries.keys().cloned().collect();
        self.compile_again(keys);
    }

    /// Compiles objects again, and looks at all of them together: one by one each would be due at once.
    fn compile_again(&mut self, keys: impl IntoIterator<Item = ObjectKey>) {
        let mut concerned = Vec::new();
        for key in keys {
            let Some(entry) = self.entries.get(&key) else { continue };
            let (kind, identity, object) = (entry.kind, entry.identity.clone(), entry.object.clone());
            if let Some(object) = object {
                concerned.extend(self.compile(key, kind, identity, &object));
            }
        }
        self.reconsider(concerned);
    }

    /// Makes a plan of an object, or finds out why there is none, and puts it in place of what there was. Returns whom
    /// that concerns: the object itself, and others whose right to a target may have changed.
    fn compile(
        &mut self,
        key: ObjectKey,
        kind: &'static Kind,
        identity: Identity,
        object: &Value,
    ) -> Vec<ObjectKey> {
        let references = (kind.needs.references)(object);
        // What refers to others is compiled again when one of them changes, and all when other defaults hold.
        let is_kept = !references.is_empty() || self.terms.defaults.is_some();
        let kept = is_kept.then(|| Arc::new(object.clone()));
        let resolved = self.references.rest(&key, references).by_operator_in(&self.terms.own_namespace);
        let context = Context {
            catalog: &*self.terms.catalog,
            policies: &self.terms.policies,
            allow_cross_namespace: self.terms.allow_cross_namespace,
            admitting: false,
            resolved: Some(&resolved),
        };
        let is_resolved = resolved.missing().next().is_none();
        let given = self.terms.defaults.as_ref().map(|defaults| defaults.of(&kind.acts_in(object)));
        let compiled = given.unwrap_or_default().compile(kind, object, &context).map(Compiled::from).map_err(
            |problems| {
                if is_resolved { Verdict::Invalid(problems) } else { Verdict::Unresolved(problems) }
            },
        );
        self.ownership.know(Arc::clone(&identity.uid), &key);
        self.services.metrics.registered(kind, &key, Some(object));
        let hpa = kind.needs.hpa.and_then(|naming| (naming.name)(object));
        let hpa = hpa.map(|hpa| (kind.acts_in(object), hpa));
        let plan = compiled.as_ref().ok().map(|compiled| &*compiled.plan);
        self.terms.owners.claim(&key, Arc::clone(&identity.uid), plan, hpa);
        let mut concerned = match &compiled {
            Ok(compiled) => self.ownership.claim(&key, Arc::clone(&identity.created), &compiled.plan),
            Err(_) => self.ownership.withdraw(&key),
        };
        if let Ok(compiled) = &compiled {
            self.pace.join(&compiled.plan, self.services.clock.now());
            let looked_at = compiled.plan.members.iter().filter(|member| member.role.refusal.is_none());
            looked_at.for_each(|member| self.services.actuator.expect(&member.target));
        }
        if let Some(Ok(before)) = self.entries.get(&key).map(|entry| &entry.compiled) {
            self.pace.leave(before);
        }
        match self.entries.get_mut(&key) {
            Some(entry) => entry.change(identity, compiled, kept),
            None => {
                let mut entry =
                    Box::new(Entry::new(kind, identity, compiled, kind.memory(object), self.now()));
                entry.object = kept;
                self.entries.insert(key.clone(), entry);
                self.services.metrics.objects(key.kind, 1);
            }
        }
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.reported.namespace = kind.acts_in(object).into();
            entry.workload = WorkloadCheck::of(kind, object).map(Arc::new);
        }
        if let Some(entry) = self.entries.get(&key) {
            self.expect(&key, entry);
        }
        concerned.push(key);
        concerned
    }

    pub(super) fn delete(&mut self, key: &ObjectKey) {
        self.terms.owners.forget(key);
        let concerned = self.ownership.withdraw(key);
        self.references.forget(key);
        if let Some(mut entry) = self.entries.remove(key) {
            entry.revoke();
            if let Ok(plan) = &entry.compiled {
                self.pace.leave(plan);
            }
            self.services.metrics.registered(entry.kind, key, None);
            if self.leading && !self.left_to.contains_key(entry.kind.group) {
                let (uid, deletion) = (entry.identity.uid.to_string(), entry.deletion());
                self.services.journal.gone(Gone {
                    key: key.clone(),
                    uid,
                    at: self.services.clock.now(),
                    deletion,
                });
            }
            self.ownership.forget(&entry.identity.uid);
            self.services.metrics.objects(key.kind, -1);
            self.services.metrics.forget(key);
            self.services.metrics.stands(key.kind, &mut entry.reported.standing, Standing::default());
            self.services.board.forget(key);
            self.services.answers.forget(key);
            self.services.outages.forget(key, &mut entry.reported.cause, self.now());
            if let Some(episodes) = &self.services.episodes {
                episodes.forget(key);
            }
            self.services.forecasts.forget(key);
            self.services.sampler.listen(key, &[]);
            tracing::info!(object = %key, "object was deleted, its target keeps its replicas");
        }
        self.reconsider(concerned);
    }
}
