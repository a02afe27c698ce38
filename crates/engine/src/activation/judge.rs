//! What the triggers come to at one decision: their values, what stands in for those that fail, and whether the target
//! is active.

use std::sync::Arc;

use super::fallback::FallbackValue;
use super::memory::ActivationMemory;
use super::{Activation, Cause, Composite, FallbackBehavior, OpenMetric, Trigger};
use crate::number::thousandths;
use crate::{Absence, AbsenceReason, MetricTarget, Reading, ScalerMetric, Time, View};

/// What all triggers come to.
pub(super) struct Judgement {
    /// Each metric of a trigger, in order.
    pub(super) metrics: Vec<Judged>,
    /// The result of the formula, where there is one.
    pub(super) composite: Option<Result<Composed, Absence>>,
    /// Whether any of them fails and nothing stands in for it.
    pub(super) has_error: bool,
    /// Why the target is active; `None` where it is not.
    pub(super) active: Option<Cause>,
}

/// What one metric comes to.
pub(super) struct Judged {
    /// Name under which it is published.
    pub(super) metric: Arc<str>,
    /// Its trigger's place.
    pub(super) trigger: usize,
    /// What an HPA aims for in it.
    pub(super) target: MetricTarget,
    /// What was read, or why nothing was.
    pub(super) read: Result<f64, Absence>,
    /// When that was true; the time of the decision where nothing was read.
    pub(super) at: Time,
    /// Failures in a row, this one included.
    pub(super) failures: u32,
    /// What stands in for it.
    pub(super) stands_in: Option<StandsIn>,
    /// Whether it makes its trigger active by itself.
    pub(super) is_active: bool,
}

/// What stands in for a metric that fails.
#[derive(Clone, Copy)]
pub(super) enum StandsIn {
    /// A value that asks for the fallback's replicas.
    Value(FallbackValue),
    /// Nothing by itself: it is nil in the formula, which decides.
    Nil,
}

/// A value that is made of several.
#[derive(Clone, Copy)]
pub(super) struct Composed {
    pub(super) value: f64,
    /// When the oldest value in it was true.
    pub(super) at: Time,
    /// Whether it is a fallback.
    pub(super) is_fallback: bool,
    /// Of a fallback that is shared by the pods that are ready: the value for one of them.
    pub(super) for_one_pod: Option<f64>,
}

impl Judged {
    fn new(
        metric: Arc<str>,
        trigger: usize,
        target: MetricTarget,
        read: Result<f64, Absence>,
        at: Time,
        is_active: bool,
    ) -> Self {
        // A value without what is aimed for in it makes nothing active.
        let is_active = is_active && read.is_ok();
        Self { metric, trigger, target, read, at, failures: 0, stands_in: None, is_active }
    }

    /// The value to publish, or why there is none.
    pub(super) fn value(&self) -> Result<f64, Absence> {
        match (&self.read, self.stands_in) {
            (Err(_), Some(StandsIn::Value(fallback))) => Ok(fallback.value),
            (Ok(value), _) => Ok(quantity(*value)),
            (Err(absence), _) => Err(absence.clone()),
        }
    }

    /// What is shared by the pods that are ready, where a fallback is.
    pub(super) fn for_one_pod(&self) -> Option<f64> {
        match self.stands_in {
            Some(StandsIn::Value(fallback)) => fallback.for_one_pod,
            _ => None,
        }
    }

    /// Whether it fails and nothing stands in for it.
    fn is_error(&self) -> bool {
        self.read.is_err() && self.stands_in.is_none()
    }
}

impl Trigger {
    /// The value of its metric, the plan's at `place`, or why there is none.
    fn value(place: usize, view: &View<'_>) -> Result<f64, Absence> {
        match (view.value(place), view.metrics.get(place)) {
            (Some(value), _) => Ok(value),
            (None, Some(metric)) => {
                let reading = view.readings.get(place);
                metric.known(reading, view.replicas(0), view.now).map(|known| known.low)
            }
            (None, None) => Err(unread()),
        }
    }

    /// Why each of its metrics that fails does; nothing is remembered of an open one.
    pub(super) fn failures(&self, place: usize, view: &View<'_>) -> Vec<Absence> {
        if self.is_open {
            let read = self.read_open(place, view, None).into_iter();
            return read.filter_map(|judged| judged.read.err()).collect();
        }
        match Self::value(place, view) {
            Ok(_) => vec![],
            Err(absence) => vec![absence],
        }
    }

