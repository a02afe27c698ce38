//! What must be written of an HPA to bring it to what is wanted. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use engine::KeptHpa;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DynamicObject, ObjectMeta};
use kube::core::ApiResource;
use resources::{HpaAction, without_nulls};
use runner::KeepHpa;
use serde_json::json;

use super::controller;
use crate::FIELD_MANAGER;

/// What is to be done about an HPA that exists.
#[derive(Debug)]
pub(super) enum Needed {
    /// It is as wanted.
    Nothing,
    /// It is to be replaced by this.
    Replace(HpaAction, Box<DynamicObject>),
    /// It is someone else's: in a few words whose.
    Foreign(String),
}

/// What is to be done about `live` so that it becomes `hpa`.
pub(super) fn needed(keep: &KeepHpa<'_>, hpa: &KeptHpa, live: &DynamicObject) -> Needed {
    let owners = live.metadata.owner_references.as_deref().unwrap_or_default();
    let controlling = owners.iter().find(|owner| owner.controller == Some(true));
    let action = match controlling {
        Some(owner) if owner.uid == keep.uid => HpaAction::Updated,
        Some(OwnerReference { kind, name, .. }) => {
            let hpa = &hpa.name;
            return Needed::Foreign(format!("the HPA '{hpa}' is already managed by the {kind} '{name}'"));
        }
        None if hpa.adopt_orphan => HpaAction::Adopted,
        None => {
            return Needed::Foreign("it has no controller, so it was created by hand".to_owned());
        }
    };
    let has = |have: Option<&BTreeMap<String, String>>, want: &BTreeMap<String, String>| {
        want.iter().all(|(key, value)| have.and_then(|have| have.get(key)) == Some(value))
    };
    let stale = stale(hpa, live);
    let is_as_wanted = action == HpaAction::Updated
        && stale.is_empty()
        && has(live.metadata.labels.as_ref(), &hpa.labels)
        && has(live.metadata.annotations.as_ref(), &hpa.annotations)
        && live.data.get("spec") == Some(&without_nulls(&hpa.spec));
    if is_as_wanted {
        return Needed::Nothing;
    }
    let mut next = live.clone();
    next.metadata.managed_fields = None;
    for (have, of, want) in [
        (&mut next.metadata.labels, Part::Labels, &hpa.labels),
        (&mut next.metadata.annotations, Part::Annotations, &hpa.annotations),
    ] {
        let have = have.get_or_insert_default();
        have.retain(|key, _| !stale.contains(&(of, key.clone())));
        have.extend(want.clone());
    }
    if action == HpaAction::Adopted {
        let owners = next.metadata.owner_references.get_or_insert_default();
        owners.retain(|owner| owner.uid != keep.uid);
        owners.push(owner_reference(keep));
    }
    next.data = json!({ "spec": without_nulls(&hpa.spec) });
    Needed::Replace(action, Box::new(next))
}

/// A part of an object's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Labels,
    Annotations,
}

/// The labels and annotations that we have put on `live` and that are not wanted any more. What others have put there, or
/// have changed since, is theirs: the API server remembers who wrote each.
fn stale(hpa: &KeptHpa, live: &DynamicObject) -> BTreeSet<(Part, String)> {
    let mut stale = BTreeSet::new();
    let own = live.metadata.managed_fields.iter().flatten();
    let own =
        own.filter(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.subresource.is_none());
    for fields in own.filter_map(|entry| entry.fields_v1.as_ref()) {
        for (part, field, wanted) in
            [(Part::Labels, "f:labels", &hpa.labels), (Part::Annotations, "f:annotations", &hpa.annotations)]
        {
            let keys = fields.0["f:metadata"][field].as_object().into_iter().flat_map(|keys| keys.keys());
            let keys = keys.filter_map(|key| key.strip_prefix("f:"));
            let gone = keys.filter(|key| !wanted.contains_key(*key));
            stale.extend(gone.map(|key| (part, key.to_owned())));
        }
    }
    stale
}

/// The HPA as it is created.
pub(super) fn created(keep: &KeepHpa<'_>, hpa: &KeptHpa, resource: &ApiResource) -> DynamicObject {
    let mut object = DynamicObject::new(&hpa.name, resource).within(keep.namespace);
    object.metadata = ObjectMeta {
        labels: Some(hpa.labels.clone()),
        annotations: Some(hpa.annotations.clone()),
        owner_references: Some(vec![owner_reference(keep)]),
        ..object.metadata
    };
    object.data = json!({ "spec": without_nulls(&hpa.spec) });
    object
}

/// Whether the object that keeps HPAs controls `live`.
pub(super) fn is_controlled(keep: &KeepHpa<'_>, live: &DynamicObject) -> bool {
    controller(live.metadata.owner_references.as_deref().unwrap_or_default()) == Some(keep.uid)
}

/// What is wanted as one number.
pub(super) fn digest(hpa: &KeptHpa) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&hpa.name, &hpa.labels, &hpa.annotations, hpa.spec.to_string()).hash(&mut hasher);
    hasher.finish()
}

