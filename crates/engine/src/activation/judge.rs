//! What the triggers come to at one decision: their values, what stands in for those that fail, and whether the target
//! is active.

use super::fallback::FallbackValue;
use super::memory::ActivationMemory;
use super::{Activation, Cause, Composite, FallbackBehavior};
use crate::{Absence, AbsenceReason, MetricTarget, Time, View};

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
    pub(super) metric: String,
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
}

impl Judged {
    /// The value to publish, or why there is none.
    pub(super) fn value(&self) -> Result<f64, Absence> {
        match (&self.read, self.stands_in) {
            (Err(_), Some(StandsIn::Value(fallback))) => Ok(fallback.value),
            (read, _) => read.clone(),
        }
    }

    /// Whether it fails and nothing stands in for it.
    fn is_error(&self) -> bool {
        self.read.is_err() && self.stands_in.is_none()
    }
}

impl Activation {
    /// What was read of each metric of a trigger: its trigger's place, its name and target, and the value.
    pub(super) fn read(&self, view: &View<'_>) -> Vec<Judged> {
        let read = |(trigger, about): (usize, &super::Trigger)| {
            let reading = view.readings.get(trigger);
            let read = match (view.value(trigger), view.metrics.get(trigger)) {
                (Some(value), _) => Ok(value),
                (None, Some(metric)) => {
                    metric.known(reading, view.replicas(0), view.now).map(|known| known.low)
                }
                (None, None) => Err(unread()),
            };
            let at = reading.and_then(crate::Reading::at).unwrap_or(view.now);
            Judged {
                metric: about.metric.clone(),
                trigger,
                target: about.target,
                is_active: read.as_ref().is_ok_and(|value| *value > about.activation),
                read,
                at,
                failures: 0,
                stands_in: None,
            }
        };
        self.triggers.iter().enumerate().map(read).collect()
    }

    /// What the triggers come to by what was read, `memory` having counted the failures.
    pub(super) fn judge(&self, view: &View<'_>, memory: &ActivationMemory) -> Judgement {
        let mut metrics = self.read(view);
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
            Some(StandsIn::Value(fallback)) => Some(fallback.value),
            _ => None,
        });
        if let Some(value) = fallback {
            return Ok(Composed { value, at, is_fallback: true });
        }
        let of = |(index, trigger): (usize, &super::Trigger)| {
            let own = metrics.iter().filter(|judged| judged.trigger == index);
            // Several metrics of one trigger count together.
            let value = own.map(|judged| judged.read.as_ref().ok().copied()).sum::<Option<f64>>();
            Some((trigger.name.clone()?, value))
        };
        let values: Vec<_> = self.triggers.iter().enumerate().filter_map(of).collect();
        match (composite.formula.evaluate(&values)?, self.fallback()) {
            // A quantity of thousandths is all that an HPA gets.
            (Some(value), _) => Ok(Composed { value: (value * 1e3).trunc() / 1e3, at, is_fallback: false }),
            (None, Some(fallback)) => {
                let value = fallback.of_no_result(composite.target);
                Ok(Composed { value, at, is_fallback: true })
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
            let metric = Composite::METRIC.to_owned();
            return Some(Cause::Above { metric, value: *value, activation, more: 0 });
        }
        let mut active = metrics.iter().filter(|judged| judged.is_active);
        let first = active.next()?;
        let (metric, more) = (first.metric.clone(), active.count());
        match first.read {
            Ok(value) => {
                let activation = self.triggers[first.trigger].activation;
                Some(Cause::Above { metric, value, activation, more })
            }
            Err(_) => Some(Cause::FallsBack { metric, more }),
        }
    }

    /// The fallback, where it has any effect.
    pub(super) fn fallback(&self) -> Option<&super::ActivationFallback> {
        let has_effect = self.composite.as_ref().is_none_or(|composite| composite.is_whole);
        self.fallback.as_ref().filter(|_| has_effect)
    }
}

fn unread() -> Absence {
    Absence { reason: AbsenceReason::ValueMissing, message: "it has not been read yet".to_owned() }
}
