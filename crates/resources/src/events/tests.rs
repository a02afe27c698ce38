use std::sync::Arc;

use engine::{BoundsOverride, Brakes, Decision, Fault, Memory, Mode, Pause, Plan, Problem, Time};
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
    braked(mode, Brakes::default())
}

/// The same of an object with these brakes.
fn braked(mode: Mode, brakes: Brakes) -> Outcome {
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
    let decision = Decision {
        at,
        mode,
        values,
        absences: Vec::new(),
        outlooks: Vec::new(),
        activity: None,
        published: Vec::new(),
        members: Vec::new(),
    };
    outcome(Verdict::Polled(Box::new(Poll {
        plan: Arc::new(Plan { mode, brakes, ..plan }),
        readings: Vec::new(),
        members: Vec::new(),
        decision,
        memory: Memory::default(),
        hpa: Ok(Vec::new()),
        hpa_scaling: None,
        lacking: Vec::new(),
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

#[test]
fn an_override_is_announced_when_it_begins_and_when_it_ends() {
    let over = |until| {
        let bounds = BoundsOverride::new(Some(3), None, Time::from_seconds(until), "INC-1".to_owned());
        braked(Mode::Act, Brakes { bounds, ..Brakes::default() })
    };
    // The decision is one of second 100.
    let (none, active, changed, ended) = (polled(Mode::Act), over(200), over(300), over(100));
    let outcomes =
        [&none, &active, &active, &changed, &ended, &ended, &active, &none, &ended].map(Outcome::clone);
    let [began, over] = ["Normal Overridden", "Normal OverrideEnded"].map(|event| vec![event.to_owned()]);
    assert_eq!(
        announced(&outcomes),
        [vec![], began.clone(), vec![], began.clone(), over.clone(), vec![], began, over, vec![]]
    );
}

#[test]
fn a_pause_is_announced_when_it_begins_changes_and_ends() {
    let paused = |pause| braked(Mode::Act, Brakes { pause, ..Brakes::default() });
    let [none, all, at, scale_in] =
        [Pause::Nothing, Pause::Everything, Pause::At(3), Pause::ScaleIn].map(paused);
    let outcomes = [&none, &all, &all, &at, &scale_in, &none, &none].map(Outcome::clone);
    let events = ["Paused", "", "PausedAtReplicas", "ScaleInPaused", "NotPaused", ""];
    let events = events.map(|event| if event.is_empty() { vec![] } else { vec![format!("Normal {event}")] });
    assert_eq!(announced(&outcomes)[1..], events);
}
