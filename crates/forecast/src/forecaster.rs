//! One load's forecaster: it listens, has seasons fitted now and then, and says what comes or why it cannot.

use std::time::Duration;

use engine::{Expected, ForecastModel, NoForecast, Outlook, Time};

use crate::fit::{FitJob, Fitted};
use crate::history::History;
use crate::score::Scores;
use crate::trend::Trend;

/// Forecasts that must have come true before one is believed.
const LEAST_SCORES: f64 = 20.0;
/// The best model must be this much better than "nothing changes".
const BETTER: f64 = 0.9;
/// Above this error, as a share of the load, nothing is believed.
const WORST: f64 = 0.3;
/// Spans that a first fit needs.
const LEAST_SPANS: usize = 4 * 6;

/// What a forecaster is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How far it looks ahead: the time that replicas take to start.
    pub horizon: Duration,
    /// What one value of the history stands for.
    pub span: Duration,
    /// Values of the history.
    pub spans: usize,
    /// Time from one fit to the next.
    pub refit: Duration,
}

impl Settings {
    /// To look so far ahead: three weeks in spans of five minutes, fitted every six hours.
    pub fn ahead(horizon: Duration) -> Self {
        Self { horizon, span: Duration::from_secs(300), spans: 6048, refit: Duration::from_secs(6 * 3600) }
    }
}

/// The models, in the order in which they are scored; the first is what a rule without a forecast goes by.
const MODELS: [ForecastModel; 4] =
    [ForecastModel::Same, ForecastModel::Trend, ForecastModel::Earlier, ForecastModel::Seasonal];

/// Listens to one load and says what it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecaster {
    settings: Settings,
    history: History,
    trend: Trend,
    fitted: Option<Fitted>,
    last_fit: Option<Time>,
    scores: Scores<{ MODELS.len() }>,
    now: Option<(f64, Time)>,
    /// Whether a trend may be continued: not where replicas that are added move what is measured.
    follows_trend: bool,
}

