//! Loads that are expected.

use super::*;
use crate::{Expected, ForecastModel, NoForecast, Outlook};

/// That a load of `load` is expected in 75 s, in place of `now`.
fn expected(now: f64, load: f64) -> Outlook {
    let model = ForecastModel::Seasonal;
    Outlook::Expected(Expected { now, load, at: at(75), model, error: 0.04 })
}

fn foreseen(limits: Limits, replicas: u32, reading: Reading, outlook: Outlook) -> MemberDecision {
    let observation = Observation { outlooks: vec![outlook], ..seen(replicas, reading) };
    decide(&plan(limits), &mut Memory::default(), &observation, at(0)).members.remove(0)
}

#[test]
fn a_load_that_is_expected_scales_out_ahead() {
    let decided = foreseen(Limits::default(), 4, users(2000.0), expected(2000.0, 4000.0));
    assert_eq!((decided.to, decided.recommended), (8, Some(8)));
    let explained = "linear 4 (2000 in 1000..5000), forecast 4→8 (users 4000 in 75 s by season and trend, recent error 4 %)";
    assert_eq!(decided.explanation(), explained);
    let limits = Limits::default().with_pods_per_operation(Some(1), None);
    let decided = foreseen(limits, 4, users(2000.0), expected(2000.0, 4000.0));
    assert!(
        decided.to == 5 && decided.explanation().ends_with("rate 8→5 (+1 at most)"),
        "limits hold for it, too"
    );
    assert_eq!(
        foreseen(Limits::default(), 9, users(2000.0), expected(2000.0, 3000.0)).to,
        6,
        "it holds back a scale-in"
    );
}

#[test]
fn a_forecast_never_scales_in_and_says_why_it_is_not_used() {
    let decided = foreseen(Limits::default(), 4, users(2000.0), expected(2000.0, 500.0));
    assert_eq!((decided.to, decided.explanation().as_str()), (4, "linear 4 (2000 in 1000..5000)"));
    let wrong = Outlook::Unknown(NoForecast::TooWrong { error: 0.4 });
    let decided = foreseen(Limits::default(), 2, users(3000.0), wrong);
    let explained = "no forecast users (its recent error is too large: 40 % of the load), linear 2→6 (3000 in 1000..5000)";
    assert_eq!((decided.to, decided.explanation().as_str()), (6, explained));
    let blind = foreseen(Limits::default(), 4, down(), expected(2000.0, 4000.0));
    assert_eq!(
        (blind.to, blind.explanation().as_str()),
        (4, "absent users (connection refused)"),
        "no reading, no forecast"
    );
}
