use engine::{Group, Mode};
use proptest::prelude::*;

use super::*;
use crate::scripted::{member, plan};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("BusinessScaling", "", name)
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
    assert_eq!(ownership.hpa(hpa.clone(), Some(target.clone()), None), [key("a")]);
    let conflict = ownership.conflict(&key("a"), &plan).unwrap();
    assert!(conflict.contains("HorizontalPodAutoscaler default/web"), "{conflict}");
    assert!(ownership.hpa(hpa.clone(), Some(target), None).is_empty(), "nothing changed");
    assert_eq!(ownership.hpa(hpa, None, None), [key("a")]);
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
    ownership.hpa(hpa("first"), Some(plan().members[0].target.clone()), None);
    ownership.hpa(hpa("second"), Some(plan().members[0].target.clone()), None);
    let concerned = ownership.hpa(hpa("first"), Some(other.members[0].target.clone()), None);
    assert_eq!(concerned, [key("a"), key("b")]);
    assert!(ownership.conflict(&key("a"), &plan()).is_some(), "the second one still scales it");
    assert!(ownership.conflict(&key("b"), &other).is_some());
    ownership.hpa(hpa("second"), None, None);
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

/// A group of these Deployments.
fn group(names: &[&str]) -> Plan {
    Plan { members: names.iter().map(|name| member(name)).collect(), group: Some(Group::default()), ..plan() }
}

fn names(keys: Vec<ObjectKey>) -> Vec<String> {
    keys.into_iter().map(|key| key.name.clone()).collect()
}

/// Claims, each by its name, age and targets, one after another.
fn claims(of: &[(&str, &str, &[&str])]) -> Ownership {
    let mut ownership = Ownership::default();
    for (name, created, targets) in of {
        ownership.claim(&key(name), *created, &group(targets));
    }
    ownership
}

fn may(ownership: &Ownership, name: &str, targets: &[&str]) -> bool {
    ownership.conflict(&key(name), &group(targets)).is_none()
}

#[test]
fn who_is_in_conflict_holds_none_of_its_targets() {
    let mut ownership = claims(&[("C", "3", &["c"]), ("B", "2", &["b", "c"]), ("A", "1", &["a", "b"])]);
    let all = |ownership: &Ownership| {
        [("A", ["a", "b"].as_slice()), ("B", &["b", "c"]), ("C", &["c"])]
            .map(|(name, targets)| may(ownership, name, targets))
    };
    assert_eq!(all(&ownership), [true, false, true]);
    assert_eq!(
        ownership.conflict(&key("B"), &group(&["b", "c"])).unwrap(),
        "member b: Deployment default/b is already scaled by BusinessScaling A; delete one of the two, or \
         set the annotation polyscaler.dev/mode: observe on this one",
        "c is had by a younger one, which would have to give it back"
    );
    assert_eq!(names(ownership.withdraw(&key("A"))), ["B", "C"], "one gains, and the next loses");
    assert_eq!(all(&ownership)[1..], [true, false]);
    assert_eq!(names(ownership.claim(&key("A"), "1", &group(&["a", "b"]))), ["B", "C"]);
    let hpa = || ("default".to_owned(), "rival".to_owned());
    assert_eq!(names(ownership.hpa(hpa(), Some(member("a").target), None)), ["A", "B", "C"]);
    assert_eq!(all(&ownership), [false, true, false], "an HPA on one member takes the whole group");
    assert_eq!(names(ownership.hpa(hpa(), Some(member("c").target), None)), ["A", "B", "C"]);
    assert_eq!(all(&ownership), [true, false, false]);
    assert_eq!(names(ownership.hpa(hpa(), None, None)), ["B", "C"], "one has lost one target less");
    assert_eq!(all(&ownership), [true, false, true]);
    assert_eq!(names(ownership.claim(&key("A"), "1", &group(&["a"]))), ["B", "C"]);
    assert!(may(&ownership, "A", &["a"]));
}

