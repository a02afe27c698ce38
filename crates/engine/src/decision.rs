//! The decision and its reasoning, from which every surface prints.
//!
//! Status, Event, log line, activity page and metric label all come from the same
//! [`Decision`]: nobody has to ask "why did it scale?" a second time.

mod step;

use serde::Serialize;

use crate::{AbsentMetric, Activity, Cost, Mode, Outlook, Published, Time};

pub use step::{RateLimit, Step};

/// What one poll came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The instant for which it was made.
    pub at: Time,
    /// Whether it is to be carried out.
    pub mode: Mode,
    /// The value of each of the plan's metrics, for people: of what pods use, the average of those that count, times
    /// `spec.replicas`. `None` where it is absent.
    #[serde(skip)]
    pub values: Vec<Option<f64>>,
    /// The metrics without a usable reading.
    pub absences: Vec<AbsentMetric>,
    /// What is expected of each of the plan's metrics; empty where nobody forecasts.
    #[serde(skip)]
    pub outlooks: Vec<Outlook>,
    /// What the triggers of a policy that goes by activity came to.
    #[serde(skip)]
    pub activity: Option<Activity>,
    /// The values that others can ask for.
    #[serde(skip)]
    pub published: Vec<Published>,
    /// One entry for each member whose target was found, in the plan's order.
    pub members: Vec<MemberDecision>,
}

impl Decision {
    /// Whether any member's replicas change.
    pub fn scales(&self) -> bool {
        self.members.iter().any(MemberDecision::scales)
    }

    /// Leaves all replicas as they are, because the decision would violate `invariant`.
    pub(crate) fn hold(&mut self, invariant: &'static str) {
        for member in self.members.iter_mut().filter(|member| member.scales()) {
            member.steps.push(Step::Held { from: member.to, to: member.from, invariant });
            member.to = member.from;
        }
    }
}

/// What one poll came to for one member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberDecision {
    /// Place of the member in the plan.
    pub member: usize,
    /// Replicas asked for before.
    pub from: u32,
    /// What the policy recommended; `None` where no reading let it recommend anything.
    pub recommended: Option<u32>,
    /// Replicas to ask for.
    pub to: u32,
    /// What that costs, where the policy has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How `from` became `to`, in order.
    pub steps: Vec<Step>,
}

impl MemberDecision {
    /// Whether the replicas change.
    pub fn scales(&self) -> bool {
        self.from != self.to
    }

    /// The steps in one line: `linear 2→6 (3000 in 1000..5000), rate 6→4 (+2 at most)`.
    pub fn explanation(&self) -> String {
        self.steps.iter().map(Step::to_string).collect::<Vec<_>>().join(", ")
    }
}
