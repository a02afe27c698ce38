//! Direct mode: the HPA's own arithmetic in place of an HPA, over the values that it would ask for.

use super::judge::{Judged, Judgement};
use super::switch::Switch;
use super::{Activation, Composite};
use crate::hpa::{self, Circumstances, Hpa, HpaMetric, MetricAim};
use crate::limits::{Limits, Rate};
use crate::pod_metric::Startup;
use crate::policy::Recommendation;
use crate::{Absence, AbsentMetric, Basis, MetricTarget, Reading, Scale, TargetType, View};

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
        judgement: &Judgement<'_>,
        switch: Option<&Switch>,
    ) -> Option<Direct> {
        let (direct, scale) = (self.direct.as_ref()?, view.scale(super::MEMBER)?);
        let current = scale.replicas;
        let is_off = switch.is_some_and(|switch| switch.to < current);
        let is_idle = judgement.active.is_none() && self.idle.is_some_and(|idle| current <= idle);
        let wakes = current == 0 && switch.is_some_and(|switch| switch.to > 0);
        if is_off || is_idle || (current == 0 && !wakes) {
            return None;
        }
        let (mut metrics, mut readings): (Vec<HpaMetric>, Vec<Reading>) =
            self.published(judgement).chain(self.of_pods(direct, view)).unzip();
        let mut seen = scale;
        if wakes {
            // Without a pod only a value that is shared says how many it takes.
            let shared: Vec<bool> =
                metrics.iter().map(|metric| matches!(metric.aim, MetricAim::AverageValue(_))).collect();
            retain(&mut metrics, &shared);
            retain(&mut readings, &shared);
            seen = Scale { replicas: 0, status_replicas: 0, ready: Some(0) };
        }
        let (tolerance, startup, now) = (direct.tolerance(), Startup::default(), view.now);
        let about = Circumstances { scale: seen, tolerance, startup, now };
        let winner = hpa::recommend(&metrics, &readings, about).winner?;
        let replicas = winner.replicas.max(self.least());
        let recommendation =
            Recommendation { policy: NAME, replicas, basis: Basis::Proposal(Box::new(winner)) };
        Some(Direct { recommendation, is_free: wakes && has_no_limit(&direct.limits) })
    }

    /// What an HPA would ask for by name.
    fn published(&self, judgement: &Judgement<'_>) -> impl Iterator<Item = (HpaMetric, Reading)> + use<> {
        let own = |judged: &Judged<'_>| {
            let reading = match judged.value() {
                Ok(value) => Reading::of(value, judged.at),
                Err(absence) => Reading::Absent(absence),
            };
            (metric(&judged.metric, judged.target), reading)
        };
        let composed = self.composite.as_ref().zip(judgement.composite.as_ref());
        let composed = composed.and_then(|(about, made)| {
            let reading = match made {
                Ok(made) => Reading::of(made.value, made.at),
                Err(absence) => Reading::Absent(absence.clone()),
            };
            Some((metric(Composite::METRIC, about.aim()?), reading))
        });
        let metrics = if self.composite.is_some() { &[] } else { judgement.metrics.as_slice() };
        let own: Vec<_> = metrics.iter().map(own).collect();
        composed.into_iter().chain(own)
    }

    /// What is measured at pods: the plan's metrics behind those of triggers.
    fn of_pods<'a>(
        &self,
        direct: &'a Hpa,
        view: &'a View<'_>,
    ) -> impl Iterator<Item = (HpaMetric, Reading)> + use<'a> {
        let of_pods = direct.metrics.iter().filter(|metric| metric.aim.measure().is_some()).cloned();
        of_pods.zip(view.readings.iter().skip(self.triggers.len()).cloned())
    }

    /// The metrics at pods that say nothing although there are some.
    pub(super) fn absences_at_pods(&self, view: &View<'_>) -> Vec<AbsentMetric> {
        let (Some(direct), Some(scale)) = (&self.direct, view.scale(super::MEMBER)) else { return vec![] };
        if scale.replicas == 0 {
            return vec![];
        }
        let (tolerance, startup, now) = (direct.tolerance(), Startup::default(), view.now);
        let about = Circumstances { scale, tolerance, startup, now };
        let absent = |(metric, reading): (HpaMetric, Reading)| {
            let absence: Absence = metric.propose(Some(&reading), about).err()?;
            Some(AbsentMetric { metric: metric.name, absence })
        };
        self.of_pods(direct, view).filter_map(absent).collect()
    }
}

/// Whether scale-out is limited only as far as an HPA limits it without being asked.
fn has_no_limit(limits: &Limits) -> bool {
    let is_default = |rate: &Rate| *rate == Rate::HpaDefault || *rate == Rate::of_hpa_behavior();
    is_default(&limits.up.rate) && limits.up.window.is_zero()
}

fn retain<T>(all: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    all.retain(|_| kept.next().copied().unwrap_or_default());
}

fn metric(name: &str, target: MetricTarget) -> HpaMetric {
    let milli = hpa::milli(thousandths(target.value()));
    let aim = match target.type_() {
        TargetType::AverageValue => MetricAim::AverageValue(milli),
        TargetType::Value => MetricAim::Value(milli),
    };
    HpaMetric { name: name.to_owned(), aim }
}

/// `value` with three places, as it is written for an HPA.
pub(super) fn thousandths(value: f64) -> f64 {
    format!("{value:.3}").parse().unwrap_or(value)
}