    /// What was read of its metric, as the plan's at `place`.
    fn read(&self, place: usize, view: &View<'_>) -> Judged {
        let read = Self::value(place, view);
        let at = view.readings.get(place).and_then(Reading::at).unwrap_or(view.now);
        let is_active = read.as_ref().is_ok_and(|value| *value > self.activation);
        Judged::new(Arc::clone(&self.metric), place, self.target, read, at, is_active)
    }

    /// The same of an open one: what its source names, or failures of all that it has named before.
    fn read_open(&self, place: usize, view: &View<'_>, memory: Option<&ActivationMemory>) -> Vec<Judged> {
        let absence = match view.readings.get(place) {
            Some(Reading::Scaler { active, metrics, at }) if !metrics.is_empty() => {
                let read = |metric: &ScalerMetric| {
                    let target = self.open(place, &metric.name, metric.target);
                    let read = target.as_ref().map(|_| metric.value.get()).ok_or_else(|| {
                        let message =
                            format!("the scaler aims for {} in {}: not above 0", metric.target, metric.name);
                        Absence { reason: AbsenceReason::OutOfRange, message }
                    });
                    let name = format!("{}-{}", self.metric, metric.name);
                    let aim = target.map_or(self.target, |open| open.target);
                    Judged::new(name.into(), place, aim, read, *at, *active)
                };
                return metrics.iter().map(read).collect();
            }
            Some(Reading::Absent(absence)) => absence.clone(),
            Some(_) => {
                let message = "the scaler names no metric".to_owned();
                Absence { reason: AbsenceReason::ValueMissing, message }
            }
            None => unread(),
        };
        let remembered = memory.map(|memory| self.remembered(place, memory)).unwrap_or_default();
        let fails =
            |metric, target| Judged::new(metric, place, target, Err(absence.clone()), view.now, false);
        if remembered.is_empty() {
            return vec![fails(Arc::clone(&self.metric), self.target)];
        }
        remembered.into_iter().map(|open| fails(open.metric, open.target)).collect()
    }

    /// The metrics that the source of this open trigger has last named.
    pub(super) fn remembered(&self, place: usize, memory: &ActivationMemory) -> Vec<OpenMetric> {
        let named = memory.named(&self.metric).iter();
        named.filter_map(|(name, target)| self.open(place, name, *target)).collect()
    }

    fn open(&self, trigger: usize, name: &str, target: f64) -> Option<OpenMetric> {
        let target = MetricTarget::new(self.target.type_(), target)?;
        Some(OpenMetric { trigger, metric: format!("{}-{name}", self.metric).into(), target })
    }
}

impl Activation {
    /// What was read of each metric of a trigger. What an open one has named before is known by `memory`.
    pub(super) fn read(&self, view: &View<'_>, memory: Option<&ActivationMemory>) -> Vec<Judged> {
        let mut read = Vec::with_capacity(self.triggers.len());
        for (place, trigger) in self.triggers.iter().enumerate() {
            if trigger.is_open {
                read.extend(trigger.read_open(place, view, memory));
            } else {
                read.push(trigger.read(place, view));
            }
        }
        read
    }

    /// What the triggers come to by what was read, `memory` having counted the failures.
    pub(super) fn judge(
        &self,
        mut metrics: Vec<Judged>,
        view: &View<'_>,
        memory: &ActivationMemory,
    ) -> Judgement {
        for judged in metrics.iter_mut().filter(|judged| judged.read.is_err()) {
            judged.failures = memory.failures(&judged.metric);
            judged.stands_in = self.stand_in(view, judged);
            // As many as none are no reason to wake a target.
            judged.is_active =
                matches!(judged.stands_in, Some(StandsIn::Value(fallback)) if fallback.replicas > 0);
        }
        let composite = self.composite.as_ref().map(|composite| self.compose(composite, &metrics, view.now));
        let has_error = metrics.iter().any(Judged::is_error) || matches!(composite, Some(Err(_)));
        let active = self.cause(&metrics, composite.as_ref());
        Judgement { metrics, composite, has_error, active }
    }

