//! One member's recommendation on its way through the limits, link by link.

use super::foresee::Foreseen;
use super::limit;
use crate::pod_metric::PodLoad;
use crate::policy::Recommendation;
use crate::safeguards::{Alarm, Failing};
use crate::{AbsentMetric, Cost, Fallback, MemberDecision, Memory, Outlook, Plan, Step, Time};

/// Steps beside the facts that most decisions come to.
const USUAL_STEPS: usize = 4;

/// The recommendation for one member, and its observed state so far.
pub(super) struct Chain {
    /// Place of the member in the plan.
    pub(super) member: usize,
    /// Replicas asked for at present.
    pub(super) from: u32,
    /// The nearest to that within the bounds: where limits count from.
    pub(super) current: u32,
    /// What its policy switches it to, on or off, where it does: where windows, rates and cooldowns count from.
    switched: Option<u32>,
    /// What is wanted so far.
    pub(super) to: u32,
    /// Whether it must not be scaled in, as not all is known.
    pub(super) is_blind: bool,
    /// Whether its last write failed, so that nobody may count on its scaling in.
    pub(super) is_stuck: bool,
    /// What safeguards say of its metrics: the metric's place, and the alarm.
    alarms: Vec<(usize, Alarm)>,
    recommended: Option<u32>,
    steps: Vec<Step>,
}

impl Chain {
    /// The chain of the member at `member`, which asks for `from` replicas where the bounds order `current`. It begins
    /// with `facts`, which hold for every member.
    pub(super) fn new(member: usize, from: u32, current: u32, facts: &[Step], is_stuck: bool) -> Self {
        let mut steps = Vec::with_capacity(facts.len() + USUAL_STEPS);
        steps.extend_from_slice(facts);
        let is_blind = facts.iter().any(|fact| matches!(fact, Step::Absent(_)));
        let mut chain = Self {
            member,
            from,
            current,
            switched: None,
            to: from,
            is_blind,
            is_stuck,
            alarms: vec![],
            recommended: None,
            steps,
        };
        chain.push((from != current).then_some(Step::Bounds { from, to: current }));
        chain
    }

    /// What is not known of the pods that this member's metrics are measured at, where that is so.
    pub(super) fn show_pods(&mut self, plan: &Plan, loads: &[(usize, PodLoad)]) {
        for &(index, load) in loads.iter().filter(|(_, load)| !load.is_exact()) {
            let metric = &plan.metrics[index];
            if metric.member.unwrap_or_default() == self.member {
                self.push(Some(Step::Pods { metric: metric.name.clone(), load }));
            }
        }
    }

    /// What safeguards say of the metrics that concern this member. Where every metric that fails may fall back below
    /// the replicas that there are, nothing forbids it.
    pub(super) fn hear(&mut self, plan: &Plan, alarms: &[Alarm]) {
        let concerns = |index: usize| plan.metrics[index].member.is_none_or(|member| member == self.member);
        let own = alarms
            .iter()
            .enumerate()
            .filter(|(index, alarm)| concerns(*index) && *alarm != &Alarm::default());
        self.alarms = own.map(|(index, alarm)| (index, alarm.clone())).collect();
        let is_covered = |absent: &AbsentMetric| {
            self.has_stand_in(&absent.metric)
                || self.fallbacks().any(|(index, fallback, _)| {
                    fallback.may_scale_in && plan.metrics[index].name == absent.metric
                })
        };
        let mut absent = self.steps.iter().filter_map(|step| match step {
            Step::Absent(absent) => Some(absent),
            _ => None,
        });
        self.is_blind = !absent.all(is_covered);
    }

