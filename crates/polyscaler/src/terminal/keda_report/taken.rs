//! Objects that want what somebody has already: a target, or the name of an HPA. KEDA's operator runs all of them against
//! each other; here whoever came first works, and the others say why they do not.

use engine::Target;
use resources::TargetOwner;
use serde_json::Value;

use super::judged::Judged;

/// The annotation of an HPA which says, as `false`, that it stands in nobody's way.
const OWNERSHIP: &str = "validations.keda.sh/hpa-ownership";

/// What an object wants for itself.
#[derive(Default)]
pub(super) struct Wanted {
    /// What it would scale.
    pub(super) target: Option<Target>,
    /// Name of the HPA that it would keep.
    pub(super) hpa: Option<String>,
}

/// Adds to what becomes of each of `objects` what of its `wanted` others have; `hpas` are those that exist.
pub(super) fn note(judged: &mut [Judged], objects: &[Value], wanted: &[Wanted], hpas: &[Value]) {
    for (place, object) in objects.iter().enumerate() {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let Some(kind) = resources::find(text("apiVersion"), text("kind")) else { continue };
        let owner = |first: usize| TargetOwner::Object {
            kind: kind.kind,
            namespace: judged[first].namespace.clone(),
            name: judged[first].name.clone(),
        };
        let before = |has: &dyn Fn(&Wanted) -> bool| {
            let others = (0..objects.len()).filter(|&other| other != place && has(&wanted[other]));
            let first = others.min_by_key(|&other| age(objects, other))?;
            (age(objects, first) < age(objects, place)).then(|| owner(first))
        };
        let Wanted { target, hpa } = &wanted[place];
        let of_target = target.as_ref().and_then(|target| {
            let owner = before(&|other| other.target.as_ref() == Some(target))
                .or_else(|| of_somebody(target, &judged[place], hpa.as_deref(), hpas))?;
            Some(kind.taken(object, target, &owner))
        });
        let of_hpa = hpa.as_ref().zip(kind.needs.hpa).and_then(|(name, naming)| {
            let namespace = &judged[place].namespace;
            let is_same = |other: &Wanted| {
                let has_namespace =
                    other.target.as_ref().is_some_and(|target| target.namespace == *namespace);
                has_namespace && other.hpa.as_ref() == Some(name)
            };
            Some((naming.taken)(name, &before(&is_same)?))
        });
        for problem in of_target.into_iter().chain(of_hpa) {
            judged[place].conflicts(&problem);
        }
    }
}

/// By which the older of two objects comes first; in files the one that stands first.
fn age(objects: &[Value], place: usize) -> (&str, usize) {
    let created = objects[place].pointer("/metadata/creationTimestamp").and_then(Value::as_str);
    (created.unwrap_or_default(), place)
}

/// The HPA that scales `target` and is neither that of the object nor one that it takes over.
fn of_somebody(target: &Target, judged: &Judged, own: Option<&str>, hpas: &[Value]) -> Option<TargetOwner> {
    let is_in_the_way = |hpa: &&Value| {
        let text = |pointer: &str| hpa.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let owners = hpa.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        let mut controlling = owners.filter(|owner| owner["controller"] == true);
        let controller = controlling.next();
        let is_kept = controller.is_some_and(|owner| owner["kind"] == judged.kind.as_str());
        let is_taken_over = controller.is_none() && own == Some(text("/metadata/name"));
        text("/metadata/namespace") == target.namespace
            && text("/spec/scaleTargetRef/apiVersion") == target.api_version
            && text("/spec/scaleTargetRef/kind") == target.kind
            && text("/spec/scaleTargetRef/name") == target.name
            && hpa["metadata"]["annotations"][OWNERSHIP] != "false"
            && !is_kept
            && !is_taken_over
    };
    let hpa = hpas.iter().find(is_in_the_way)?;
    let name = hpa.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(TargetOwner::Hpa { namespace: target.namespace.clone(), name })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, created: &str) -> Value {
        json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": { "name": name, "namespace": "shop", "creationTimestamp": created },
        })
    }

    fn wants(target: &str, hpa: &str) -> Wanted {
        let target = Target {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: target.to_owned(),
        };
        Wanted { target: Some(target), hpa: Some(hpa.to_owned()) }
    }

    fn hpa(name: &str, metadata: Value) -> Value {
        let mut hpa = json!({
            "metadata": metadata,
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
        });
        hpa["metadata"]["name"] = json!(name);
        hpa["metadata"]["namespace"] = json!("shop");
        hpa
    }

    /// What is said of each object.
    fn said(objects: &[Value], wanted: &[Wanted], hpas: &[Value]) -> Vec<Vec<String>> {
        let mut judged: Vec<Judged> = objects.iter().map(Judged::new).collect();
        note(&mut judged, objects, wanted, hpas);
        let notes = |judged: &Judged| judged.notes.iter().map(|note| note.message.clone()).collect();
        judged.iter().map(notes).collect()
    }

    #[test]
    fn of_two_on_one_target_or_with_one_hpa_the_younger_does_not_work() {
        let objects = [object("young", "2026-02-02T00:00:00Z"), object("old", "2026-01-01T00:00:00Z")];
        let found = said(&objects, &[wants("web", "a"), wants("web", "b")], &[]);
        assert!(found[0][0].contains("is already managed by the ScaledObject 'old'") && found[1].is_empty());
        let found = said(&objects, &[wants("web", "a"), wants("api", "a")], &[]);
        assert!(
            found[0][0].contains("the HPA 'a' is already managed by the ScaledObject 'old'"),
            "{found:?}"
        );
        assert_eq!(
            said(&objects, &[wants("web", "a"), wants("api", "b")], &[]),
            [vec![], Vec::<String>::new()]
        );
        let in_a_file = [object("first", ""), object("second", "")];
        let found = said(&in_a_file, &[wants("web", "a"), wants("web", "b")], &[]);
        assert!(found[0].is_empty() && !found[1].is_empty(), "{found:?}");
    }

    #[test]
    fn an_hpa_of_somebody_is_in_the_way_and_no_other() {
        let controlled =
            |kind: &str| json!({ "ownerReferences": [{ "kind": kind, "name": "x", "controller": true }] });
        for (found, is_in_the_way) in [
            (hpa("hand", json!({})), true),
            (hpa("hand", controlled("Scaler")), true),
            (hpa("keda-hpa-web", json!({})), false),
            (hpa("keda-hpa-web", controlled("ScaledObject")), false),
            (hpa("hand", json!({ "annotations": { OWNERSHIP: "false" } })), false),
        ] {
            let said =
                said(&[object("web", "")], &[wants("web", "keda-hpa-web")], std::slice::from_ref(&found));
            assert_eq!(!said[0].is_empty(), is_in_the_way, "{found}");
        }
    }
}