impl Forecaster {
    /// One that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            history: History::new(settings.span, settings.spans),
            trend: Trend::default(),
            fitted: None,
            last_fit: None,
            scores: Scores::default(),
            now: None,
            follows_trend: true,
        }
    }

    /// The same for a load that is worked out from what replicas are measured to do: it moves for a while when some are
    /// added, and a trend must not be made of that.
    pub fn without_trend(&mut self) {
        self.follows_trend = false;
    }

    /// Takes over what is known of the time before the first reading, oldest first; what is newer is left out. The next
    /// fit is due at once.
    pub fn learn_past(&mut self, past: impl IntoIterator<Item = (Time, f64)>) {
        let mut history = History::new(self.settings.span, self.settings.spans);
        let begin = self.history.begin();
        for (at, value) in past {
            if value.is_finite() && begin.is_none_or(|begin| at < begin) {
                history.observe(value, at);
            }
        }
        history.append(&self.history);
        self.history = history;
        self.last_fit = None;
    }

    /// Hears of a reading. Readings come in the order of their times.
    pub fn observe(&mut self, value: f64, at: Time) {
        if !value.is_finite() || self.now.is_some_and(|(_, last)| at <= last) {
            return;
        }
        self.scores.observe(value, at);
        self.history.observe(value, at);
        self.trend.observe(value, at);
        self.now = Some((value, at));
        let due = at.plus(self.settings.horizon);
        self.scores.note(due, self.settings.horizon, self.forecasts(value, at));
    }

    /// The fit that is due at `at`, where one is. It may be made elsewhere; [`Self::adopt`] takes what comes of it.
    pub fn fit_due(&mut self, at: Time) -> Option<FitJob> {
        let is_due = self.last_fit.is_none_or(|last| at.since(last) >= self.settings.refit);
        if !is_due || self.history.len() < LEAST_SPANS {
            return None;
        }
        self.last_fit = Some(at);
        // In whole hours, so that those who look a little less far have the same fit.
        let horizon = Duration::from_secs(self.settings.horizon.as_secs().next_multiple_of(3600));
        let reach = self.settings.refit + horizon + 2 * self.settings.span;
        Some(FitJob {
            values: self.history.filled(),
            start: self.history.start(),
            span: self.history.span_millis(),
            reach,
        })
    }

    /// Takes over what came of a fit.
    pub fn adopt(&mut self, fitted: Fitted) {
        self.fitted = Some(fitted);
    }

    /// The lengths of the seasons that were found, the shortest first.
    pub fn seasons(&self) -> &[Duration] {
        self.fitted.as_ref().map_or(&[], Fitted::seasons)
    }

    /// What is to be expected a horizon after the last reading.
    pub fn outlook(&self) -> Outlook {
        let Some((value, at)) = self.now else { return Outlook::Unknown(NoForecast::TooShort) };
        let Some(errors) = self.scores.errors(LEAST_SCORES) else {
            return Outlook::Unknown(NoForecast::TooShort);
        };
        let same = errors[0];
        let (best, error) = errors.iter().enumerate().skip(1).fold((1, errors[1]), |best, (model, error)| {
            if *error < best.1 { (model, *error) } else { best }
        });
        if error > WORST {
            return Outlook::Unknown(NoForecast::TooWrong { error });
        }
        if error > BETTER * same {
            return Outlook::Unknown(NoForecast::NoBetter { error, same });
        }
        match self.forecasts(value, at)[best] {
            Some(load) => {
                let at = at.plus(self.settings.horizon);
                Outlook::Expected(Expected { now: value, load, at, model: MODELS[best], error })
            }
            None => Outlook::Unknown(NoForecast::TooShort),
        }
    }

    /// What each model says of the instant a horizon after `at`, in the order of their names.
    fn forecasts(&self, value: f64, at: Time) -> [Option<f64>; MODELS.len()] {
        // A season says how much more or less it will be than now; how much it is now is known better.
        let moved = |now: Option<f64>, then: Option<f64>| Some((value + then? - now?).max(0.0));
        let due = at.plus(self.settings.horizon);
        let longest = self.fitted.as_ref().and_then(|fitted| fitted.seasons.last());
        let earlier = longest.and_then(|season| {
            moved(self.history.at(at.minus(*season)), self.history.at(due.minus(*season)))
        });
        let seasonal = self.fitted.as_ref().and_then(|fitted| moved(fitted.at(at), fitted.at(due)));
        let trend = self.trend.ahead(value, self.settings.horizon).filter(|_| self.follows_trend);
        [Some(value), trend, earlier, seasonal]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings every minute from a day's shape, fitted when that is due.
    fn listened(days: i64, horizon: u64, shape: impl Fn(f64) -> f64) -> Forecaster {
        let mut forecaster = Forecaster::new(Settings::ahead(Duration::from_secs(horizon)));
        for minute in 0..days * 1440 {
            let at = Time::from_seconds(minute * 60);
            forecaster.observe(shape(minute as f64 / 1440.0), at);
            if let Some(job) = forecaster.fit_due(at) {
                forecaster.adopt(job.run());
            }
        }
        forecaster
    }

    /// A quiet night, and a rush that comes within minutes at eight.
    fn rush(day: f64) -> f64 {
        let hour = day.fract() * 24.0;
        let noise = 1.0 + 0.01 * (day * 7919.0).sin();
        noise
            * if (8.0..20.0).contains(&hour) {
                1000.0
            } else {
                100.0 + 900.0 * ((hour - 7.5) / 0.5).clamp(0.0, 1.0) * f64::from(u8::from(hour < 8.0))
            }
    }

    #[test]
    fn a_rush_that_comes_every_day_is_seen_before_it_comes() {
        // Up to 7:40 of the sixth day, in the middle of the rise.
        let mut forecaster = listened(5, 600, rush);
        for minute in 0..460 {
            let at = Time::from_seconds((5 * 1440 + minute) * 60);
            forecaster.observe(rush((5 * 1440 + minute) as f64 / 1440.0), at);
        }
        assert_eq!(forecaster.seasons(), [Duration::from_secs(86_400)]);
        let Outlook::Expected(Expected { load: value, model, error, .. }) = forecaster.outlook() else {
            panic!("{:?}", forecaster.outlook())
        };
        let (now, then) = (rush(5.0 + 459.0 / 1440.0), rush(5.0 + 469.0 / 1440.0));
        assert!(value > now + 0.5 * (then - now), "{value} by {model}, from {now} to {then}");
        assert!(error < 0.1, "{error}");
    }

    #[test]
    fn noise_is_not_believed() {
        let mut state = 7_u64;
        let mut forecaster = Forecaster::new(Settings::ahead(Duration::from_secs(60)));
        for minute in 0..3000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            forecaster.observe((state >> 33) as f64, Time::from_seconds(minute * 60));
        }
        let Outlook::Unknown(why) = forecaster.outlook() else { panic!("{:?}", forecaster.outlook()) };
        assert!(matches!(why, NoForecast::TooWrong { .. } | NoForecast::NoBetter { .. }), "{why}");
        assert!(why.to_string().contains(" %"), "{why}");
    }

    #[test]
    fn a_steady_load_needs_no_forecast() {
        let forecaster = listened(2, 60, |_| 500.0);
        assert!(
            matches!(
                forecaster.outlook(),
                Outlook::Unknown(NoForecast::NoBetter { .. })
                    | Outlook::Expected(Expected { load: 500.0, .. })
            ),
            "{:?}",
            forecaster.outlook()
        );
        let new = Forecaster::new(Settings::ahead(Duration::from_secs(60)));
        assert_eq!(new.outlook(), Outlook::Unknown(NoForecast::TooShort));
    }

    #[test]
    fn readings_out_of_order_and_no_numbers_are_left_out() {
        let mut forecaster = Forecaster::new(Settings::ahead(Duration::from_secs(60)));
        forecaster.observe(1.0, Time::from_seconds(100));
        let before = forecaster.clone();
        forecaster.observe(9.0, Time::from_seconds(50));
        forecaster.observe(f64::NAN, Time::from_seconds(200));
        assert_eq!(forecaster, before);
    }
}
