use std::sync::Arc;

use engine::{Decision, Fault, Memory, Mode, Plan, Problem, Time};
use serde_json::json;

use super::*;
use crate::lenient::Lenient;
use crate::{Context, Kind, Poll, general_scaler};

const KIND: &Kind = &general_scaler::KIND;

fn outcome(verdict: Verdict) -> Outcome {
    let at = Time::from_seconds(100);
    Outcome { uid: "1".to_owned(), generation: 1, at, verdict, warnings: Arc::default() }
}

fn invalid() -> Outcome {
    outcome(Verdict::Invalid(vec![Problem::new("spec.maxReplicas", Fault::required())]))
}

/// A poll that decided nothing.
fn polled(mode: Mode) -> Outcome {
    let spec = json!({ "targetDeployment": "web", "maxReplicas": 5,
                       "metrics": [{ "type": "prometheus", "targetValue": 1 }] });
    let context = Context {
        catalog: &Lenient,
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: false,
        resolved: None,
    };
    let plan = KIND.compile(&json!({ "metadata": {}, "spec": spec }), &context).unwrap().plan;
    let (at, values) = (Time::from_seconds(100), Vec::new());
    let decision =
        Decision { at, mode, values, absences: Vec::new(), outlooks: Vec::new(), members: Vec::new() };
    outcome(Verdict::Polled(Box::new(Poll {
        plan: Arc::new(Plan { mode, ..plan }),
        readings: Vec::new(),
        members: Vec::new(),
        decision,
        memory: Memory::default(),
        hpa: Ok(Vec::new()),
        reversals: Vec::new(),
    })))
}

/// The types and reasons of the Events as each outcome follows the one before.
fn announced(outcomes: &[Outcome]) -> Vec<Vec<String>> {
    let mut before = KIND.kept_status(&json!({}));
    let step = |outcome: &Outcome| {
        let next = before.after(outcome);
        let change = Change { outcome, scaled: &[], before: &before, next: &next };
        let announced = KIND.events(&change);
        before = next;
        let type_ = |is_warning| if is_warning { "Warning" } else { "Normal" };
        announced.iter().map(|one| format!("{} {}", type_(one.is_warning), one.reason)).collect()
    };
    outcomes.iter().map(step).collect()
}

#[test]
fn observing_is_announced_when_it_begins_and_when_it_ends() {
    let (act, observe) = (polled(Mode::Act), polled(Mode::Observe));
    let outcomes = [&act, &observe, &observe, &act, &act].map(Outcome::clone);
    assert_eq!(
        announced(&outcomes),
        [vec![], vec!["Normal Observing".to_owned()], vec![], vec!["Normal Active".to_owned()], vec![]]
    );
    assert_eq!(announced(&[observe]), [["Normal Observing"]], "also from the start");
}

#[test]
fn a_bad_edit_is_announced_and_so_is_its_end() {
    let outcomes = [polled(Mode::Act), invalid(), invalid(), polled(Mode::Act)];
    assert_eq!(
        announced(&outcomes),
        [vec![], vec!["Warning InvalidSpec".to_owned()], vec![], vec!["Normal Ready".to_owned()]]
    );
}

#[test]
fn an_object_that_recovers_into_observe_mode_says_so_once() {
    let outcomes = [invalid(), polled(Mode::Observe)];
    assert_eq!(announced(&outcomes)[1], ["Normal Observing"]);
}
