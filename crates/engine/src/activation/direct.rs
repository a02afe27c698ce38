//! Direct mode: the HPA's own arithmetic in place of an HPA, over the values that it would ask for.

use std::sync::Arc;

use super::judge::Judgement;
use super::switch::Switch;
use super::{Activation, Composite};
use crate::hpa::{self, Circumstances, Hpa, HpaMetric, MetricAim, Proposals};
use crate::limits::{Limits, Rate};
use crate::number::thousandths;
use crate::pod_metric::Startup;
use crate::policy::Recommendation;
use crate::{Absence, AbsentMetric, Basis, MetricTarget, Reading, Scale, TargetType, Time, View};

/// The policy's name in steps.
const NAME: &str = "hpa";

/// What the arithmetic comes to.
pub(super) struct Direct {
    pub(super) recommendation: Recommendation,
    /// Whether nothing holds it back, as it wakes a target by limits that nobody has set.
    pub(super) is_free: bool,
}

impl Activation {
    /// The count between the minimum and the maximum that an HPA would come to, where there is none. `None` where it
    /// would not be asked: the target is switched off, stays so, or idles.
    pub(super) fn direct(
        &self,
        view: &View<'_>,
        judgement: &Judgement,
        switch: Option<&Switch>,
    ) -> Option<Direct> {
        let (direct, scale) = (self.direct.as_deref()?, view.scale(super::MEMBER)?);
        let current = scale.replicas;
        let is_off = switch.is_some_and(|switch| switch.to < current);
        let is_idle = judgement.active.is_none() && self.idle.is_some_and(|idle| current <= idle);
        let wakes = current == 0 && switch.is_some_and(|switch| switch.to > 0);
        if is_off || is_idle || (current == 0 && !wakes) {
            return None;
        }
        let mut seen = scale;
        if wakes {
            seen = Scale { replicas: 0, status_replicas: 0, ready: Some(0) };
        }
        let mut proposals = Proposals::new(circumstances(direct, seen, view.now));
        // Without a pod only a value that is shared says how many it takes.
        let is_asked = |aim: &MetricAim| !wakes || matches!(aim, MetricAim::AverageValue(_));
        let mut ask = |name: &Arc<str>, aim: &MetricAim, reading: &Reading| {
            if is_asked(aim) {
                proposals.ask(name, aim, Some(reading));
            }
        };
        self.each_published(judgement, &mut ask);
        self.of_pods(direct, view).for_each(|(metric, reading)| ask(&metric.name, &metric.aim, reading));
        let winner = proposals.recommended().winner?;
        let replicas = winner.replicas.max(self.least());
        let recommendation = Recommendation { policy: NAME, replicas, basis: Basis::Proposal(winner) };
        Some(Direct { recommendation, is_free: wakes && has_no_limit(&direct.limits) })
    }

    /// Hands over what an HPA would ask for by name, metric by metric.
    fn each_published(&self, judgement: &Judgement, take: &mut impl FnMut(&Arc<str>, &MetricAim, &Reading)) {
        let reading = |value: Result<f64, Absence>, at| match value {
            Ok(value) => Reading::of(value, at),
            Err(absence) => Reading::Absent(absence),
        };
        let Some(about) = &self.composite else {
            for judged in &judgement.metrics {
                take(&judged.metric, &of_hpa(judged.target), &reading(judged.value(), judged.at));
            }
            return;
        };
        if let (Some(aim), Some(made)) = (about.aim(), &judgement.composite) {
            let at = made.as_ref().map_or(Time::default(), |made| made.at);
            let value = made.as_ref().map(|made| made.value).map_err(Clone::clone);
            take(&Composite::metric(), &of_hpa(aim), &reading(value, at));
        }
    }

    /// What is measured at pods: the plan's metrics behind those of triggers.
    fn of_pods<'a>(
        &self,
        direct: &'a Hpa,
        view: &'a View<'_>,
    ) -> impl Iterator<Item = (&'a HpaMetric, &'a Reading)> + use<'a> {
        let of_pods = direct.metrics.iter().filter(|metric| metric.aim.measure().is_some());
        of_pods.zip(view.readings.iter().skip(self.triggers.len()))
    }

    /// Adds the metrics at pods that say nothing although there are some.
    pub(super) fn add_absences_at_pods(&self, view: &View<'_>, absences: &mut Vec<AbsentMetric>) {
        let (Some(direct), Some(scale)) = (self.direct.as_deref(), view.scale(super::MEMBER)) else { return };
        if scale.replicas == 0 {
            return;
        }
        let about = circumstances(direct, scale, view.now);
        for (metric, reading) in self.of_pods(direct, view) {
            if let Err(absence) = metric.aim.count(Some(reading), about) {
                absences.push(AbsentMetric { metric: metric.name.to_string(), absence });
            }
        }
    }
}

fn circumstances(direct: &Hpa, scale: Scale, now: Time) -> Circumstances {
    Circumstances { scale, tolerance: direct.tolerance(), startup: Startup::default(), now }
}

/// Whether scale-out is limited only as far as an HPA limits it without being asked.
fn has_no_limit(limits: &Limits) -> bool {
    let is_default = |rate: &Rate| *rate == Rate::HpaDefault || *rate == Rate::of_hpa_behavior();
    is_default(&limits.up.rate) && limits.up.window.is_zero()
}

/// `target` as an HPA would have it.
fn of_hpa(target: MetricTarget) -> MetricAim {
    let milli = hpa::milli(thousandths(target.value()));
    match target.type_() {
        TargetType::AverageValue => MetricAim::AverageValue(milli),
        TargetType::Value => MetricAim::Value(milli),
    }
}
