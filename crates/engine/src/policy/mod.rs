//! Policies: each turns readings into a wish for every member.
//!
//! A new policy is one file beside this one and one line in [`POLICIES`], as
//! `docs/extending.md` walks through. It says what would be right for the load; what
//! holds a wish back (bounds, windows, rates, cooldown, missing readings) is the same
//! for all and lives in `limit`.

mod bottleneck;
mod cost;
mod external;
mod linear;
mod proportional;
mod random;
mod setting;
mod slo;
mod threshold;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::{Advice, Basis, Budget, Fault, Group, GroupProblem, Member, Metric, Plan, Problem, Scale, Time};

pub use bottleneck::Bottleneck;
pub use cost::CostPolicy;
pub use external::{Adviser, External};
pub use linear::Linear;
pub use proportional::Proportional;
pub use random::Random;
pub use setting::{Setting, SettingType};
pub use slo::Slo;
pub use threshold::Threshold;

/// Turns readings into a wish for each member. Pure: the same view, the same wishes.
pub trait Policy: fmt::Debug + Send + Sync {
    /// The policy's name in [`POLICIES`], in steps and in manifests.
    fn name(&self) -> &'static str;

    /// The wish for the member at `member`, or `None` where the known readings do not
    /// allow one: nothing is scaled in then. It is asked only for members whose target was
    /// found, and may wish beyond the bounds, which are kept by others.
    fn wish(&self, view: &View<'_>, member: usize) -> Option<Wished>;

    /// The wishes for all members, in the plan's order. A policy that looks at the group as a whole
    /// finds them all at once here.
    fn wishes(&self, view: &View<'_>) -> Vec<Option<Wished>> {
        let wish = |member| view.scale(member).and_then(|_| self.wish(view, member));
        (0..view.members.len()).map(wish).collect()
    }

    /// What keeps it from serving a group of these members with these metrics, as far as the parts are sound by themselves.
    fn problems(&self, members: &[Member], metrics: &[Metric], group: &Group) -> Vec<GroupProblem> {
        let _ = (members, metrics, group);
        Vec::new()
    }

    /// What each member may cost, where the policy says so.
    fn budget(&self) -> Option<Budget> {
        None
    }

    /// Whether it draws anew in each decision, so that [`View::round`] must count them.
    fn counts_rounds(&self) -> bool {
        false
    }

    /// Who outside must be asked before each decision, where somebody must; the answer is [`View::advice`].
    fn adviser(&self) -> Option<&Adviser> {
        None
    }
}

/// What a policy sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct View<'a> {
    /// The plan's members.
    pub members: &'a [Member],
    /// The plan's metrics.
    pub metrics: &'a [Metric],
    /// The present scale of each member; `None` where its target was not found.
    pub scales: &'a [Option<Scale>],
    /// The value of each of the plan's metrics; `None` where it is absent.
    pub values: &'a [Option<f64>],
    /// The instant of the decision.
    pub now: Time,
    /// What holds the members together, where the plan is a group's.
    pub group: Option<&'a Group>,
    /// Decisions made before this one, where the policy counts them.
    pub round: u64,
    /// What an adviser outside wishes, where one is asked and has answered.
    pub advice: Option<&'a Advice>,
}

impl<'a> View<'a> {
    /// What is to be seen of `plan` at `now`, by no adviser and in the first round.
    pub fn new(plan: &'a Plan, scales: &'a [Option<Scale>], values: &'a [Option<f64>], now: Time) -> Self {
        let (members, metrics, group) = (&plan.members, &plan.metrics, plan.group.as_ref());
        View { members, metrics, scales, values, now, group, round: 0, advice: None }
    }
}

impl View<'_> {
    /// The present scale of the member at `member`, where its target was found.
    pub fn scale(&self, member: usize) -> Option<Scale> {
        self.scales.get(member).copied().flatten()
    }

    /// Replicas asked for of the member at `member` at present.
    pub fn replicas(&self, member: usize) -> u32 {
        self.scale(member).map_or(0, |scale| scale.replicas)
    }

    /// The value of the metric at `metric`, where it is known.
    pub fn value(&self, metric: usize) -> Option<f64> {
        self.values.get(metric).copied().flatten()
    }
}

/// A wish and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Wished {
    /// Name of the policy whose reasoning this is, as steps print it.
    pub policy: &'static str,
    /// Replicas.
    pub replicas: u32,
    /// The numbers behind it.
    pub basis: Basis,
}

/// A policy in the table: its name and how it is made from its settings in a manifest.
#[derive(Clone, Copy, Debug)]
pub struct PolicyEntry {
    /// Name in manifests.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Which plans it can serve.
    pub serves: Serves,
    /// What can be set, for the CRD's schema and the reference.
    pub settings: &'static [Setting],
    /// Makes the policy, or tells all problems of the settings; paths begin with the given one.
    pub compile: Compile,
}

/// Which plans a policy can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Those with a single target.
    Target,
    /// Those of a group.
    Group,
}

/// Makes a policy from its settings and their path in the manifest.
type Compile = fn(&Value, &str) -> Result<Arc<dyn Policy>, Vec<Problem>>;

/// Every policy there is.
pub const POLICIES: &[PolicyEntry] = &[
    // In the order in which schema, reference and messages name them.
    slo::ENTRY,
    cost::ENTRY,
    linear::ENTRY,
    threshold::ENTRY,
    random::ENTRY,
    proportional::ENTRY,
    bottleneck::ENTRY,
    external::ENTRY,
];

/// The policies that serve such plans, in the order of [`POLICIES`].
pub fn serving(plans: Serves) -> impl Iterator<Item = &'static PolicyEntry> {
    POLICIES.iter().filter(move |entry| entry.serves == plans)
}

/// Makes the policy called `name` from `config`, which stands at `path` in the manifest.
///
/// # Errors
/// All problems of the settings, or one that lists the known policies.
pub fn compile(name: &str, config: &Value, path: &str) -> Result<Arc<dyn Policy>, Vec<Problem>> {
    match POLICIES.iter().find(|entry| entry.name == name) {
        Some(entry) => (entry.compile)(config, path),
        None => {
            let known = POLICIES.iter().map(|entry| entry.name);
            Err(vec![Problem::new(path, Fault::unsupported(format_args!("{name:?}"), known))])
        }
    }
}

/// Reads the settings of `entry` into `T`, once each has been held against its row in the table.
fn settings<T: serde::de::DeserializeOwned>(
    entry: &PolicyEntry,
    config: &Value,
    path: &str,
) -> Result<T, Vec<Problem>> {
    let problems = setting::problems(entry.settings, config, path);
    if !problems.is_empty() {
        return Err(problems);
    }
    let none = Value::Object(serde_json::Map::new());
    let config = if config.is_null() { &none } else { config };
    T::deserialize(config).map_err(|error| vec![Problem::new(path, Fault::invalid(error.to_string()))])
}