    /// Whether something stands in for `metric`, so that its absence holds nothing back.
    fn has_stand_in(&self, metric: &str) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::StandIn(stand_in) if stand_in.metric == metric))
    }

    /// Where its policy switches it to, on or off, or leaves it.
    pub(super) fn switch(&mut self, to: Option<Recommendation>) {
        if let Some(Recommendation { policy, replicas, basis }) = to {
            self.push(Some(Step::Switch { policy, from: self.to, to: replicas, basis }));
            self.switched = Some(replicas);
        }
    }

    /// Where windows, rates and cooldowns count from: what it is switched to as far as that holds, or what the bounds
    /// order.
    fn base(&self) -> u32 {
        let (least, most) = (self.current.min(self.to), self.current.max(self.to));
        self.switched.map_or(self.current, |switched| switched.clamp(least, most))
    }

    /// The fallbacks that count, with the places of their metrics.
    fn fallbacks(&self) -> impl Iterator<Item = (usize, Fallback, Failing)> {
        self.alarms.iter().filter_map(|(index, alarm)| {
            let (fallback, failing) = alarm.fallback?;
            Some((*index, fallback, failing))
        })
    }

    /// What metrics that fail ask for by their fallbacks: the most of all, beside what is recommended.
    fn fall_back(&mut self, plan: &Plan, mut is_first: bool) {
        let due: Vec<(usize, Fallback, Failing)> = self.fallbacks().collect();
        for (index, fallback, failing) in due {
            let asked = fallback.replicas(self.current);
            let to = if is_first { asked } else { self.to.max(asked) };
            is_first = false;
            let metric = plan.metrics[index].name.clone();
            let may_scale_in = fallback.may_scale_in;
            self.push(Some(Step::Fallback { from: self.to, to, metric, failing, may_scale_in }));
        }
    }

    /// The first drop that is not believed yet.
    fn held_drop(&self, plan: &Plan) -> Option<Step> {
        let held = |(index, alarm): &(usize, Alarm)| Some((*index, alarm.drop?));
        let (index, drop) = self.alarms.iter().find_map(held).filter(|_| self.to < self.current)?;
        let metric = plan.metrics[index].name.clone();
        Some(Step::SuspiciousDrop { from: self.to, to: self.current, metric, drop })
    }

    /// Why no forecast is relied on, for each of this member's metrics that has a value.
    pub(super) fn show_unforeseen(&mut self, plan: &Plan, values: &[Option<f64>], outlooks: &[Outlook]) {
        for ((metric, value), outlook) in plan.metrics.iter().zip(values).zip(outlooks) {
            let is_own = metric.member.unwrap_or_default() == self.member && value.is_some();
            if let (Outlook::Unknown(why), true) = (outlook, is_own) {
                self.push(Some(Step::NoForecast { metric: metric.name.clone(), why: *why }));
            }
        }
    }

    /// The recommendation itself, and what limits one that has just been made.
    pub(super) fn recommend(
        &mut self,
        plan: &Plan,
        memory: &mut Memory,
        recommended: Option<Recommendation>,
        foreseen: Option<&Foreseen>,
        now: Time,
    ) {
        let member = &plan.members[self.member];
        self.recommended = recommended.as_ref().map(|recommended| recommended.replicas).or(self.switched);
        let is_recommended = recommended.is_some();
        let falls_back = self.fallbacks().next().is_some();
        self.is_blind |= self.recommended.is_none() && !falls_back;
        let base = self.base();
        let mut earlier = plan.limits.stabilize().then(|| memory.members.entry(&member.target));
        if let Some(earlier) = &mut earlier {
            // Also where nothing is recommended yet.
            earlier.begin(self.switched.unwrap_or(self.from), now);
        }
        if let Some(Recommendation { policy, replicas, basis }) = recommended {
            self.push(Some(Step::Policy { policy, from: self.to, to: replicas, basis }));
            self.foresee(plan, foreseen, now);
        }
        self.fall_back(plan, !is_recommended);
        if let Some(earlier) = earlier.filter(|_| is_recommended || falls_back) {
            self.push(limit::stabilize(self.to, base, earlier, &plan.limits, now));
        }
        self.push(plan.policy.budget().and_then(|budget| limit::afford(self.to, budget, member.bounds)));
    }

    /// What a load that is expected asks for, where that is more.
    fn foresee(&mut self, plan: &Plan, foreseen: Option<&Foreseen>, now: Time) {
        let asked = foreseen.and_then(|foreseen| foreseen.asks(self.member));
        let Some((to, metric, expected)) = asked.filter(|(to, ..)| *to > self.to) else { return };
        let (metric, ahead) = (plan.metrics[metric].name.clone(), expected.at.since(now));
        self.recommended = Some(to);
        self.push(Some(Step::Forecast { from: self.to, to, metric, expected, ahead }));
    }

    /// What the plan allows this member.
    pub(super) fn hold(&mut self, plan: &Plan, memory: &Memory, now: Time) {
        let (member, pause) = (&plan.members[self.member], plan.brakes.pause);
        if let Some(to) = pause.keeps(self.from) {
            // Also where it changes nothing, so that every decision says it.
            return self.push(Some(Step::Paused { from: self.to, to, pause }));
        }
        self.push(limit::bound(self.to, member.bounds));
        self.push(limit::pause(self.to, self.current, pause));
        self.push(limit::forbid_blind_scale_in(self.to, self.current, !self.is_blind));
        self.push(self.held_drop(plan));
        let events = memory.scale_events.get(&member.target);
        self.push(limit::rate(self.to, self.base(), &plan.limits, events, now));
        self.push(limit::cool_down(self.to, self.base(), memory.last_scale, &plan.limits, now));
    }

    pub(super) fn decided(self, plan: &Plan) -> MemberDecision {
        let Self { member, from, to, recommended, steps, .. } = self;
        let cost = plan.policy.budget().map(|budget| Cost::of(budget, from, recommended, to));
        MemberDecision { member, from, recommended, to, cost, steps }
    }

    /// Takes a step that changes what is wanted; `None` leaves it.
    pub(super) fn push(&mut self, step: Option<Step>) {
        if let Some(step) = step {
            if let Some((_, to)) = step.change() {
                self.to = to;
            }
            self.steps.push(step);
        }
    }
}
