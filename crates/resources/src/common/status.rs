//! What a poll came to, and how it is told in the status of an object.

use std::fmt;
use std::sync::Arc;

use engine::{Decision, MemberDecision, Memory, Plan, Problem, Reading, Scale, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::{Condition, ConditionStatus, ConditionType, Reason, merge, whole_seconds};
use super::conditions::{self, condition};
use super::reversal::Reversal;
use crate::Kind;
use crate::common::fields::{any_object, date_time};

/// What became of an object at one moment: the source of its status, Events and conditions.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The object's uid: one that is made anew under the same name has another.
    pub uid: String,
    /// The generation of the spec that was looked at.
    pub generation: i64,
    /// When.
    pub at: Time,
    /// What became of it.
    pub verdict: Verdict,
}

/// The ways in which looking at an object ends.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The object cannot be compiled; nothing was read.
    Invalid(Vec<Problem>),
    /// It cannot be compiled, and an object that it refers to does not exist; nothing was read.
    Unresolved(Vec<Problem>),
    /// Something else owns the target; nothing was read. Names the target and its owner.
    Conflict(String),
    /// It was polled.
    Polled(Box<Poll>),
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
    /// Replicas that somebody set back after they were written, at most one entry for each of the plan's members.
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
    /// What became of the write; `None` where none was due or allowed.
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

    /// The value of the plan's metric at `metric`, by which was decided; `None` where it has none.
    pub fn value(&self, metric: usize) -> Option<f64> {
        self.decision.values.get(metric).copied().flatten()
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

    /// What the object's conditions say now; `Ready`, the summary, comes first.
    pub fn conditions(&self) -> Vec<ConditionStatus> {
        match &self.verdict {
            Verdict::Invalid(problems) => vec![not_compiled(Reason::InvalidSpec, problems)],
            Verdict::Unresolved(problems) => vec![not_compiled(Reason::ReferenceNotFound, problems)],
            Verdict::Conflict(message) => {
                vec![condition(ConditionType::Ready, false, Reason::TargetConflict, message.clone())]
            }
            Verdict::Polled(poll) => conditions::of(poll),
        }
    }
}

fn not_compiled(reason: Reason, problems: &[Problem]) -> ConditionStatus {
    let all: Vec<String> = problems.iter().map(Problem::to_string).collect();
    condition(ConditionType::Ready, false, reason, all.join("; "))
}

/// The status fields that every kind has.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObservedStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How the object is.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl ObservedStatus {
    /// Takes over what `outcome` says.
    pub(crate) fn update(&mut self, outcome: &Outcome) {
        self.observed_generation = Some(outcome.generation);
        self.conditions = merge(&outcome.conditions(), &self.conditions, outcome.generation, outcome.at);
    }
}

/// The status fields that every kind with a single target has.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SingleTargetStatus {
    /// What all kinds tell.
    #[serde(flatten)]
    pub observed: ObservedStatus,
    /// The target as `Kind/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Replicas asked of the target, as last seen or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<u32>,
    /// Replicas that the last decision came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<u32>,
    /// The last decision: every step from the readings to the desired replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_decision: Option<String>,
    /// When the target was last scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "date_time")]
    pub last_scale_time: Option<String>,
    /// The steps of the decision that last scaled the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scale_reason: Option<String>,
    /// What later decisions must know of earlier ones: kept here so that a new leader keeps
    /// cooldowns and stabilization windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub memory: Option<Memory>,
}

impl SingleTargetStatus {
    /// Takes over what `outcome` says; what it does not speak of stays.
    pub(crate) fn update(&mut self, outcome: &Outcome) {
        self.observed.update(outcome);
        let Some(poll) = outcome.poll() else { return };
        self.target = poll.plan.members.first().map(|member| member.target.short_name());
        let written = poll.members.first().is_some_and(|member| matches!(member.write, Some(Ok(()))));
        match poll.decided(0) {
            Some(decided) => {
                self.current_replicas = Some(if written { decided.to } else { decided.from });
                self.desired_replicas = Some(decided.to);
                self.last_decision = Some(decided.explanation());
                if written {
                    self.last_scale_reason = Some(decided.explanation());
                }
            }
            None => {
                self.current_replicas = None;
                self.desired_replicas = None;
                self.last_decision = None;
            }
        }
        self.last_scale_time = poll.memory.last_scale.map(whole_seconds);
        self.memory = (poll.memory != Memory::default()).then(|| poll.memory.clone());
    }
}

/// Whether and how much a status changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Not at all, or only in the times of wishes, which a takeover does not need.
    None,
    /// Only what moves with the metric: worth a write now and then.
    Minor,
    /// Something that people or a takeover rely on: worth a write at once.
    Major,
}

/// How `next` differs from `previous`, both statuses of `kind`.
pub fn difference(kind: &Kind, previous: &Value, next: &Value) -> Difference {
    let (previous, next) = (timeless(previous), timeless(next));
    if previous == next {
        return Difference::None;
    }
    if steady(kind, previous) == steady(kind, next) { Difference::Minor } else { Difference::Major }
}

/// The status without the instants at which wishes were last made.
fn timeless(status: &Value) -> Value {
    let mut status = status.clone();
    let members = status.pointer_mut("/memory/members").and_then(Value::as_object_mut);
    for wish in
        members.into_iter().flat_map(|members| members.values_mut()).filter_map(Value::as_array_mut).flatten()
    {
        if let Some(wish) = wish.as_object_mut() {
            wish.remove("last");
        }
    }
    status
}

/// The status without what moves with the metric.
fn steady(kind: &Kind, mut status: Value) -> Value {
    for path in kind.volatile() {
        remove(&mut status, path);
    }
    if let Some(memory) = status.get_mut("memory").and_then(Value::as_object_mut) {
        memory.remove("members");
        memory.remove("policy");
    }
    for condition in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(condition) = condition.as_object_mut() {
            condition.remove("message");
        }
    }
    // A write that fails again and again is told at once, and then counted now and then.
    for action in ["/lastAction/members", "/memory/lastAction/members"] {
        let members = status.pointer_mut(action).and_then(Value::as_array_mut);
        for member in members.into_iter().flatten().filter_map(Value::as_object_mut) {
            for field in ["attempts", "message", "failure"] {
                member.remove(field);
            }
        }
    }
    status
}

/// Removes the field at `path`, or `field` of each item of a list where it is `list[].field`.
fn remove(status: &mut Value, path: &str) {
    match path.split_once("[].") {
        Some((list, field)) => {
            let items = status.get_mut(list).and_then(Value::as_array_mut);
            items.into_iter().flatten().for_each(|item| remove(item, field));
        }
        None => {
            status.as_object_mut().map(|fields| fields.remove(path));
        }
    }
}
