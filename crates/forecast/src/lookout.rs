//! The forecasts of one plan: a forecaster a metric, fed by what each poll sees.

use std::time::Duration;

use engine::{NoForecast, Observation, Outlook, Plan, Reading, Time};

use crate::{FitJob, Fitted, Forecaster, Settings};

/// Listens to the metrics of a plan that goes by forecasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookout {
    horizon: Duration,
    metrics: Vec<Listener>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq)]
struct Listener {
    /// The digest of its query: whether it is still the same.
    query: u64,
    forecaster: Forecaster,
}

impl Lookout {
    /// For a plan, with what `before` knows of the same metrics; `None` where the plan goes by what is read alone.
    pub fn of(plan: &Plan, before: Option<Self>) -> Option<Self> {
        let horizon = plan.foresight?.horizon;
        let mut known = before
            .filter(|before| before.horizon == horizon)
            .map(|before| before.metrics)
            .unwrap_or_default();
        let listener = |query: u64| {
            let place = known.iter().position(|listener| listener.query == query);
            place.map_or_else(
                || Listener { query, forecaster: Forecaster::new(Settings::ahead(horizon)) },
                |place| known.swap_remove(place),
            )
        };
        let metrics = plan.metrics.iter().map(|metric| metric.query.digest()).map(listener).collect();
        Some(Self { horizon, metrics })
    }

    /// Whether it is for `plan` as it is now.
    pub fn fits(&self, plan: &Plan) -> bool {
        let horizon = plan.foresight.map(|foresight| foresight.horizon);
        let queries = plan.metrics.iter().map(|metric| metric.query.digest());
        horizon == Some(self.horizon) && queries.eq(self.metrics.iter().map(|listener| listener.query))
    }

    /// Takes in what a poll saw at `now`, and puts into `observation` what is expected of each metric.
    pub fn look(&mut self, plan: &Plan, observation: &mut Observation, now: Time) {
        observation.outlooks.clear();
        for (index, (metric, listener)) in plan.metrics.iter().zip(&mut self.metrics).enumerate() {
            let scale = observation.scales.get(metric.member.unwrap_or_default()).copied().flatten();
            let replicas = scale.map_or(0, |scale| scale.replicas);
            let reading = observation.readings.get(index);
            let known = metric.known(reading, replicas, now).ok();
            let load = known.zip(reading).and_then(|(known, reading)| {
                let shown = known.load.map_or(known.low, |load| load.average * f64::from(replicas));
                metric.load(reading, shown, scale)
            });
            let outlook = match (load, reading) {
                (Some(load), Some(reading)) => {
                    listener.hear(load, metric.depends_on_replicas(reading), reading, now)
                }
                _ => Outlook::Unknown(NoForecast::TooShort),
            };
            observation.outlooks.push(outlook);
        }
    }

    /// The fits that are due at `now`, each with the digest of its metric's query.
    pub fn fits_due(&mut self, now: Time) -> Vec<(u64, FitJob)> {
        let due = |listener: &mut Listener| Some((listener.query, listener.forecaster.fit_due(now)?));
        self.metrics.iter_mut().filter_map(due).collect()
    }

    /// Takes over what came of a fit for the query with this digest.
    pub fn adopt(&mut self, query: u64, fitted: &Fitted) {
        for listener in self.metrics.iter_mut().filter(|listener| listener.query == query) {
            listener.forecaster.adopt(fitted.clone());
        }
    }

    /// Takes over what is known of the time before the first reading of the query with this digest, oldest first.
    pub fn learn_past(&mut self, query: u64, past: &[(Time, f64)]) {
        for listener in self.metrics.iter_mut().filter(|listener| listener.query == query) {
            listener.forecaster.learn_past(past.iter().copied());
        }
    }

    /// The lengths of the seasons that were found, the shortest of each metric first.
    pub fn seasons(&self) -> impl Iterator<Item = Duration> {
        self.metrics.iter().flat_map(|listener| listener.forecaster.seasons().iter().copied())
    }

    /// The past that a fit looks at: how far it goes back, and the time that one value stands for.
    pub fn past(&self) -> (Duration, Duration) {
        let Settings { span, spans, .. } = Settings::ahead(self.horizon);
        (span * spans as u32, span)
    }
}

impl Listener {
    fn hear(&mut self, load: f64, depends_on_replicas: bool, reading: &Reading, now: Time) -> Outlook {
        if depends_on_replicas {
            self.forecaster.without_trend();
        }
        // A reading that other objects share may be a little older; a source may say when its value was true.
        let at = reading.at().unwrap_or(now).min(now);
        self.forecaster.observe(load, at);
        self.forecaster.outlook()
    }
}
