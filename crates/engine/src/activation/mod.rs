//! `activation`: what an HPA cannot do. The way to and from zero, or to and from an idle count, by the activity of
//! triggers; everything between the minimum and the maximum is left to the HPA that is kept beside it, which asks
//! for the values that are published here.
//!
//! The decisions, their fallbacks and what is published follow KEDA's ScaledObject, as its users know it. In direct
//! mode there is no HPA: the engine's own arithmetic of one ([`crate::hpa`]) does the rest in the same decision.

mod cause;
mod direct;
mod fallback;
mod formula;
mod judge;
mod memory;
mod open;
mod report;
mod switch;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::hpa::Hpa;
use crate::policy::{PolicyMemories, Recommendation};
use crate::{
    AbsentMetric, Basis, Decision, KeptHpa, Memory, MetricTarget, Policy, Reading, Target, TargetType, Time,
    View,
};
use direct::Direct;
use judge::{Judged, Judgement, StandsIn};
use memory::ActivationMemory;
use switch::Switch;

pub use cause::Cause;
pub use fallback::{ActivationFallback, FallbackBehavior};
pub use formula::Formula;
pub use memory::remembered;
pub use report::{Activity, Published, Report, StandIn, TriggerActivity};

/// What triggers and a spec ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// The triggers that have a metric of their own, in the order of the plan's metrics; those that an HPA measures at
    /// pods are not among them.
    pub triggers: Vec<Trigger>,
    /// Whether there are triggers, and an HPA measures all of them at pods: then the target is always active.
    pub only_pods: bool,
    /// Replicas at least while active; 0 stands for 1 then.
    pub min: u32,
    /// Replicas at most.
    pub max: u32,
    /// Replicas while inactive, where that is not `min`.
    pub idle: Option<u32>,
    /// Time without activity after which the target is scaled to `idle`, or to 0.
    pub cooldown: Duration,
    /// The same for an object that has never been active, counted from `created`.
    pub initial_cooldown: Duration,
    /// When the object was created.
    pub created: Time,
    /// Whether the target counts as active whatever the triggers say.
    pub forced: bool,
    /// What is published in place of a metric that fails.
    pub fallback: Option<ActivationFallback>,
    /// A formula that makes one metric of all triggers.
    pub composite: Option<Box<Composite>>,
    /// Time between two polls at most while the target has replicas: as long as that, its count goes by values that are
    /// this old. `None`: the plan's interval.
    pub freshness: Option<Duration>,
    /// How the count between `min` and `max` is found, where no HPA does it. What it measures at pods are the plan's metrics
    /// behind those of triggers, in the same order; its other metrics are those of triggers, or of the formula.
    pub direct: Option<Box<Hpa>>,
}

/// One trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its name in the object, by which a formula knows it.
    pub name: Option<String>,
    /// What metrics about it call what measures it: its name, or one that goes by its type, such as `prometheusScaler`.
    pub scaler: Arc<str>,
    /// Name under which its value is published, for example `s0-prometheus`; of an open one, what stands before the
    /// hyphen and the name of each of its metrics, for example `s0`.
    pub metric: Arc<str>,
    /// It is active while its value is above this; of no meaning for an open one.
    pub activation: f64,
    /// What the HPA aims for; only the type counts for an open one.
    pub target: MetricTarget,
    /// Whether its source judges by itself whether it is active and names its metrics ([`Reading::Scaler`]), so that
    /// they are known only once it has been asked: see [`Activation::open_metrics`].
    ///
    /// [`Reading::Scaler`]: crate::Reading::Scaler
    pub is_open: bool,
}

/// A metric of a trigger whose metrics are known only once its source has been asked.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenMetric {
    /// The trigger's place in [`Activation::triggers`].
    pub trigger: usize,
    /// Name under which it is published, for example `s0-queue`.
    pub metric: Arc<str>,
    /// What an HPA aims for in it.
    pub target: MetricTarget,
}

/// A formula that makes one metric of all triggers.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    /// The formula, compiled.
    pub formula: Formula,
    /// What the HPA aims for.
    pub target: f64,
    /// How the value compares with it.
    pub type_: TargetType,
    /// The target is active while the value is above this.
    pub activation_target: f64,
    /// Whether `target` is written as a whole number: with any other a fallback has no effect.
    pub is_whole: bool,
}

impl Composite {
    /// Name under which the value of a formula is published.
    pub const METRIC: &'static str = "composite-metric";