#[test]
fn every_lost_member_is_named_with_its_owner() {
    let mut ownership = claims(&[("A", "1", &["a"]), ("B", "2", &["b"]), ("C", "3", &["a", "x", "b", "c"])]);
    ownership.hpa(("default".to_owned(), "rival".to_owned()), Some(member("c").target), None);
    let message = ownership.conflict(&key("C"), &group(&["a", "x", "b", "c"])).unwrap();
    let (lost, _) = message.split_once("; delete").unwrap();
    assert_eq!(
        lost,
        "member a: Deployment default/a is already scaled by BusinessScaling A; \
         member b: Deployment default/b is already scaled by BusinessScaling B; \
         member c: Deployment default/c is already scaled by HorizontalPodAutoscaler default/rival"
    );
}

#[test]
fn a_member_that_is_left_alone_is_not_claimed() {
    let mut refused = group(&["a", "b"]);
    refused.members[1].role.refusal = Some("elsewhere".to_owned());
    let mut ownership = Ownership::default();
    ownership.claim(&key("A"), "1", &refused);
    ownership.claim(&key("B"), "2", &group(&["b"]));
    assert!(may(&ownership, "B", &["b"]));
    ownership.claim(&key("Z"), "0", &group(&["b"]));
    assert_eq!(ownership.conflict(&key("A"), &refused), None, "nor can it be lost");
}

/// What happens to one of six objects or to an HPA.
#[derive(Clone, Debug)]
enum Happening {
    Claim(usize, u32, Vec<usize>),
    Withdraw(usize),
    Hpa(Option<usize>),
}

const TARGETS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn happenings() -> impl Strategy<Value = Happening> {
    let targets = proptest::sample::subsequence((0..TARGETS.len()).collect::<Vec<_>>(), 1..4);
    prop_oneof![
        6 => (0..6usize, 0..4u32, targets).prop_map(|(who, created, targets)| Happening::Claim(who, created, targets)),
        2 => (0..6usize).prop_map(Happening::Withdraw),
        1 => proptest::option::of(0..TARGETS.len()).prop_map(Happening::Hpa),
    ]
}

/// Who may scale, by going through all from the oldest on.
fn by_age(objects: &[Option<(u32, Vec<usize>)>], hpa: Option<usize>) -> Vec<bool> {
    let mut order: Vec<usize> = (0..objects.len()).filter(|&who| objects[who].is_some()).collect();
    order.sort_by_key(|&who| (objects[who].as_ref().unwrap().0, who));
    let mut taken: Vec<usize> = hpa.into_iter().collect();
    let mut may = vec![false; objects.len()];
    for who in order {
        let (_, targets) = objects[who].as_ref().unwrap();
        may[who] = targets.iter().all(|target| !taken.contains(target));
        if may[who] {
            taken.extend(targets);
        }
    }
    may
}

proptest! {
    #[test]
    fn whatever_happens_the_oldest_come_first_and_whoever_is_concerned_is_named(
        happenings in prop::collection::vec(happenings(), 1..40)
    ) {
        let mut ownership = Ownership::default();
        let mut objects: Vec<Option<(u32, Vec<usize>)>> = vec![None; 6];
        let mut hpa = None;
        let name = |who: usize| format!("object{who}");
        let plan_of = |targets: &[usize]| group(&targets.iter().map(|&target| TARGETS[target]).collect::<Vec<_>>());
        let mut before = by_age(&objects, hpa);
        for happening in happenings {
            let (own, concerned) = match happening {
                Happening::Claim(who, created, targets) => {
                    let concerned = ownership.claim(&key(&name(who)), created.to_string(), &plan_of(&targets));
                    objects[who] = Some((created, targets));
                    (Some(who), concerned)
                }
                Happening::Withdraw(who) => {
                    objects[who] = None;
                    (Some(who), ownership.withdraw(&key(&name(who))))
                }
                Happening::Hpa(target) => {
                    hpa = target;
                    let target = target.map(|target| member(TARGETS[target]).target);
                    (None, ownership.hpa(("default".to_owned(), "rival".to_owned()), target, None))
                }
            };
            let after = by_age(&objects, hpa);
            for (who, object) in objects.iter().enumerate() {
                let Some((_, targets)) = object else { continue };
                let conflict = ownership.conflict(&key(&name(who)), &plan_of(targets));
                prop_assert_eq!(conflict.is_none(), after[who], "{}: {:?}", who, conflict);
                let is_named = concerned.contains(&key(&name(who)));
                prop_assert!(after[who] == before[who] || own == Some(who) || is_named, "{} is not \
                     reported", who);
            }
            before = after;
        }
    }
}