fn owner_reference(keep: &KeepHpa<'_>) -> OwnerReference {
    OwnerReference {
        api_version: keep.kind.api_version(),
        kind: keep.kind.kind.to_owned(),
        name: keep.owner.name.clone(),
        uid: keep.uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

#[cfg(test)]
mod tests {
    use resources::general_scaler;
    use runner::ObjectKey;

    use serde_json::Value;

    use super::*;

    fn hpa(adopt_orphan: bool) -> KeptHpa {
        KeptHpa {
            name: "kept".to_owned(),
            labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
            annotations: BTreeMap::new(),
            spec: json!({ "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "minReplicas": 1,
                "maxReplicas": 9, "behavior": null }),
            adopt_orphan,
        }
    }

    fn check(hpa: &KeptHpa, live: &Value) -> Needed {
        let owner = ObjectKey::new("GeneralScaler", "shop", "web");
        let kind = &general_scaler::KIND;
        let keep = KeepHpa { owner: &owner, kind, uid: "ours", namespace: "shop", hpa: Some(hpa) };
        needed(&keep, hpa, &serde_json::from_value(live.clone()).unwrap())
    }

    fn live(controller: Option<&str>) -> Value {
        let owner = |uid: &str| json!({ "apiVersion": "v1", "kind": "Other", "name": "x", "uid": uid, "controller": true });
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "kept", "namespace": "shop", "resourceVersion": "7",
                "labels": { "team": "shop", "by": "hand" },
                "ownerReferences": controller.map(owner).into_iter().collect::<Vec<_>>() },
            "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "minReplicas": 1, "maxReplicas": 9 },
            "status": { "currentReplicas": 3 },
        })
    }

    #[test]
    fn what_is_as_wanted_is_left_alone() {
        assert!(matches!(check(&hpa(false), &live(Some("ours"))), Needed::Nothing));
    }

    #[test]
    fn contract_3_an_edit_is_put_back_and_what_is_not_ours_stays() {
        for (pointer, value) in [
            ("/spec/maxReplicas", json!(50)),
            ("/spec/behavior", json!({ "scaleUp": {} })),
            ("/metadata/labels/team", json!("theirs")),
        ] {
            let mut edited = live(Some("ours"));
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            edited.pointer_mut(parent).unwrap()[field] = value;
            let Needed::Replace(HpaAction::Updated, next) = check(&hpa(false), &edited) else {
                panic!("{pointer}")
            };
            assert_eq!(next.data["spec"], live(None)["spec"], "{pointer}");
            let labels = next.metadata.labels.unwrap();
            assert_eq!((labels["team"].as_str(), labels["by"].as_str()), ("shop", "hand"));
            assert_eq!(next.metadata.resource_version.as_deref(), Some("7"));
        }
    }

    #[test]
    fn what_we_have_put_on_it_goes_with_the_object_and_what_others_have_put_stays() {
        let mut edited = live(Some("ours"));
        edited["metadata"]["labels"]["tier"] = json!("web");
        edited["metadata"]["annotations"] = json!({ "note": "ours", "kubectl.kubernetes.io/x": "theirs" });
        let manager = |name: &str, labels: Value, annotations: Value| {
            let fields = json!({ "f:metadata": { "f:labels": labels, "f:annotations": annotations } });
            json!({ "manager": name, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields })
        };
        edited["metadata"]["managedFields"] = json!([
            manager("polyscaler", json!({ "f:team": {}, "f:tier": {}, ".": {} }), json!({ "f:note": {} })),
            manager("kubectl-edit", json!({ "f:by": {} }), json!({ "f:kubectl.kubernetes.io/x": {} })),
        ]);
        let Needed::Replace(HpaAction::Updated, next) = check(&hpa(false), &edited) else { panic!() };
        let keys = |map: Option<BTreeMap<String, String>>| map.unwrap().into_keys().collect::<Vec<_>>();
        assert_eq!(keys(next.metadata.labels), ["by", "team"]);
        assert_eq!(keys(next.metadata.annotations), ["kubectl.kubernetes.io/x"]);
        // Somebody has written it since: it is theirs.
        edited["metadata"]["managedFields"][0] = manager("polyscaler", json!({ "f:team": {} }), json!({}));
        assert!(matches!(check(&hpa(false), &edited), Needed::Nothing));
    }

    #[test]
    fn contract_3_an_orphan_is_adopted_only_by_the_plans_say() {
        let Needed::Replace(HpaAction::Adopted, next) = check(&hpa(true), &live(None)) else { panic!() };
        let owner = &next.metadata.owner_references.unwrap()[0];
        assert_eq!((owner.uid.as_str(), owner.controller), ("ours", Some(true)));
        assert_eq!(
            (owner.api_version.as_str(), owner.kind.as_str()),
            ("autoscaling.example.com/v1", "GeneralScaler")
        );
        assert!(matches!(check(&hpa(false), &live(None)), Needed::Foreign(_)));
    }

    #[test]
    fn what_somebody_else_controls_is_never_touched() {
        for adopt_orphan in [false, true] {
            let Needed::Foreign(whose) = check(&hpa(adopt_orphan), &live(Some("theirs"))) else { panic!() };
            assert_eq!(whose, "the HPA 'kept' is already managed by the Other 'x'");
        }
    }
}
