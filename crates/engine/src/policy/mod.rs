//! Policies: each turns readings into a recommendation for every member.
//!
//! A new policy is one file beside this one and one line in [`POLICIES`], as
//! `docs/extending.md` walks through; another crate adds its own to a [`PolicyTable`]. A policy says what would be
//! right for the load; what limits a recommendation (bounds, windows, rates, cooldown, missing readings) is the same
//! for all and is the plan's.

mod bottleneck;
mod cost;
mod external;
mod linear;
mod proportional;
mod random;
mod setting;
mod slo;
mod threshold;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::activation::Report;
use crate::by_target::ByTarget;
use crate::{
    AbsentMetric, Basis, Budget, Decision, Fault, Group, GroupProblem, KeptHpa, Level, Member, Memory,
    Metric, PolicyMemory, Problem, Target, View,
};

pub use bottleneck::Bottleneck;
pub use cost::CostPolicy;
pub use external::{Adviser, External};
pub use linear::Linear;
pub use proportional::Proportional;
pub use random::Random;
pub use setting::{Setting, SettingType};
pub use slo::Slo;
pub use threshold::Threshold;

/// Turns readings into a recommendation for each member. Pure: the same view and memory, the same recommendations.
pub trait Policy: fmt::Debug + Send + Sync {
    /// The policy's name in its table, in steps and in manifests.
    fn name(&self) -> &'static str;

    /// The recommendation for the member at `member`, or `None` where the known readings do not
    /// allow one: nothing is scaled in then. It is asked only for members whose target was
    /// found and is not switched off, and may recommend what lies beyond the bounds, which are kept by others.
    ///
    /// What a policy needs to know at the next decision it keeps in `memory`, in a type of its own:
    /// `memory.entry(&view.members[member].target).of::<Trend>()`.
    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation>;

    /// The recommendations for all members, in the plan's order. A policy that looks at the group as a whole
    /// finds them all at once here.
    fn recommend_all(&self, view: &View<'_>, memory: &mut PolicyMemories) -> Vec<Option<Recommendation>> {
        let is_asked = |member: &usize| view.scale(*member).is_some() && !view.is_disabled(*member);
        let recommend =
            |member| Some(member).filter(is_asked).and_then(|member| self.recommend(view, member, memory));
        (0..view.members.len()).map(recommend).collect()
    }

    /// The recommendations, and, of a policy that goes by the activity of triggers, what these came to, what is published of
    /// them and what they switch on and off.
    fn recommend_and_report(
        &self,
        view: &View<'_>,
        memory: &mut PolicyMemories,
    ) -> (Vec<Option<Recommendation>>, Report) {
        (self.recommend_all(view, memory), Report::default())
    }

    /// The metrics that it has no use for and why, where it judges the readings by itself; `None`: those without a
    /// value. Nothing is scaled in for any of them.
    fn absences(&self, view: &View<'_>) -> Option<Vec<AbsentMetric>> {
        let _ = view;
        None
    }

    /// The values with which it compares the metric at `metric`, where that has no target of its own.
    fn levels(&self, metric: usize) -> Vec<Level> {
        let _ = metric;
        Vec::new()
    }

    /// Whether it recommends nothing while a target is outside of its bounds, so that the bound is all that is asked
    /// for, as by the HPA controller.
    fn waits_for_bounds(&self) -> bool {
        false
    }

    /// Time between two polls after `decision`, where that is shorter than the plan's interval; `None`: the plan's.
    fn pace(&self, decision: &Decision) -> Option<Duration> {
        let _ = decision;
        None
    }

    /// The shortest time that [`pace`](Self::pace) ever says; `None` where it never says any.
    fn quickest_pace(&self) -> Option<Duration> {
        None
    }

    /// Whether a plan with this `interval` is polled that long after its last poll, as its users expect; not on the grid of
    /// instants at which equal queries share a reading.
    fn counts_from_poll(&self, interval: Duration) -> bool {
        let _ = interval;
        false
    }