/// A plan for `web` that keeps the HPA `kept`, and may take over one that nothing controls.
fn keeping(adopt_orphan: bool) -> Plan {
    let hpa = engine::KeptHpa { name: "kept".to_owned(), adopt_orphan, ..engine::KeptHpa::default() };
    Plan { actuation: engine::Actuation::Hpa(hpa.into()), ..plan() }
}

fn kept() -> HpaName {
    ("default".to_owned(), "kept".to_owned())
}

#[test]
fn an_hpa_that_an_object_of_ours_controls_is_not_foreign() {
    let (plan, target) = (keeping(false), plan().members[0].target.clone());
    let mut ownership = Ownership::default();
    // The watches of HPAs and objects are not in step: the HPA may be known first.
    ownership.hpa(kept(), Some(target.clone()), Some("uid-of-a".to_owned()));
    ownership.know("uid-of-a", &key("a"));
    ownership.claim(&key("a"), "1", &plan);
    assert_eq!(ownership.conflict(&key("a"), &plan), None);
    // To another object that claims the target, the older object is what stands in its way.
    ownership.claim(&key("b"), "2", &plan);
    assert!(ownership.conflict(&key("b"), &plan).unwrap().contains("BusinessScaling a"));

    // Once its controller claims something else, it scales a target that nobody else may write.
    ownership.claim(&key("a"), "1", &Plan { mode: Mode::Observe, ..plan.clone() });
    assert!(ownership.conflict(&key("b"), &plan).unwrap().contains("HorizontalPodAutoscaler default/kept"));
    ownership.claim(&key("a"), "1", &plan);
    assert_eq!(ownership.conflict(&key("a"), &plan), None);

    // Of someone else with another uid it is foreign, whatever its name.
    assert_eq!(ownership.hpa(kept(), Some(target), Some("uid-of-c".to_owned())), [key("a"), key("b")]);
    assert!(ownership.conflict(&key("a"), &plan).unwrap().contains("HorizontalPodAutoscaler default/kept"));
}

#[test]
fn an_hpa_without_a_controller_is_foreign_unless_it_may_be_taken_over() {
    let target = plan().members[0].target.clone();
    for adopts in [false, true] {
        let mut ownership = Ownership::default();
        ownership.know("uid-of-a", &key("a"));
        ownership.claim(&key("a"), "1", &keeping(adopts));
        ownership.hpa(kept(), Some(target.clone()), None);
        assert_eq!(ownership.conflict(&key("a"), &keeping(adopts)).is_none(), adopts);
        assert_eq!(ownership.keepers(&kept(), None).contains(&key("a")), adopts);
        ownership.hpa(kept(), Some(target.clone()), Some("uid-of-a".to_owned()));
        assert_eq!(ownership.conflict(&key("a"), &keeping(adopts)), None);
        assert!(ownership.keepers(&kept(), None).contains(&key("a")), "deleted by hand, it is missed");
        let other = ("default".to_owned(), "other".to_owned());
        ownership.hpa(other, Some(target.clone()), None);
        assert!(ownership.conflict(&key("a"), &keeping(adopts)).unwrap().contains("default/other"));
    }
}
