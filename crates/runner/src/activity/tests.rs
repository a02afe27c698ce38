use resources::{MemberPoll, Reason, Verdict, WriteFailure};

use super::*;

fn action(to: u32) -> ScaleOperation {
    ScaleOperation {
        timestamp: Time::from_seconds(1_700_000_000),
        kind: "BusinessScaling",
        namespace: "default".to_owned(),
        name: "shop".to_owned(),
        uid: "705ab4f5".to_owned(),
        target: "Deployment/web".to_owned(),
        from: 2,
        to,
        applied: true,
        error: None,
        steps: vec!["linear 2→6 (3000 in 1000..5000)".to_owned()],
        reverted_by: None,
    }
}

#[test]
fn an_operation_that_was_undone_is_marked() {
    let activity = Activity::new(5);
    activity.note(action(3));
    activity.note(action(6));
    activity.note(ScaleOperation { applied: false, error: Some("forbidden".to_owned()), ..action(7) });
    activity.note(ScaleOperation { target: "Deployment/other".to_owned(), ..action(8) });
    activity.reverted("705ab4f5", "Deployment/web", "argocd-controller");
    activity.reverted("another-uid", "Deployment/web", "kubectl");
    let marked: Vec<(u32, Option<String>)> =
        activity.actions().into_iter().map(|action| (action.to, action.reverted_by)).collect();
    let argo = Some("argocd-controller".to_owned());
    assert_eq!(marked, [(8, None), (7, None), (6, argo), (3, None)]);
}

#[test]
fn the_newest_come_first_and_the_oldest_make_room() {
    let activity = Activity::new(3);
    for to in 1..=5 {
        activity.note(action(to));
    }
    let shown: Vec<u32> = activity.actions().iter().map(|action| action.to).collect();
    assert_eq!(shown, [5, 4, 3]);
}

#[test]
fn a_ring_for_none_keeps_none() {
    let activity = Activity::new(0);
    activity.note(action(1));
    assert_eq!(activity.actions(), []);
}

#[test]
fn the_fields_have_the_names_that_callers_rely_on() {
    let reported = serde_json::to_value(action(6)).unwrap();
    let expected = serde_json::json!({
        "timestamp": "2023-11-14T22:13:20Z", "kind": "BusinessScaling", "namespace": "default", "name": "shop",
        "uid": "705ab4f5", "target": "Deployment/web", "from": 2, "to": 6, "applied": true,
        "steps": ["linear 2→6 (3000 in 1000..5000)"],
    });
    assert_eq!(reported, expected);
    let failed = ScaleOperation { error: Some("forbidden".to_owned()), applied: false, ..action(6) };
    assert_eq!(serde_json::to_value(failed).unwrap()["error"], "forbidden");
}

#[test]
fn an_action_says_whether_it_was_carried_out() {
    let decided =
        MemberDecision { member: 0, from: 2, recommended: Some(6), to: 6, cost: None, steps: Vec::new() };
    let refused = WriteFailure { reason: Reason::ScaleConflict, message: "changed in between".to_owned() };
    let cases = [
        (Some(Ok(())), true, None),
        (Some(Err(refused)), false, Some("changed in between")),
        (None, false, None),
    ];
    for (write, applied, error) in cases {
        let poll = Box::new(Poll {
            plan: std::sync::Arc::new(crate::scripted::plan()),
            readings: Vec::new(),
            members: vec![MemberPoll {
                seen: Ok(engine::Scale { replicas: 2, status_replicas: 2, ready: None }),
                write,
            }],
            decision: engine::Decision {
                at: Time::default(),
                mode: engine::Mode::Act,
                values: Vec::new(),
                absences: Vec::new(),
                outlooks: Vec::new(),
                activity: None,
                published: Vec::new(),
                members: vec![decided.clone()],
            },
            memory: engine::Memory::default(),
            hpa: Ok(Vec::new()),
            hpa_scaling: None,
            lacking: Vec::new(),
            reversals: Vec::new(),
        });
        let at = Time::from_seconds(1_700_000_000);
        let (uid, verdict) = ("705ab4f5".to_owned(), Verdict::Polled(poll.clone()));
        let outcome = Outcome { uid, generation: 1, at, verdict, warnings: std::sync::Arc::default() };
        let key = |namespace: &str| ObjectKey::new("BusinessScaling", namespace, "shop");
        let action = ScaleOperation::of(&key(""), &outcome, &poll, &decided);
        assert_eq!((action.uid.as_str(), action.timestamp), ("705ab4f5", at));
        assert_eq!((action.applied, action.error.as_deref()), (applied, error));
        assert_eq!(action.namespace, "default", "of the target, as the object has none");
        assert_eq!(ScaleOperation::of(&key("team"), &outcome, &poll, &decided).namespace, "team");
    }
}
