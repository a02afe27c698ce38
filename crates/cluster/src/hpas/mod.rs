//! HPAs: what each scales and who controls it, and keeping those that plans want.
//!
//! ```text
//!  watch ─▶ Hpas (seen: controller, fingerprint) ─▶ HpaKeeper ─▶ as wanted already? nothing is asked
//!                                                       └─▶ Turns ─▶ GET, compare, PUT / POST / DELETE
//! ```

mod keeper;
mod turns;
mod wanted;

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::{ControllerSeen, Target, Time};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt as _;
use resources::HpaScaling;
use serde_json::Value;

pub use keeper::HpaKeeper;

use crate::stream::Name;

/// The HPAs that exist, as far as keeping some of them needs.
#[derive(Default)]
pub struct Hpas(Mutex<State>);

#[derive(Default)]
struct State {
    seen: HashMap<Name, Seen>,
    by_controller: HashMap<String, Vec<Name>>,
    /// What was found to be, or brought to be, as wanted.
    in_order: HashMap<Name, InOrder>,
}

/// One HPA as its watch last reported it.
struct Seen {
    controller: Option<String>,
    fingerprint: u64,
    scaling: Option<HpaScaling>,
    controlled: ControllerSeen,
}

/// The state of an HPA that is as wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
struct InOrder {
    wanted: u64,
    fingerprint: u64,
}

impl Hpas {
    /// Notes an HPA. Returns whether it has changed in more than its status.
    pub(crate) fn seen(&self, hpa: &HorizontalPodAutoscaler) -> bool {
        let name = (hpa.namespace().unwrap_or_default(), hpa.name_any());
        let spec = serde_json::to_value(&hpa.spec).unwrap_or_default();
        let fingerprint = fingerprint(&hpa.metadata, &spec);
        let (scaling, controlled) = (scaling(hpa), controlled(hpa));
        let mut state = self.lock();
        if let Some(seen) = state.seen.get_mut(&name).filter(|seen| seen.fingerprint == fingerprint) {
            (seen.scaling, seen.controlled) = (scaling, controlled);
            return false;
        }
        state.forget(&name);
        let controller = controller(hpa.owner_references()).map(str::to_owned);
        if let Some(uid) = &controller {
            // It is not among them, and is nearly always the only one.
            let names = state.by_controller.entry(uid.clone()).or_default();
            names.reserve_exact(1);
            names.push(name.clone());
        }
        state.seen.insert(name, Seen { controller, fingerprint, scaling, controlled });
        true
    }

    /// An HPA is gone.
    pub(crate) fn gone(&self, name: &Name) {
        let mut state = self.lock();
        state.forget(name);
        state.in_order.remove(name);
    }

    /// Whether there is such an HPA.
    fn has(&self, name: &Name) -> bool {
        self.lock().seen.contains_key(name)
    }

    /// What the controller last said of an HPA.
    fn scaling(&self, name: &Name) -> Option<HpaScaling> {
        self.lock().seen.get(name)?.scaling.clone()
    }

    /// What the controller last did by an HPA.
    fn controlled(&self, name: &Name) -> Option<ControllerSeen> {
        Some(self.lock().seen.get(name)?.controlled.clone())
    }

    /// The HPAs that the object of this uid controls.
    fn controlled_by(&self, uid: &str) -> BTreeSet<Name> {
        self.lock().by_controller.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Whether the HPA is as wanted, by all that is known.
    fn is_in_order(&self, name: &Name, uid: &str, wanted: u64) -> bool {
        let state = self.lock();
        let Some(seen) = state.seen.get(name) else { return false };
        let in_order = InOrder { wanted, fingerprint: seen.fingerprint };
        seen.controller.as_deref() == Some(uid) && state.in_order.get(name) == Some(&in_order)
    }

    /// Notes that the HPA is as wanted while it has this fingerprint.
    fn is_as_wanted(&self, name: &Name, wanted: u64, fingerprint: u64) {
        self.lock().in_order.insert(name.clone(), InOrder { wanted, fingerprint });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, name: &Name) {
        let Some(Seen { controller: Some(uid), .. }) = self.seen.remove(name) else { return };
        if let Some(names) = self.by_controller.get_mut(&uid) {
            names.retain(|known| known != name);
            if names.is_empty() {
                self.by_controller.remove(&uid);
            }
        }
    }
}

/// The uid of what controls an object.
pub(crate) fn controller(owners: &[OwnerReference]) -> Option<&str> {
    owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str())
}

