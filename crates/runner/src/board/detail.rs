//! What only the page of one object shows: its conditions, its last decisions and its Events.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use engine::{MemberDecision, Time};
use resources::{ConditionState, ConditionStatus, Outcome, Poll};

use crate::Shared;

/// Decisions and Events that are kept of an object.
const DECISIONS: usize = 20;
const EVENTS: usize = 20;

/// What is known of an object beyond its state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// Its conditions, `Ready` first.
    pub conditions: Vec<ObjectCondition>,
    /// The last decisions that differ from the one before, oldest first.
    pub decisions: VecDeque<PastDecision>,
    /// The Events that this replica has published, oldest first.
    pub events: VecDeque<PastEvent>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCondition {
    /// Its type.
    pub type_: &'static str,
    /// Whether it holds: `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, in a sentence.
    pub message: String,
    /// Since when it is as `status` says, as far as this replica knows.
    pub since: Time,
}

/// A decision that stood for one or more polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    /// When it was first made.
    pub at: Time,
    /// When it was last made.
    pub until: Time,
    /// How many polls came to it.
    pub polls: u32,
    /// The replicas of all targets before.
    pub from: u32,
    /// The replicas of all targets that it wanted.
    pub to: u32,
    /// The steps in one line as the last of the polls had them; of a group one line for each member.
    pub steps: Arc<str>,
    /// The kinds of the steps and what each changes, as a hash: equal where only values and times left differ.
    pub outline: u64,
    /// What came of it.
    pub result: DecisionResult,
}

/// What came of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionResult {
    /// Replicas are as they were, as it wanted.
    Kept,
    /// All that it wanted was written.
    Applied,
    /// Something of it was not written.
    NotApplied,
}

/// An Event that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEvent {
    /// When.
    pub at: Time,
    /// Whether something went wrong.
    pub is_warning: bool,
    /// In one word.
    pub reason: Arc<str>,
    /// In a sentence.
    pub note: Arc<str>,
}

/// What is kept for the page of one object.
#[derive(Debug, Default)]
pub(super) struct KeptDetail {
    /// What its conditions say: most objects have the same.
    said: Arc<[ConditionStatus]>,
    /// Since when each has its status.
    since: Box<[Time]>,
    decisions: VecDeque<PastDecision>,
    events: VecDeque<PastEvent>,
}

impl KeptDetail {
    /// Notes what a look came to, whose decisions have these `lines`.
    pub(super) fn note(
        &mut self,
        outcome: &Outcome,
        lines: &[Arc<str>],
        conditions: &mut Shared<[ConditionStatus]>,
    ) {
        let said = outcome.conditions();
        let since = |said: &ConditionStatus| {
            let mut before = self.said.iter().zip(&self.since);
            let same = before.find(|(before, _)| (before.type_, before.state) == (said.type_, said.state));
            same.map_or(outcome.at, |(_, since)| *since)
        };
        self.since = said.iter().map(since).collect();
        self.said = conditions.one(said);
        // Without a target nothing was decided.
        if let Some(poll) = outcome.poll().filter(|poll| !poll.decision.members.is_empty()) {
            self.decided(PastDecision::of(poll, lines));
        }
    }

    fn decided(&mut self, decision: PastDecision) {
        match self.decisions.back_mut() {
            // Of a group it is noted again when a write that failed was done later.
            Some(last) if last.until == decision.at => last.result = decision.result,
            Some(last) if last.is_the_same(&decision) => {
                (last.until, last.polls, last.steps) =
                    (decision.at, last.polls.saturating_add(1), decision.steps);
            }
            _ => keep(&mut self.decisions, decision, DECISIONS),
        }
    }

    pub(super) fn published(&mut self, event: PastEvent) {
        keep(&mut self.events, event, EVENTS);
    }

    /// The same as the page shows it.
    pub(super) fn detail(&self) -> Detail {
        let condition = |(said, since): (&ConditionStatus, &Time)| ObjectCondition {
            type_: said.type_,
            status: said.state.as_str(),
            reason: said.reason,
            message: said.message.clone(),
            since: *since,
        };
        Detail {
            conditions: self.said.iter().zip(&self.since).map(condition).collect(),
            decisions: self.decisions.clone(),
            events: self.events.clone(),
        }
    }
}

