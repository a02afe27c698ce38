use std::time::Duration;

use engine::{ForecastModel, Foresight, NoForecast, Outlook, Query, Reading, Scale};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::*;
use crate::ports::Sampled;
use crate::scripted::plan;

const DAY: i64 = 86_400;

/// A quiet night, and a rise between seven and eight, every day.
fn users(at: Time) -> f64 {
    let hour = (at.as_millis() / 1000).rem_euclid(DAY) as f64 / 3600.0;
    1000.0 + 3000.0 * (hour - 7.0).clamp(0.0, 1.0)
}

/// A source that keeps a past.
struct Remembering;

impl Sampler for Remembering {
    fn sample<'a>(&'a self, _: &'a Query, _: Time) -> BoxFuture<'a, Sampled> {
        unreachable!("a past is asked for")
    }

    fn past<'a>(&'a self, _: &'a Query, span: PastSpan) -> BoxFuture<'a, Option<Vec<(Time, f64)>>> {
        let steps = span.to.since(span.from).as_secs() / span.step.as_secs();
        // It keeps six days.
        let first = steps - 6 * DAY as u64 / span.step.as_secs();
        let at = move |step: u64| span.from.plus(span.step * step as u32);
        let past = (first..steps).map(|step| (at(step), users(at(step)))).collect();
        async move { Some(past) }.boxed()
    }
}

fn key() -> ObjectKey {
    ObjectKey::new("Anything", "default", "web")
}

fn foreseeing() -> Plan {
    Plan { foresight: Some(Foresight { horizon: Duration::from_secs(300) }), ..plan() }
}

fn look(forecasts: &Forecasts, plan: &Plan, sampler: &Arc<dyn Sampler>, now: Time) -> Outlook {
    let scales = vec![Some(Scale { replicas: 2, status_replicas: 2, ready: Some(2) })];
    let mut observation =
        Observation { scales, readings: vec![Reading::of(users(now), now)], ..Observation::default() };
    forecasts.look(&key(), plan, &mut observation, sampler, now);
    observation.outlooks[0]
}

#[tokio::test]
async fn a_past_that_the_source_keeps_shows_the_rise_before_it_comes() {
    let (forecasts, plan) = (Forecasts::default(), foreseeing());
    let sampler: Arc<dyn Sampler> = Arc::new(Remembering);
    let at = |minute: i64| Time::from_seconds(20 * DAY + 6 * 3600 + minute * 60);
    assert_eq!(look(&forecasts, &plan, &sampler, at(0)), Outlook::Unknown(NoForecast::TooShort));
    let mut seconds = 0;
    // Reading the past and fitting it take real time, on other threads.
    let deadline = tokio::time::sleep(Duration::from_secs(60));
    tokio::pin!(deadline);
    while forecasts.lock()[&key()].seasons().next().is_none() {
        seconds += 1;
        look(&forecasts, &plan, &sampler, at(0).plus(Duration::from_secs(seconds)));
        tokio::select! {
            () = &mut deadline => panic!("nothing was fitted"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    assert!(seconds < 3000, "it is before seven still");
    let mut last = Outlook::Unknown(NoForecast::TooShort);
    for step in 0..=4 * 24 {
        last = look(&forecasts, &plan, &sampler, at(51).plus(Duration::from_secs(15 * step)));
    }
    let Outlook::Expected(expected) = last else { panic!("{last:?}") };
    let now = at(75);
    assert_eq!(expected.now, users(now));
    let then = users(now.plus(Duration::from_secs(300)));
    assert!((expected.load / then - 1.0).abs() < 0.1, "{expected:?} for {then}");
    assert_ne!(expected.model, ForecastModel::Same);
    forecasts.forget_all();
    assert_eq!(
        look(&forecasts, &plan, &sampler, at(80)),
        Outlook::Unknown(NoForecast::TooShort),
        "another leads"
    );
}

#[tokio::test]
async fn who_asks_for_no_forecast_costs_nothing() {
    let forecasts = Forecasts::default();
    let sampler: Arc<dyn Sampler> = Arc::new(Remembering);
    look(&forecasts, &foreseeing(), &sampler, Time::from_seconds(30 * DAY));
    assert_eq!(forecasts.lock().len(), 1);
    let mut observation = Observation::default();
    forecasts.look(&key(), &plan(), &mut observation, &sampler, Time::from_seconds(30 * DAY + 15));
    assert!(observation.outlooks.is_empty() && forecasts.lock().is_empty());
}