    /// The same, as one text that all decisions share.
    fn metric() -> Arc<str> {
        static SHARED: LazyLock<Arc<str>> = LazyLock::new(|| Composite::METRIC.into());
        Arc::clone(&SHARED)
    }

    /// What an HPA aims for in it; `None` where the target is not a number above 0.
    fn aim(&self) -> Option<MetricTarget> {
        MetricTarget::new(self.type_, self.target)
    }
}

/// Time between two polls at most while the target has replicas, unless its triggers are to be cached. KEDA measures
/// anew whenever the HPA asks, every 15 s by default, so that there a long polling interval delays only the way to and from
/// zero. Here one poll serves both. It is KEDA's default polling interval.
pub const LIVE_POLLING: Duration = Duration::from_secs(30);

/// The policy's name in steps.
const NAME: &str = "activation";

/// The place of the only member in the plan.
const MEMBER: usize = 0;

impl Activation {
    /// Counts failures, judges by them, and remembers whether the target is active.
    fn observe(&self, view: &View<'_>, memory: &mut ActivationMemory) -> Judgement {
        let most = self.fallback().map_or(1, ActivationFallback::most_failures);
        for (trigger, reading) in
            self.triggers.iter().zip(view.readings).filter(|(trigger, _)| trigger.is_open)
        {
            if let Reading::Scaler { metrics, .. } = reading {
                memory.name(&trigger.metric, metrics);
            }
        }
        let is_open = |metric: &str| self.triggers.iter().any(|open| open.is_open && *open.metric == *metric);
        let read = self.read(view, Some(memory));
        memory.retain(is_open, |metric| read.iter().any(|judged| *judged.metric == *metric));
        for judged in &read {
            memory.count(&judged.metric, judged.read.is_err(), most);
        }
        let judgement = self.judge(read, view, memory);
        memory.observe(judgement.active.is_some(), view.now);
        judgement
    }

    /// What stands in for the plan's metrics that fail, so that they do not hold a scale-in back.
    fn stand_ins(&self, view: &View<'_>, judgement: &Judgement) -> Vec<StandIn> {
        let of = |judged: &Judged| {
            let replicas = match judged.stands_in {
                Some(StandsIn::Value(fallback)) => Some(fallback.replicas),
                Some(StandsIn::Nil) => None,
                None if self.falls_back_to_nothing() => Some(0),
                None => return None,
            };
            let metric = view.metrics.get(judged.trigger)?.name.clone();
            Some(StandIn { metric, replicas })
        };
        let mut failing: Vec<&Judged> =
            judgement.metrics.iter().filter(|judged| judged.read.is_err()).collect();
        // The metrics of one trigger fail together.
        failing.dedup_by_key(|judged| judged.trigger);
        failing.into_iter().filter_map(of).collect()
    }

    /// What the triggers came to, for people.
    fn activity(
        &self,
        judgement: &Judgement,
        switch: Option<&Switch>,
        memory: &ActivationMemory,
        now: Time,
    ) -> Activity {
        let of = |judged: &Judged| TriggerActivity {
            metric: Arc::clone(&judged.metric),
            scaler: Arc::clone(&self.triggers[judged.trigger].scaler),
            is_active: judged.is_active,
            value: judged.read.as_ref().ok().copied(),
            failure: judged.read.as_ref().err().cloned(),
            failures: judged.failures,
            falls_back: judged.stands_in.is_some(),
        };
        let composed = judgement.composite.as_ref();
        Activity {
            is_active: judgement.active.is_some(),
            is_forced: self.forced,
            triggers: judgement.metrics.iter().map(of).collect(),
            last_active: memory.last_active(now),
            cooldown_left: switch.and_then(Switch::cooldown_left),
            formula_failure: composed.and_then(|composed| composed.as_ref().err().cloned()),
            formula_falls_back: matches!(composed, Some(Ok(composed)) if composed.is_fallback),
        }
    }
}

/// The values that others can ask for.
fn published(judgement: Judgement, now: Time) -> Vec<Published> {
    let Judgement { metrics, composite, .. } = judgement;
    let mut published = Vec::with_capacity(metrics.len() + usize::from(composite.is_some()));
    published.extend(metrics.into_iter().map(|judged| Published {
        value: judged.value(),
        at: judged.at,
        is_fallback: judged.stands_in.is_some(),
        for_one_pod: judged.for_one_pod(),
        metric: judged.metric,
    }));
    published.extend(composite.map(|composed| Published {
        metric: Composite::metric(),
        at: composed.as_ref().map_or(now, |composed| composed.at),
        is_fallback: composed.as_ref().is_ok_and(|composed| composed.is_fallback),
        for_one_pod: composed.as_ref().ok().and_then(|composed| composed.for_one_pod),
        value: composed.map(|composed| composed.value),
    }));
    published
}