impl From<Detail> for KeptDetail {
    fn from(Detail { conditions, decisions, events }: Detail) -> Self {
        let since = conditions.iter().map(|condition| condition.since).collect();
        let said =
            conditions.into_iter().map(|ObjectCondition { type_, status, reason, message, .. }| {
                let all = [ConditionState::True, ConditionState::False];
                let state = all.into_iter().find(|state| state.as_str() == status);
                ConditionStatus { type_, state: state.unwrap_or(ConditionState::Unknown), reason, message }
            });
        Self { said: said.collect(), since, decisions, events }
    }
}

fn keep<T>(kept: &mut VecDeque<T>, newest: T, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    // Most objects have one or two.
    kept.reserve_exact(1);
    kept.push_back(newest);
}

impl PastDecision {
    fn of(poll: &Poll, lines: &[Arc<str>]) -> Self {
        let (at, members) = (poll.decision.at, &poll.decision.members);
        let named = |(decided, line): (&MemberDecision, &Arc<str>)| {
            format!("{}: {line}", poll.plan.members[decided.member].role.name)
        };
        let steps = match lines {
            // The same text as lists show.
            [line] if !poll.is_of_group() => Arc::clone(line),
            _ => members.iter().zip(lines).map(named).collect::<Vec<_>>().join("\n").into(),
        };
        let sum = |count: fn(&MemberDecision) -> u32| members.iter().map(count).fold(0, u32::saturating_add);
        let is_written = |decided: &MemberDecision| {
            !decided.scales() || matches!(poll.members[decided.member].write, Some(Ok(())))
        };
        let result = match poll.decision.scales() {
            false => DecisionResult::Kept,
            true if members.iter().all(is_written) => DecisionResult::Applied,
            true => DecisionResult::NotApplied,
        };
        let (from, to) = (sum(|decided| decided.from), sum(|decided| decided.to));
        Self { at, until: at, polls: 1, from, to, steps, outline: outline(members), result }
    }

    /// Whether it says the same as `other`, apart from numbers that move all the time. What was carried out is never the
    /// same as what was carried out before.
    fn is_the_same(&self, other: &Self) -> bool {
        self.result != DecisionResult::Applied
            && (self.from, self.to, self.result, self.outline)
                == (other.from, other.to, other.result, other.outline)
    }
}

fn outline(members: &[MemberDecision]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for decided in members {
        (decided.member, decided.from, decided.to, decided.steps.len()).hash(&mut hasher);
        decided.steps.iter().for_each(|step| (step.kind(), step.change()).hash(&mut hasher));
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use engine::{Basis, Step};

    use super::*;

    fn decision(second: i64, value: u32, replicas: u32, result: DecisionResult) -> PastDecision {
        let at = Time::from_seconds(second);
        let basis = Basis::Range { value: f64::from(value), low: 1000.0, high: 5000.0 };
        let step = Step::Policy { policy: "linear", from: 2, to: replicas, basis };
        let member = MemberDecision {
            member: 0,
            from: 2,
            recommended: Some(replicas),
            to: replicas,
            cost: None,
            steps: vec![step],
        };
        let (steps, outline) = (member.explanation().into(), outline(&[member]));
        PastDecision { at, until: at, polls: 1, from: 2, to: replicas, steps, outline, result }
    }

    #[test]
    fn polls_that_come_to_the_same_are_one_entry() {
        let mut detail = KeptDetail::default();
        for second in 0..5 {
            detail.decided(decision(second, 1100 + second as u32, 2, DecisionResult::Kept));
        }
        for second in 5..7 {
            detail.decided(decision(second, 1500, 3, DecisionResult::Applied));
        }
        let seen: Vec<(u32, &str)> =
            detail.decisions.iter().map(|decision| (decision.polls, &*decision.steps)).collect();
        let (kept, applied) = ("linear 2 (1104 in 1000..5000)", "linear 2→3 (1500 in 1000..5000)");
        assert_eq!(seen, [(5, kept), (1, applied), (1, applied)]);
        assert_eq!(detail.decisions[0].until, Time::from_seconds(4));
        for second in 7..100 {
            detail.decided(decision(second, 1500, second as u32, DecisionResult::Kept));
        }
        assert_eq!(detail.decisions.len(), DECISIONS);
    }
}