    /// Whether it may flap by noise in a metric alone, so that the limits of an HPA are its default. Not where it steps
    /// between two thresholds, or follows no metric.
    fn follows_noise(&self) -> bool {
        true
    }

    /// What keeps it from serving a group of these members with these metrics, as far as the parts are sound by themselves.
    fn problems(&self, members: &[Member], metrics: &[Metric], group: &Group) -> Vec<GroupProblem> {
        let _ = (members, metrics, group);
        Vec::new()
    }

    /// The HPA that is kept for `target`, with what only `memory` knows of it. `None` while that is not known: then what is
    /// there stays as it is.
    fn complete<'a>(&self, hpa: &'a KeptHpa, target: &Target, memory: &Memory) -> Option<Cow<'a, KeptHpa>> {
        let _ = (target, memory);
        Some(Cow::Borrowed(hpa))
    }

    /// Whether the pods that are ready must be known, so that they are counted where the kind of a target does not report
    /// them. `fails` says whether a metric could not be read.
    fn counts_ready_pods(&self, fails: bool) -> bool {
        let _ = fails;
        false
    }

    /// What each member may cost, where the policy says so.
    fn budget(&self) -> Option<Budget> {
        None
    }

    /// Who outside must be asked before each decision, where someone must; the answer is [`View::advice`].
    fn adviser(&self) -> Option<&Adviser> {
        None
    }
}

/// A recommendation and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
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
    /// Makes the policy, or reports all problems of the settings; paths begin with the given one.
    pub compile: Compile,
}

impl PartialEq for PolicyEntry {
    /// By what a manifest can say: how a policy is made cannot be compared.
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.summary, self.serves, self.settings)
            == (other.name, other.summary, other.serves, other.settings)
    }
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

/// The policies of this crate.
pub static POLICIES: PolicyTable = PolicyTable(Cow::Borrowed(&[
    // In the order in which schema, reference and messages name them.
    slo::ENTRY,
    cost::ENTRY,
    linear::ENTRY,
    threshold::ENTRY,
    random::ENTRY,
    proportional::ENTRY,
    bottleneck::ENTRY,
    external::ENTRY,
]));

/// The policies that manifests can name. It is handed in wherever they are compiled, so another crate can add to it.
///
/// Two tables are equal where manifests can name the same policies with the same settings.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyTable(Cow<'static, [PolicyEntry]>);

impl PolicyTable {
    /// With `entry`, behind those that it has; in place of one of the same name.
    pub fn with(mut self, entry: PolicyEntry) -> Self {
        let entries = self.0.to_mut();
        entries.retain(|known| known.name != entry.name);
        entries.push(entry);
        self
    }

    /// Every policy, in the order in which schema, reference and messages name them.
    pub fn entries(&self) -> &[PolicyEntry] {
        &self.0
    }

    /// The policies that serve such plans, in order.
    pub fn serving(&self, plans: Serves) -> impl Iterator<Item = &PolicyEntry> {
        self.0.iter().filter(move |entry| entry.serves == plans)
    }

    /// Makes the policy called `name` from `config`, which stands at `path` in the manifest.
    ///
    /// # Errors
    /// All problems of the settings, or one that lists the known policies.
    pub fn compile(&self, name: &str, config: &Value, path: &str) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        match self.0.iter().find(|entry| entry.name == name) {
            Some(entry) => (entry.compile)(config, path),
            None => {
                let known = self.0.iter().map(|entry| entry.name);
                Err(vec![Problem::new(path, Fault::unsupported(format_args!("{name:?}"), known))])
            }
        }
    }
}

/// What policies remember, for each member by its target.
pub type PolicyMemories = ByTarget<PolicyMemory>;

/// Reads the settings of `entry` into `T`, once each has been held against its row in the table.
///
/// # Errors
/// All problems of the settings, each with a path that begins with `path`.
pub fn settings<T: serde::de::DeserializeOwned>(
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
