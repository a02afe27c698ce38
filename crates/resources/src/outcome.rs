//! What came of looking at an object: one poll from reading to writing, or why there was none.

use std::fmt;
use std::sync::Arc;

use engine::{Decision, MemberDecision, Memory, Plan, Problem, Reading, Scale, Time, Warning};

use crate::{Reason, Reversal};

/// What came of looking at an object at one moment: the source of its status, Events and conditions.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The object's uid: one that is recreated under the same name has another.
    pub uid: String,
    /// The generation of the spec that was looked at.
    pub generation: i64,
    /// When.
    pub at: Time,
    /// What came of it.
    pub verdict: Verdict,
    /// What is doubtful about the spec; empty where it is invalid.
    pub warnings: Arc<[Warning]>,
}

/// The ways in which looking at an object ends.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The object cannot be compiled; nothing was read.
    Invalid(Vec<Problem>),
    /// It cannot be compiled, and an object that it refers to does not exist; nothing was read.
    Unresolved(Vec<Problem>),
    /// Something else owns the target; nothing was read. Names the target and its owner.
    Conflict(Conflict),
    /// It was polled.
    Polled(Box<Poll>),
}

/// Why an object stands back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Names the targets and their owners, and what to do.
    pub message: String,
    /// Namespace and name of the HPAs that have its targets.
    pub hpas: Vec<(String, String)>,
}

impl From<String> for Conflict {
    fn from(message: String) -> Self {
        Self { message, hpas: Vec::new() }
    }
}

/// One poll, from reading to writing.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The plan that was followed.
    pub plan: Arc<Plan>,
    /// The reading of each of the plan's metrics.
    pub readings: Vec<Reading>,
    /// What was seen of and done to each of the plan's members.
    pub members: Vec<MemberPoll>,
    /// What was decided.
    pub decision: Decision,
    /// The memory afterwards.
    pub memory: Memory,
    /// What was done to the HPAs that the object keeps; nothing where they are as the plan wants them.
    pub hpa: Result<Vec<HpaChange>, WriteFailure>,
    /// What the controller of the HPA that the object keeps says; `None` where it has said nothing or there is none.
    pub hpa_scaling: Option<HpaScaling>,
    /// What the target's workload lacks that the object needs of it.
    pub lacking: Vec<Problem>,
    /// Replicas that someone set back after they were written, at most one entry for each of the plan's members.
    pub reversals: Vec<Reversal>,
}

/// A change of an HPA that an object keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HpaChange {
    /// Its name, in the namespace of the target.
    pub name: String,
    /// What was done.
    pub action: HpaAction,
}

/// The condition `ScalingActive` of an HPA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HpaScaling {
    /// Whether its controller can compute replicas.
    pub is_active: bool,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

impl HpaScaling {
    /// Whether something is wrong. A target at 0 replicas is none of the HPA's business.
    pub fn is_failing(&self) -> bool {
        !self.is_active && self.reason != "ScalingDisabled"
    }
}

/// What was done to an HPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HpaAction {
    /// It did not exist.
    Created,
    /// It existed, and nothing controlled it.
    Adopted,
    /// It was not as the plan wants it.
    Updated,
    /// The plan does not want it, or wants one of another name.
    Deleted,
}

impl HpaAction {
    /// The action as it stands in logs and, behind `HPA`, in the reasons of Events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Adopted => "Adopted",
            Self::Updated => "Updated",
            Self::Deleted => "Deleted",
        }
    }
}

impl fmt::Display for HpaAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was seen of and done to one member.
#[derive(Clone, Debug)]
pub struct MemberPoll {
    /// Its scale, or why it could not be read.
    pub seen: Result<Scale, TargetFailure>,
    /// The result of the write; `None` where none was due or allowed.
    pub write: Option<Result<(), WriteFailure>>,
}

/// Why a target could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFailure {
    /// The class: one of `TargetNotFound`, `TargetNotScalable`, `TargetForbidden`,
    /// `CrossNamespace`, `FailedGetScale`.
    pub reason: Reason,
    /// What happened, with the target's name.
    pub message: String,
}

/// Why a write did not happen, or is not known to have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// The class: one of `ScaleConflict`, `FailedUpdateScale`, `ScaleTimedOut`, `TargetNotFound`, `TargetForbidden`,
    /// `TargetNotScalable`, `AdmissionDenied`; of an HPA `HpaConflict` or `FailedUpdateHpa`.
    pub reason: Reason,
    /// What happened, with the target's name.
    pub message: String,
}

impl Poll {
    /// The decision for the member at `member`, where its target was found.
    pub fn decided(&self, member: usize) -> Option<&MemberDecision> {
        self.decision.members.iter().find(|decision| decision.member == member)
    }

    /// The value of the plan's metric at `metric`: the one by which was decided, else what was read and cannot
    /// be used, such as a negative count; `None` where nothing was read.
    pub fn value(&self, metric: usize) -> Option<f64> {
        let decided = self.decision.values.get(metric).copied().flatten();
        decided.or_else(|| self.readings.get(metric)?.value())
    }

    /// Whether the plan is a group's.
    pub fn is_of_group(&self) -> bool {
        self.plan.group.is_some()
    }

    /// Why the member at `member` could not be read or written, where it could not.
    pub fn failure(&self, member: usize) -> Option<(Reason, &str)> {
        let polled = self.members.get(member)?;
        match (&polled.seen, &polled.write) {
            (Err(failure), _) => Some((failure.reason, &failure.message)),
            (Ok(_), Some(Err(failure))) => Some((failure.reason, &failure.message)),
            (Ok(_), Some(Ok(())) | None) => None,
        }
    }

    /// Replicas asked of the member at `member`, as last seen or written.
    pub fn current(&self, member: usize) -> Option<u32> {
        let polled = self.members.get(member)?;
        match (self.decided(member), &polled.write) {
            (Some(decided), Some(Ok(()))) => Some(decided.to),
            (Some(decided), _) => Some(decided.from),
            (None, _) => polled.seen.as_ref().ok().map(|scale| scale.replicas),
        }
    }

    /// Whether any member's replicas were changed.
    pub fn wrote(&self) -> bool {
        self.members.iter().any(|member| matches!(member.write, Some(Ok(()))))
    }
}

impl Outcome {
    /// The poll, where there was one.
    pub fn poll(&self) -> Option<&Poll> {
        match &self.verdict {
            Verdict::Polled(poll) => Some(poll),
            Verdict::Invalid(_) | Verdict::Unresolved(_) | Verdict::Conflict(_) => None,
        }
    }
}