impl Policy for Activation {
    fn name(&self) -> &'static str {
        NAME
    }

    /// An HPA's arithmetic multiplies a metric of type Value by them, and a fallback of that type is shared by them.
    fn counts_ready_pods(&self, fails: bool) -> bool {
        let is_value = |target: TargetType| target == TargetType::Value;
        let by_value = match &self.composite {
            Some(composite) => is_value(composite.type_),
            None => self.triggers.iter().any(|trigger| is_value(trigger.target.type_())),
        };
        by_value && (self.direct.is_some() || fails && self.fallback().is_some())
    }

    /// What an HPA would come to, in direct mode. Whether the target is switched on or off stands in the report.
    fn recommend(&self, view: &View<'_>, _: usize, memory: &mut PolicyMemories) -> Option<Recommendation> {
        let memory = memory.entry(&view.members.get(MEMBER)?.target).of::<ActivationMemory>();
        let judgement = self.observe(view, memory);
        self.direct.as_ref()?;
        let switch = self.switch(view.scale(MEMBER)?, &judgement, memory, view);
        let direct = self.direct(view, &judgement, switch.as_ref());
        direct.filter(|direct| !direct.is_free).map(|direct| direct.recommendation)
    }

    /// Also where the target was not found: its metrics are published all the same.
    fn recommend_all(&self, view: &View<'_>, memory: &mut PolicyMemories) -> Vec<Option<Recommendation>> {
        vec![self.recommend(view, MEMBER, memory)]
    }

    /// In direct mode, what an HPA would come to.
    fn recommend_and_report(
        &self,
        view: &View<'_>,
        memory: &mut PolicyMemories,
    ) -> (Vec<Option<Recommendation>>, Report) {
        let Some(member) = view.members.get(MEMBER) else { return (vec![None], Report::default()) };
        let memory = memory.entry(&member.target).of::<ActivationMemory>();
        let judgement = self.observe(view, memory);
        let switch = view.scale(MEMBER).and_then(|scale| self.switch(scale, &judgement, memory, view));
        let activity = self.activity(&judgement, switch.as_ref(), memory, view.now);
        let direct = self.direct(view, &judgement, switch.as_ref());
        let (wakes_to, recommended) = match direct {
            Some(Direct { recommendation, is_free: true }) => (Some(recommendation), None),
            direct => (None, direct.map(|direct| direct.recommendation)),
        };
        let switched = |Switch { to, cause }| Recommendation {
            policy: NAME,
            replicas: to,
            basis: Basis::Activity(cause),
        };
        let report = Report {
            activity: Some(activity),
            stand_ins: self.stand_ins(view, &judgement),
            published: published(judgement, view.now),
            switch: switch.map(switched),
            wakes_to,
        };
        (vec![recommended], report)
    }

    fn absences(&self, view: &View<'_>) -> Option<Vec<AbsentMetric>> {
        let mut absences = Vec::new();
        for (place, (trigger, metric)) in self.triggers.iter().zip(view.metrics).enumerate() {
            for absence in trigger.failures(place, view) {
                absences.push(AbsentMetric { metric: metric.name.clone(), absence });
            }
        }
        self.add_absences_at_pods(view, &mut absences);
        Some(absences)
    }

    /// An HPA computes nothing while a target is outside of its bounds.
    fn waits_for_bounds(&self) -> bool {
        self.direct.is_some()
    }

    fn follows_noise(&self) -> bool {
        false
    }

    /// At zero the plan's interval decides how soon the target is activated, as users of KEDA expect.
    fn pace(&self, decision: &Decision) -> Option<Duration> {
        let runs = decision.members.first().is_some_and(|decided| decided.to > 0);
        self.freshness.filter(|_| runs)
    }

    fn quickest_pace(&self) -> Option<Duration> {
        self.freshness
    }

    /// Somebody has chosen a long interval, or one at which values are cached: nothing is looked at before it has passed.
    fn counts_from_poll(&self, interval: Duration) -> bool {
        interval > LIVE_POLLING || self.freshness.is_none()
    }

    fn complete<'a>(&self, hpa: &'a KeptHpa, target: &Target, memory: &Memory) -> Option<Cow<'a, KeptHpa>> {
        self.with_open_metrics(hpa, memory, target)
    }
}

#[cfg(test)]
mod tests;
