use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Time;
use serde::{Deserialize, Serializer};

use super::*;
use crate::Verdict;
use crate::business_scaling::BusinessScalingStatus;
use MemoryPlace::{Annotation, Status as InStatus};

fn scaled_at(second: i64) -> Memory {
    Memory { last_scale: Some(Time::from_seconds(second)), ..Memory::default() }
}

fn held(place: MemoryPlace, object: &Value) -> KeptStatus {
    KeptStatus::of::<BusinessScalingStatus>(place, object)
}

fn kept(place: MemoryPlace, memory: Memory) -> KeptStatus {
    KeptStatus { memory: Arc::new(memory), ..held(place, &json!({})) }
}

fn conflict() -> Outcome {
    let (uid, at) = ("1".to_owned(), Time::from_seconds(100));
    let verdict = Verdict::Conflict("taken by another".to_owned().into());
    Outcome { uid, generation: 1, at, verdict, warnings: Arc::default() }
}

#[test]
fn memory_is_kept_in_the_status_or_in_an_annotation_and_comes_back() {
    let memory = scaled_at(7);
    let ours = kept(InStatus, memory.clone());
    assert_eq!(held(InStatus, &json!({ "status": ours.to_value() })).memory(), &memory);
    assert!(ours.changed_annotations(&kept(InStatus, Memory::default())).is_empty());

    let annotated = kept(Annotation, memory.clone());
    assert!(annotated.to_value().get("memory").is_none(), "the CRD would prune it");
    let annotations = annotated.changed_annotations(&kept(Annotation, Memory::default()));
    let object = json!({ "metadata": { "annotations": annotations }, "status": annotated.to_value() });
    assert_eq!(held(Annotation, &object).memory(), &memory);
    assert!(annotated.changed_annotations(&annotated).is_empty());
    let forgotten = kept(Annotation, Memory::default()).changed_annotations(&annotated);
    assert_eq!(forgotten[MEMORY_ANNOTATION], Value::Null);
    assert_eq!(annotated.difference(&kept(Annotation, Memory::default())), Difference::Major);
}

#[test]
fn what_cannot_be_read_is_replaced_as_a_whole() {
    for stored in [
        json!({ "currentReplicas": "two", "memory": scaled_at(7) }),
        json!({ "memory": { "lastScale": "yesterday" } }),
        json!("gone mad"),
    ] {
        let before = held(InStatus, &json!({ "status": stored }));
        let next = before.after(&conflict());
        assert_eq!(before.to_value(), stored, "so that a patch removes what is wrong in it");
        assert_eq!(next.difference(&before), Difference::Major);
        assert_eq!(next.difference(&next.after(&conflict())), Difference::None);
    }
    let spoilt = json!({ "metadata": { "annotations": { MEMORY_ANNOTATION: "{" } } });
    assert_eq!(held(Annotation, &spoilt).memory(), &Memory::default());
}

static SERIALISED: AtomicUsize = AtomicUsize::new(0);

/// Counts how often it is serialised.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Counting(u32);

impl Serialize for Counting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SERIALISED.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_u32(self.0)
    }
}

impl Status for Counting {
    fn update(&mut self, outcome: &Outcome) {
        self.0 = outcome.generation as u32;
    }

    fn clear_volatile(&mut self) {}

    fn observed(&self) -> Option<&ObservedStatus> {
        None
    }
}

#[test]
fn a_status_is_compared_without_being_serialised() {
    let first = KeptStatus::of::<Counting>(Annotation, &json!({ "status": 1 }));
    let same = first.after(&conflict());
    assert_eq!(same.difference(&first), Difference::None);
    let other = first.after(&Outcome { generation: 2, ..conflict() });
    assert_eq!(other.difference(&first), Difference::Major);
    assert_eq!(SERIALISED.load(Ordering::Relaxed), 0);
    assert_eq!(other.to_value(), 2);
    assert_eq!(SERIALISED.load(Ordering::Relaxed), 1);
}

#[test]
fn a_packed_status_is_as_it_was() {
    let spoilt = json!({ "status": { "conditions": "none", "memory": {} } });
    let label = json!({ "name": "web", "labels": {} });
    let triggers = json!([{ "type": "cpu", "metadata": {} }, { "type": "prometheus", "metadata": {} }]);
    let condition = json!({ "type": "Ready", "status": "True", "reason": "a \"b\"", "message": "c, } d" });
    let scaled = json!({ "metadata": label, "spec": { "triggers": triggers },
        "status": { "conditions": [condition], "originalReplicaCount": 3, "lastActiveTime": "2026-01-01T00:00:00Z" } });
    let only = json!({ "status": { "conditions": [condition] } });
    let ours = held(InStatus, &json!({})).after(&conflict());
    let kept = [
        held(Annotation, &spoilt),
        kept(InStatus, scaled_at(7)),
        ours,
        crate::scaled_object::KIND.kept_status(&scaled),
        crate::scaled_object::KIND.kept_status(&only),
        crate::scaled_object::KIND.kept_status(&json!({})).after(&conflict()),
    ];
    for kept in kept {
        let unpacked = kept.packed().unpacked();
        assert_eq!(unpacked.to_value(), kept.to_value());
        assert_eq!(unpacked.memory(), kept.memory());
        assert_eq!(unpacked.difference(&kept), kept.difference(&kept));
        let next = Outcome { generation: 9, ..conflict() };
        assert_eq!(unpacked.after(&next).to_value(), kept.after(&next).to_value());
    }
}

#[test]
fn equal_conditions_are_packed_as_equal_texts() {
    let packed = |second| {
        let mut kept = crate::scaled_object::KIND.kept_status(&json!({})).after(&conflict());
        kept.memory = Arc::new(scaled_at(second));
        kept.packed()
    };
    let (mut one, mut other) = (packed(1), packed(2));
    assert!(one.conditions_mut().starts_with("[{"));
    assert_eq!(one.conditions_mut(), other.conditions_mut());
}

/// A metric that stands still must not look like one that moved: serde_json reads numbers of 16 digits and more exactly
/// only with its feature `float_roundtrip`.
#[test]
fn a_value_that_was_written_is_read_as_the_same() {
    // The steps of a linear congruential generator, as the fractions of values from 1 to 2.
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let values =
        std::iter::successors(Some(1_u64), next).map(|state| f64::from_bits((0x3FF << 52) | (state >> 12)));
    for value in values.take(1_000) {
        let shown = held(InStatus, &json!({ "status": { "metricValue": value } }));
        assert_eq!(shown.metric_values(), [Some(value)]);
        let read: Value = serde_json::from_str(&json!({ "status": shown.to_value() }).to_string()).unwrap();
        for again in [held(InStatus, &read), shown.packed().unpacked()] {
            assert_eq!(
                again.difference(&shown),
                Difference::None,
                "{value:?} became {:?}",
                again.metric_values()
            );
        }
    }
}
