//! `bottleneck`: every member of a group gets what its demand needs, in one decision.
//!
//! Demand is carried along the call graph by [`coordination`], so a rise at the entry reaches those
//! below in the same action, and not one interval after another as each of them becomes the bottleneck.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, View, settings,
};
use crate::coordination::{self, capacity, entries, metrics_of, only_entry};
use crate::{Group, GroupProblem, Member, Metric};

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "bottleneck",
    summary: "The replicas that each member needs for its demand, with the demand at the entry propagated \
              along the call graph.",
    serves: Serves::Group,
    settings: &[Setting {
        name: "utilization",
        type_: SettingType::Share,
        required: false,
        help: "The share of its capacity that a replica is to use; a lower share leaves headroom until new \
               replicas are ready. Default 1.",
    }],
    compile: |config, path| {
        let Config { utilization } = settings(&ENTRY, config, path)?;
        Ok(Arc::new(Bottleneck { utilization }) as Arc<dyn Policy>)
    },
};

/// What each member needs for its demand, at some utilization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bottleneck {
    utilization: f64,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default = "full")]
    utilization: f64,
}

fn full() -> f64 {
    1.0
}

impl Default for Bottleneck {
    fn default() -> Self {
        Self { utilization: full() }
    }
}

impl Bottleneck {
    /// With replicas that run at `utilization` of their capacity; `None` unless it is above 0 and at most 1.
    pub fn new(utilization: f64) -> Option<Self> {
        (utilization > 0.0 && utilization <= 1.0).then_some(Self { utilization })
    }
}

impl Policy for Bottleneck {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        self.recommend_all(view, memory).into_iter().nth(member).flatten()
    }

    // A need that is not whole is a recommendation, too: decide lets it scale out, and never in.
    fn recommend_all(&self, view: &View<'_>, _: &mut PolicyMemories) -> Vec<Option<Recommendation>> {
        let needs = coordination::needs(view, self.utilization).into_iter();
        let recommend = |need: coordination::Need| Recommendation {
            policy: ENTRY.name,
            replicas: need.replicas,
            basis: need.basis,
        };
        needs.map(|need| need.map(recommend)).collect()
    }

    fn problems(&self, members: &[Member], metrics: &[Metric], group: &Group) -> Vec<GroupProblem> {
        let view = View { members, metrics, group: Some(group), ..View::default() };
        if metrics.is_empty() {
            return vec![GroupProblem::NoMetric];
        }
        let mut problems = Vec::new();
        if only_entry(&view).is_none() {
            let names: Vec<String> = entries(&view).map(|member| members[member].role.name.clone()).collect();
            let homeless = (0..metrics.len()).filter(|&metric| metrics[metric].member.is_none());
            problems.extend(homeless.map(|metric| GroupProblem::NoMember { metric, entries: names.clone() }));
        }
        // An entry without metrics has no demand that could ask for replicas.
        let is_measured = |member: &usize| metrics_of(&view, *member).next().is_some();
        let unable = entries(&view).filter(is_measured).filter(|&member| capacity(&view, member).is_none());
        problems.extend(unable.map(|member| GroupProblem::NoCapacity { member }));
        problems
    }
}

#[cfg(test)]
mod tests;
