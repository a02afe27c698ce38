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
