//! What has been told is known by fields that the object remembers, never by the text of a message.

use super::*;

const MISSING: &str = "the container app doesn't have the cpu request defined";

fn lacks(path: &str, why: &str) -> Vec<Problem> {
    vec![Problem::new(path, Fault::forbidden(why))]
}

/// The Events that say what is lacking.
fn of_lacking(events: &[String]) -> Vec<&str> {
    events.iter().filter_map(|event| event.strip_prefix("! KEDAScalerInfo: ")).collect()
}

#[test]
fn what_is_lacking_is_told_once_for_each_field_whatever_messages_say() {
    let mut object = with_triggers(json!([cpu(), cpu()]));
    set(&mut object, "/spec/minReplicaCount", json!(1));
    set(
        &mut object,
        "/status",
        json!({ "conditions": [{ "type": "Ready", "status": "True",
        "reason": "ScaledObjectReady", "message": format!("somebody wrote: {MISSING}") }] }),
    );
    let (mut after, events) = Told { lacking: lacks("spec.triggers[0]", MISSING), ..told(object) }.tell();
    assert_eq!(of_lacking(&events), [format!("spec.triggers[0]: Forbidden: {MISSING}")], "it was not told");

    set(&mut after, "/status/conditions/0/message", json!("somebody's words"));
    let otherwise = lacks("spec.triggers[0]", "the container sidecar doesn't have it either");
    let (after, events) = Told { lacking: otherwise, ..told(after) }.tell();
    assert_eq!(of_lacking(&events), [""; 0], "the field is known to lack something");

    let (after, events) = Told { lacking: lacks("spec.triggers[1]", MISSING), ..told(after) }.tell();
    assert_eq!(of_lacking(&events).len(), 1, "another field is news: {events:?}");
    let (after, _) = told(after).tell();
    assert_eq!(after["metadata"]["annotations"][MEMORY_ANNOTATION], Value::Null, "nothing is left to know");
    let (_, events) = Told { lacking: lacks("spec.triggers[1]", MISSING), ..told(after) }.tell();
    assert_eq!(of_lacking(&events).len(), 1, "it was there in between: {events:?}");
}

#[test]
fn a_write_that_fails_is_told_once_for_each_reason_whatever_messages_say() {
    let refused = |object: &Value, reason: Reason, message: &str| {
        let failure = WriteFailure { reason, message: message.to_owned() };
        // What Ready says of the trigger leaves no room for the write.
        let activity = active(vec![trigger("s0-prometheus", true), failed("s1-prometheus", 2, false)]);
        let poll =
            Told { seen: Ok(0), to: Some(1), write: Some(Err(failure)), activity, ..told(object.clone()) };
        let (object, events) = poll.tell();
        (object, events.iter().filter(|event| event.contains("Failed to scale")).count())
    };
    let (object, events) = refused(&least(), Reason::FailedUpdateScale, "refused at 8:00");
    assert_eq!(events, 1);
    let (object, events) = refused(&object, Reason::FailedUpdateScale, "refused at 8:01");
    assert_eq!(events, 0, "the same in other words");
    let (object, _) = Told { seen: Err(Reason::TargetNotFound), ..told(object) }.tell();
    let (object, events) = refused(&object, Reason::FailedUpdateScale, "refused at 8:02");
    assert_eq!(events, 0, "in between it was not seen");
    assert_eq!(refused(&object, Reason::ScaleTimedOut, "refused at 8:01").1, 1, "another reason");
}

#[test]
fn what_is_withheld_while_paused_is_known_by_its_kind_and_not_by_its_path() {
    let mut object = annotated("autoscaling.keda.sh/paused", "true");
    set(&mut object, "/spec/minReplicaCount", json!(9));
    set(&mut object, "/spec/maxReplicaCount", json!(2));
    let ready = |outcome: &Outcome| conditions(&tell(&object, outcome, &[]).0)[0].clone();
    let mut outcome = told(object.clone()).outcome();
    assert!(ready(&outcome).contains("; spec: correct it before the pause ends: "), "{}", ready(&outcome));
    outcome.warnings = [Warning::new("spec", "it is odd")].into();
    assert!(!ready(&outcome).contains("odd"), "{}", ready(&outcome));
}