/// Annotation of an HPA which says, as `false`, that it stands in nobody's way.
const OWNERSHIP: &str = "validations.keda.sh/hpa-ownership";

/// Whether an HPA says of itself that it owns no target, and nothing controls it.
pub(crate) fn is_nobodys(hpa: &HorizontalPodAutoscaler) -> bool {
    hpa.annotations().get(OWNERSHIP).is_some_and(|owns| owns == "false")
        && controller(hpa.owner_references()).is_none()
}

/// The condition `ScalingActive`; `None` while it is missing or unknown.
fn scaling(hpa: &HorizontalPodAutoscaler) -> Option<HpaScaling> {
    let conditions = hpa.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == "ScalingActive")?;
    let is_active = match condition.status.as_str() {
        "True" => true,
        "False" => false,
        _ => return None,
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Some(HpaScaling { is_active, reason: text(&condition.reason), message: text(&condition.message) })
}

/// What the controller last did, as the status has it.
fn controlled(hpa: &HorizontalPodAutoscaler) -> ControllerSeen {
    let Some(status) = &hpa.status else { return ControllerSeen::default() };
    let conditions = status.conditions.as_deref().unwrap_or_default();
    // A target that is switched off is no failure.
    let failed = conditions.iter().find(|condition| {
        matches!(condition.type_.as_str(), "AbleToScale" | "ScalingActive")
            && condition.status == "False"
            && condition.reason.as_deref() != Some("ScalingDisabled")
    });
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    ControllerSeen {
        desired: u32::try_from(status.desired_replicas).ok().filter(|_| !conditions.is_empty()),
        last_scale: status.last_scale_time.as_ref().map(|at| Time::from_millis(at.0.as_millisecond())),
        failure: failed.map(|condition| (text(&condition.reason), text(&condition.message))),
    }
}

/// What an HPA scales.
pub(crate) fn target(hpa: &HorizontalPodAutoscaler) -> Target {
    let reference = &hpa.spec.scale_target_ref;
    Target {
        api_version: reference.api_version.clone().unwrap_or_default(),
        kind: reference.kind.clone(),
        namespace: hpa.namespace().unwrap_or_default(),
        name: reference.name.clone(),
    }
}

