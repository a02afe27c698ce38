//! What documents of one run say about each other: two on one target, two HPAs of one name, a workload without requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use engine::{Target, TargetId, Warning};
use serde_json::Value;

use super::{Finding, TargetOwner, shared_target};
use crate::kind::Kind;
use crate::workload_needs::WorkloadNeeds;

/// What of one document matters to others of its run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// What it needs of its workload.
    needs: Option<WorkloadNeeds>,
    /// The HPA that it keeps.
    hpa: Option<NamedHpa>,
    /// The document, where others rest on what stands in it.
    document: Option<Value>,
}

/// An HPA that an object keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedHpa {
    /// The object's kind.
    kind: &'static str,
    namespace: String,
    /// The object's name.
    object: String,
    /// The HPA's name.
    name: String,
}

impl Beside {
    /// Of a valid object of `kind`.
    pub(super) fn of_ours(kind: &Kind, document: &Value) -> Self {
        let hpa = kind.needs.hpa.and_then(|hpa| (hpa.name)(document));
        let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let named = |hpa| NamedHpa {
            kind: kind.kind,
            namespace: kind.acts_in(document),
            object: name.to_owned(),
            name: hpa,
        };
        Self { needs: (kind.needs.workload)(document), hpa: hpa.map(named), document: None }
    }

    /// Of an object of somebody else's kind.
    pub(super) fn of_others(api_version: &str, kind: &str, document: &Value) -> Self {
        let matters = [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("v1", "LimitRange")]
            .contains(&(api_version, kind));
        Self { document: matters.then(|| document.clone()), ..Self::default() }
    }
}

/// Adds to each object of one run, given with the file that it is in, what only the others make wrong with it: its target
/// is scaled by another one before it, or by a HorizontalPodAutoscaler anywhere in the run, which would undo each other's
/// work; its HPA has the name of another's; or its workload, where that is in the run, lacks requests that it needs.
pub fn judge_together<'a>(run: impl IntoIterator<Item = (&'a str, &'a mut Finding)>) {
    let mut run: Vec<(&str, &mut Finding)> = run.into_iter().collect();
    refuse_shared_targets(&mut run);
    refuse_shared_hpas(&mut run);
    refuse_missing_requests(&mut run);
}

fn refuse_shared_targets(run: &mut [(&str, &mut Finding)]) {
    let mut owners: HashMap<TargetId, (String, String)> = HashMap::new();
    let is_hpa = |finding: &Finding| finding.claim.as_ref().is_some_and(|claim| claim.is_hpa);
    for (file, finding) in run.iter_mut().filter(|(_, finding)| is_hpa(finding)) {
        let Finding { claim: Some(claim), warnings, .. } = &mut **finding else { continue };
        for target in &claim.targets {
            match owners.entry(target.identity()) {
                Entry::Vacant(free) => {
                    free.insert((claim.object.clone(), (*file).to_owned()));
                }
                Entry::Occupied(taken) if taken.get().0 != claim.object => {
                    let (owner, of_file) = taken.get();
                    let why = format!(
                        "{target} is scaled by {owner} in {of_file}, too, so neither of them scales it"
                    );
                    warnings.push(Warning::new("spec.scaleTargetRef", why));
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    for (file, finding) in run.iter_mut().filter(|(_, finding)| !is_hpa(finding)) {
        let Some(claim) = &finding.claim else { continue };
        let mut found = Vec::new();
        for target in &claim.targets {
            match owners.entry(target.identity()) {
                Entry::Vacant(free) => {
                    free.insert((claim.object.clone(), (*file).to_owned()));
                }
                Entry::Occupied(mut taken) => {
                    let (owner, of_file) = taken.get();
                    if claim.adopts.as_ref() == Some(owner) {
                        taken.insert((claim.object.clone(), (*file).to_owned()));
                    } else if *owner != claim.object {
                        found.push(shared_target(target, &format!("{owner} in {of_file}")));
                    }
                }
            }
        }
        finding.problems.extend(found);
    }
}

fn refuse_shared_hpas(run: &mut [(&str, &mut Finding)]) {
    let mut keepers: HashMap<(String, String), TargetOwner> = HashMap::new();
    for (_, finding) in run {
        let Some(NamedHpa { kind, namespace, object, name }) = finding.beside.hpa.clone() else { continue };
        let keeper = TargetOwner::Object { kind, namespace: namespace.clone(), name: object };
        let first = keepers.entry((namespace, name.clone())).or_insert_with(|| keeper.clone());
        if *first != keeper {
            let naming =
                crate::KINDS.iter().find(|known| known.kind == kind).and_then(|known| known.needs.hpa);
            finding.problems.extend(naming.map(|naming| (naming.taken)(&name, first)));
        }
    }
}

fn refuse_missing_requests(run: &mut [(&str, &mut Finding)]) {
    let documents: Vec<Value> =
        run.iter().filter_map(|(_, finding)| finding.beside.document.clone()).collect();
    let namespace = |document: &Value| {
        document.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default").to_owned()
    };
    let is_of = |document: &Value, target: &Target| {
        document["apiVersion"] == target.api_version.as_str()
            && document["kind"] == target.kind.as_str()
            && document["metadata"]["name"] == target.name.as_str()
            && namespace(document) == target.namespace
    };
    for (_, finding) in run {
        let Some(needs) = &finding.beside.needs else { continue };
        let ranges = documents.iter().filter(|document| document["kind"] == "LimitRange");
        let ranges: Vec<Value> =
            ranges.filter(|range| namespace(range) == needs.target.namespace).cloned().collect();
        let Some(workload) = documents.iter().find(|document| is_of(document, &needs.target)) else {
            continue;
        };
        let problems = needs.problems(workload, &ranges);
        finding.problems.extend(problems);
    }
}