    /// What stands in for a metric that fails.
    fn stand_in(&self, view: &View<'_>, judged: &Judged) -> Option<StandsIn> {
        let fallback = self.fallback().filter(|fallback| fallback.is_due(judged.failures))?;
        let target = match &self.composite {
            Some(_) if fallback.behavior == FallbackBehavior::ScalingModifiers => return Some(StandsIn::Nil),
            Some(composite) => composite.aim()?,
            None => judged.target,
        };
        fallback.value(target, view.scale(0)).map(StandsIn::Value)
    }

    /// The one value of all triggers. Where a fallback stands in for any of them, the formula is not asked.
    fn compose(&self, composite: &Composite, metrics: &[Judged], now: Time) -> Result<Composed, Absence> {
        if let Some(error) = metrics.iter().find(|judged| judged.is_error()) {
            return Err(error.read.clone().err().unwrap_or_else(unread));
        }
        let at = metrics.iter().map(|judged| judged.at).min().unwrap_or(now);
        let fallback = metrics.iter().find_map(|judged| match judged.stands_in {
            Some(StandsIn::Value(fallback)) => Some(fallback),
            _ => None,
        });
        if let Some(FallbackValue { value, for_one_pod, .. }) = fallback {
            return Ok(Composed { value, at, is_fallback: true, for_one_pod });
        }
        let of = |(index, trigger): (usize, &Trigger)| {
            let own = metrics.iter().filter(|judged| judged.trigger == index);
            // Several metrics of one trigger count together.
            let value =
                own.map(|judged| judged.read.as_ref().ok().copied().map(quantity)).sum::<Option<f64>>();
            Some((trigger.name.clone()?, value))
        };
        let values: Vec<_> = self.triggers.iter().enumerate().filter_map(of).collect();
        match (composite.formula.evaluate(&values)?, self.fallback()) {
            // A quantity of thousandths is all that an HPA gets.
            (Some(value), _) => {
                Ok(Composed { value: (value * 1e3).trunc() / 1e3, at, is_fallback: false, for_one_pod: None })
            }
            (None, Some(fallback)) => {
                let value = fallback.of_no_result(composite.target);
                Ok(Composed { value, at, is_fallback: true, for_one_pod: None })
            }
            (None, None) => {
                let message = "the formula has no result, and there is no fallback".to_owned();
                Err(Absence { reason: AbsenceReason::ValueMissing, message })
            }
        }
    }

    /// Why the target is active, if it is.
    fn cause(&self, metrics: &[Judged], composite: Option<&Result<Composed, Absence>>) -> Option<Cause> {
        if self.forced {
            return Some(Cause::Forced);
        }
        if self.only_pods {
            return Some(Cause::Always);
        }
        if let (Some(about), Some(composed)) = (&self.composite, composite) {
            let activation = about.activation_target;
            let Composed { value, .. } = composed.as_ref().ok().filter(|made| made.value > activation)?;
            let metric = Composite::metric();
            return Some(Cause::Above { metric, value: *value, activation, more: 0 });
        }
        // The metrics of one trigger are active together.
        let mut active = metrics.iter().filter(|judged| judged.is_active);
        let first = active.next()?;
        let (mut more, mut last) = (0, first.trigger);
        for judged in active {
            more += usize::from(judged.trigger != last);
            last = judged.trigger;
        }
        let (metric, trigger) = (Arc::clone(&first.metric), &self.triggers[first.trigger]);
        Some(match first.read {
            Ok(_) if trigger.is_open => Cause::Reported { metric, more },
            Ok(value) => Cause::Above { metric, value, activation: trigger.activation, more },
            Err(_) => Cause::FallsBack { metric, more },
        })
    }

    /// The fallback, where it has any effect.
    pub(super) fn fallback(&self) -> Option<&super::ActivationFallback> {
        let has_effect = self.composite.as_ref().is_none_or(|composite| composite.is_whole);
        self.fallback.as_ref().filter(|_| has_effect)
    }
}

/// What was read as an HPA and a formula get it: with three places, and not below 0.
fn quantity(value: f64) -> f64 {
    thousandths(value.max(0.0))
}

fn unread() -> Absence {
    Absence { reason: AbsenceReason::ValueMissing, message: "it has not been read yet".to_owned() }
}