/// All of an HPA that is kept, as one number: another uid, spec, label, annotation or owner makes another.
fn fingerprint(metadata: &kube::core::ObjectMeta, spec: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    metadata.uid.hash(&mut hasher);
    metadata.labels.hash(&mut hasher);
    metadata.annotations.hash(&mut hasher);
    for owner in metadata.owner_references.iter().flatten() {
        (&owner.uid, owner.controller, &owner.name).hash(&mut hasher);
    }
    spec.to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hpa(controller: Option<&str>, max: i32, current: i32) -> HorizontalPodAutoscaler {
        let owners: Vec<Value> = controller
            .into_iter()
            .map(
                |uid| json!({ "apiVersion": "v1", "kind": "X", "name": "x", "uid": uid, "controller": true }),
            )
            .collect();
        serde_json::from_value(json!({
            "metadata": { "name": "web", "namespace": "shop", "uid": "1", "ownerReferences": owners },
            "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "maxReplicas": max },
            "status": { "currentReplicas": current, "desiredReplicas": current },
        }))
        .unwrap()
    }

    #[test]
    fn a_change_of_the_status_is_no_news() {
        let hpas = Hpas::default();
        assert!(hpas.seen(&hpa(Some("a"), 5, 1)));
        assert!(!hpas.seen(&hpa(Some("a"), 5, 2)));
        assert!(hpas.seen(&hpa(Some("a"), 6, 2)));
        assert!(hpas.seen(&hpa(None, 6, 2)), "another owner");
    }

    #[test]
    fn contract_1_1_an_hpa_may_say_that_it_owns_nothing() {
        let annotated = |controller, owns: &str| {
            let mut hpa = hpa(controller, 5, 1);
            hpa.metadata.annotations = Some([(OWNERSHIP.to_owned(), owns.to_owned())].into());
            hpa
        };
        assert!(is_nobodys(&annotated(None, "false")));
        assert!(!is_nobodys(&annotated(None, "true")) && !is_nobodys(&hpa(None, 5, 1)));
        assert!(!is_nobodys(&annotated(Some("a"), "false")), "who keeps it must hear of it");
    }

    #[test]
    fn what_the_controller_says_is_known_without_being_news() {
        let hpas = Hpas::default();
        let name = ("shop".to_owned(), "web".to_owned());
        let mut seen = hpa(Some("a"), 5, 1);
        assert!(hpas.seen(&seen) && hpas.scaling(&name).is_none());
        let said = |status: &str| {
            json!([{ "type": "AbleToScale", "status": "True" }, { "type": "ScalingActive", "status": status,
                "reason": "FailedGetExternalMetric", "message": "no answer" }])
        };
        for (status, wanted) in [("False", Some(false)), ("True", Some(true)), ("Unknown", None)] {
            seen.status.as_mut().unwrap().conditions = serde_json::from_value(said(status)).unwrap();
            assert!(!hpas.seen(&seen));
            assert_eq!(hpas.scaling(&name).map(|said| said.is_active), wanted, "{status}");
        }
    }

    #[test]
    fn what_the_controller_did_is_read_from_the_status() {
        let hpas = Hpas::default();
        let name = ("shop".to_owned(), "web".to_owned());
        let mut seen = hpa(None, 5, 1);
        hpas.seen(&seen);
        assert_eq!(hpas.controlled(&name), Some(ControllerSeen::default()), "before the first sync");
        let condition = |type_: &str, status: &str, reason: &str| json!({ "type": type_, "status": status, "reason": reason, "message": "m" });
        let able = condition("AbleToScale", "True", "ReadyForNewScale");
        for (active, failure) in [
            (condition("ScalingActive", "True", "ValidMetricFound"), None),
            (condition("ScalingActive", "False", "ScalingDisabled"), None),
            (condition("ScalingActive", "False", "FailedGetResourceMetric"), Some("FailedGetResourceMetric")),
        ] {
            let status = json!({ "currentReplicas": 1, "desiredReplicas": 3, "conditions": [able, active],
                "lastScaleTime": "2026-01-01T00:00:05Z" });
            seen.status = Some(serde_json::from_value(status).unwrap());
            assert!(!hpas.seen(&seen));
            let found = hpas.controlled(&name).unwrap();
            assert_eq!((found.desired, found.last_scale), (Some(3), Some(Time::from_seconds(1_767_225_605))));
            assert_eq!(found.failure.map(|(reason, _)| reason).as_deref(), failure);
        }
    }

    #[test]
    fn what_is_controlled_follows_the_owner_references() {
        let hpas = Hpas::default();
        let name = ("shop".to_owned(), "web".to_owned());
        hpas.seen(&hpa(Some("a"), 5, 1));
        assert_eq!(hpas.controlled_by("a"), BTreeSet::from([name.clone()]));
        hpas.seen(&hpa(Some("b"), 5, 1));
        assert!(hpas.controlled_by("a").is_empty() && hpas.controlled_by("b").contains(&name));
        hpas.gone(&name);
        assert!(hpas.controlled_by("b").is_empty());
    }

    #[test]
    fn what_is_in_order_stays_so_until_anything_changes() {
        let hpas = Hpas::default();
        let name = ("shop".to_owned(), "web".to_owned());
        let seen = hpa(Some("a"), 5, 1);
        let now = fingerprint(&seen.metadata, &serde_json::to_value(&seen.spec).unwrap());
        hpas.seen(&seen);
        assert!(!hpas.is_in_order(&name, "a", 7));
        hpas.is_as_wanted(&name, 7, now);
        assert!(hpas.is_in_order(&name, "a", 7));
        assert!(!hpas.is_in_order(&name, "a", 8), "something else is wanted");
        assert!(!hpas.is_in_order(&name, "b", 7), "by somebody else");
        hpas.seen(&hpa(Some("a"), 6, 1));
        assert!(!hpas.is_in_order(&name, "a", 7), "edited by hand");
        hpas.seen(&seen);
        assert!(hpas.is_in_order(&name, "a", 7));
        hpas.gone(&name);
        assert!(!hpas.is_in_order(&name, "a", 7), "deleted by hand");
    }
}
