use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Time;
use serde::{Deserialize, Serializer};

use super::*;
use crate::Verdict;
use crate::business_scaling::BusinessScalingStatus;

const OURS: StatusLanguage = StatusLanguage::of::<BusinessScalingStatus>(MemoryPlace::Status);
const ANNOTATED: StatusLanguage = StatusLanguage::of::<BusinessScalingStatus>(MemoryPlace::Annotation);

fn scaled_at(second: i64) -> Memory {
    Memory { last_scale: Some(Time::from_seconds(second)), ..Memory::default() }
}

fn kept(language: StatusLanguage, memory: Memory) -> KeptStatus {
    KeptStatus { memory: Arc::new(memory), ..language.kept(&json!({})) }
}

fn conflict() -> Outcome {
    let (uid, at) = ("1".to_owned(), Time::from_seconds(100));
    let verdict = Verdict::Conflict("taken by another".to_owned());
    Outcome { uid, generation: 1, at, verdict, warnings: Arc::default() }
}

#[test]
fn memory_is_kept_in_the_status_or_in_an_annotation_and_comes_back() {
    let memory = scaled_at(7);
    let ours = kept(OURS, memory.clone());
    assert_eq!(OURS.kept(&json!({ "status": ours.to_value() })).memory(), &memory);
    assert!(ours.changed_annotations(&kept(OURS, Memory::default())).is_empty());

    let annotated = kept(ANNOTATED, memory.clone());
    assert!(annotated.to_value().get("memory").is_none(), "the CRD would prune it");
    let annotations = annotated.changed_annotations(&kept(ANNOTATED, Memory::default()));
    let object = json!({ "metadata": { "annotations": annotations }, "status": annotated.to_value() });
    assert_eq!(ANNOTATED.kept(&object).memory(), &memory);
    assert!(annotated.changed_annotations(&annotated).is_empty());
    let forgotten = kept(ANNOTATED, Memory::default()).changed_annotations(&annotated);
    assert_eq!(forgotten[MEMORY_ANNOTATION], Value::Null);
    assert_eq!(annotated.difference(&kept(ANNOTATED, Memory::default())), Difference::Major);
}

#[test]
fn what_cannot_be_read_is_replaced_as_a_whole() {
    for stored in [
        json!({ "currentReplicas": "two", "memory": scaled_at(7) }),
        json!({ "memory": { "lastScale": "yesterday" } }),
        json!("gone mad"),
    ] {
        let before = OURS.kept(&json!({ "status": stored }));
        let next = before.after(&conflict());
        assert_eq!(before.to_value(), stored, "so that a patch removes what is wrong in it");
        assert_eq!(next.difference(&before), Difference::Major);
        assert_eq!(next.difference(&next.after(&conflict())), Difference::None);
    }
    let spoilt = json!({ "metadata": { "annotations": { MEMORY_ANNOTATION: "{" } } });
    assert_eq!(ANNOTATED.kept(&spoilt).memory(), &Memory::default());
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
    let language = StatusLanguage::of::<Counting>(MemoryPlace::Annotation);
    let first = language.kept(&json!({ "status": 1 }));
    let same = first.after(&conflict());
    assert_eq!(same.difference(&first), Difference::None);
    let other = first.after(&Outcome { generation: 2, ..conflict() });
    assert_eq!(other.difference(&first), Difference::Major);
    assert_eq!(SERIALISED.load(Ordering::Relaxed), 0);
    assert_eq!(other.to_value(), 2);
    assert_eq!(SERIALISED.load(Ordering::Relaxed), 1);
}
