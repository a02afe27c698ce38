//! Demand along a call graph: what each member of a group has to bear, and what it needs for that.
//!
//! A member's demand is what is measured at it or what its callers send it, whichever is more:
//!
//! ```text
//!  demand(m) = max( metrics of m,  Σ over callers c of demand(c) × callsPerCall(c→m) )
//!  need(m)   = ceil( demand(m) / (capacity(m) × utilization) )
//!  load(m)   = demand(m) / (serving replicas of m × capacity(m))
//! ```
//!
//! - A metric without a member is measured at the only entry, the member that no other calls.
//! - Capacity is the member's own, or else the target of its first metric that has one. Where several metrics
//!   of such a member have targets, their values are brought to the unit of the first, by their targets.
//! - A member whose capacity is unknown keeps to the weights:
//!   `need(m) = ceil( max over callers c of need(c) / weight(c) × weight(m) )`.
//! - A member hands on its demand whether or not its target was found, and however few of its
//!   replicas serve: a member that cannot keep up must not hide what awaits those below it.
//! - What rests on an absent reading is a lower bound: enough to scale out by, and no figure to show.
//!
//! Apart from the policy because status, rewards and benches show the same figures.

use crate::basis::{Basis, DemandShare};
use crate::number::ceil_of_quotient;
use crate::{CallGraph, Edge, View};

/// What a member needs for its demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Replicas; bounds and budget are not looked at.
    pub replicas: u32,
    /// Whether all readings that it rests on are known. Otherwise it is the minimum that may be needed.
    pub is_whole: bool,
    /// What it rests on.
    pub basis: Basis,
}

/// The demand of each member, in the unit of its metric or of its callers' calls. `None` where
/// nothing reports it, and where it rests on an absent reading.
pub fn demands(view: &View<'_>) -> Vec<Option<f64>> {
    flows(view).iter().map(Flow::whole).collect()
}

/// The share of what each member's serving replicas can bear that its demand takes: 1 is full, more is too
/// much. `None` where demand or capacity is not known, and while no replica serves.
pub fn loads(view: &View<'_>) -> Vec<Option<f64>> {
    let demands = demands(view);
    (0..view.members.len())
        .map(|member| {
            let serving = view.scale(member)?.serving();
            let handled = f64::from(serving) * capacity(view, member)?;
            demands[member].filter(|_| serving > 0).map(|demand| demand / handled)
        })
        .collect()
}

/// The place of the member with the highest load: what slows the group down. A member with demand of
/// which no replica serves comes before all others; the first of equals is taken. `None` where no
/// member is known to have a load. A member that is switched off is none.
pub fn bottleneck(view: &View<'_>) -> Option<usize> {
    let (demands, loads) = (demands(view), loads(view));
    let load = |member: usize| match loads[member] {
        None if view.scale(member)?.serving() == 0 => {
            demands[member].filter(|demand| *demand > 0.0).map(|_| f64::INFINITY)
        }
        load => load,
    };
    let working = (0..view.members.len()).filter(|member| !view.is_disabled(*member));
    let loaded = working.filter_map(|member| Some((member, load(member)?)));
    let loaded = loaded.filter(|(_, load)| *load > 0.0);
    loaded.reduce(|most, next| if next.1 > most.1 { next } else { most }).map(|(member, _)| member)
}

/// What each member needs where a replica is to run at `utilization`, above 0 and at most 1, of its
/// capacity; at 1 they can just handle the demand. `None` where nothing reports it.
pub fn needs(view: &View<'_>, utilization: f64) -> Vec<Option<Need>> {
    let flows = flows(view);
    let mut needs: Vec<Option<Need>> = vec![None; view.members.len()];
    for member in order(view) {
        needs[member] = match capacity(view, member) {
            Some(capacity) => need_by_capacity(view, &flows[member], capacity, utilization),
            None => need_by_weights(view, &flows, &needs, member),
        };
    }
    needs
}

/// The demand that one replica of the member at `member` can handle: its own, or the target of its first metric that has one.
pub fn capacity(view: &View<'_>, member: usize) -> Option<f64> {
    let own = view.members.get(member)?.role.capacity;
    own.or_else(|| {
        metrics_of(view, member).find_map(|metric| view.metrics[metric].target).map(|target| target.value())
    })
}

/// The only member that no other calls, where there is one only: what is measured of the whole is measured there.
pub fn only_entry(view: &View<'_>) -> Option<usize> {
    let mut entries = entries(view);
    entries.next().filter(|_| entries.next().is_none())
}

/// The members that no other calls, in the plan's order.
pub(crate) fn entries(view: &View<'_>) -> impl Iterator<Item = usize> {
    (0..view.members.len()).filter(|&member| calls_to(view, member).next().is_none())
}

/// The places of the metrics that are measured at the member at `member`.
pub(crate) fn metrics_of(view: &View<'_>, member: usize) -> impl Iterator<Item = usize> {
    // Most members are no entries, so most questions end with the first look.
    let is_entry = calls_to(view, member).next().is_none() && only_entry(view) == Some(member);
    let is_here = move |measured: Option<usize>| measured.map_or(is_entry, |measured| measured == member);
    view.metrics.iter().enumerate().filter(move |(_, metric)| is_here(metric.member)).map(|(index, _)| index)
}

fn graph<'a>(view: &View<'a>) -> Option<&'a CallGraph> {
    view.group.map(|group| &group.graph)
}

fn calls_to<'a>(view: &View<'a>, member: usize) -> impl Iterator<Item = &'a Edge> + use<'a> {
    graph(view).into_iter().flat_map(move |graph| graph.calls_to(member))
}

/// The places of all members, callers first. A graph that was made over fewer has no calls to the others.
fn order(view: &View<'_>) -> impl Iterator<Item = usize> {
    let ordered = graph(view).map(CallGraph::order).unwrap_or_default();
    ordered.iter().copied().chain(ordered.len()..view.members.len())
}

/// What is known of a member's demand.
#[derive(Clone, Debug, Default)]
struct Flow {
    /// The demand and where it comes from, as far as it is known.
    known: Option<(f64, Vec<Part>)>,
    /// Whether there may be more, as a reading is absent.
    is_partial: bool,
}

/// A part of a demand.
#[derive(Clone, Copy, Debug)]
struct Part {
    measured: Place,
    value: f64,
    calls: f64,
}

/// Where a part is measured: at the member itself, by a metric, or at one that calls it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Metric(usize),
    Member(usize),
}

impl Flow {
    fn demand(&self) -> Option<f64> {
        self.known.as_ref().map(|(demand, _)| *demand)
    }

    fn whole(&self) -> Option<f64> {
        self.demand().filter(|_| !self.is_partial)
    }
}

fn flows(view: &View<'_>) -> Vec<Flow> {
    let mut flows = vec![Flow::default(); view.members.len()];
    for member in order(view) {
        let (measured, carried) = (measured(view, member), carried(view, member, &flows));
        let is_partial = measured.is_partial || carried.is_partial;
        let is_more = carried.demand() > measured.demand();
        flows[member] = Flow { known: if is_more { carried.known } else { measured.known }, is_partial };
    }
    flows
}

/// The maximum that the member's own metrics report.
fn measured(view: &View<'_>, member: usize) -> Flow {
    let own = view.members[member].role.capacity;
    let mut flow = Flow::default();
    let mut unit = None;
    for metric in metrics_of(view, member) {
        let target = view.metrics[metric].target.filter(|_| own.is_none()).map(|target| target.value());
        unit = unit.or(target);
        let Some(value) = view.value(metric) else {
            flow.is_partial = true;
            continue;
        };
        let calls = unit.zip(target).map_or(1.0, |(unit, target)| unit / target);
        let demand = (value * calls).max(0.0);
        if flow.demand().is_none_or(|known| demand > known) {
            flow.known = Some((demand, vec![Part { measured: Place::Metric(metric), value, calls }]));
        }
    }
    flow
}

/// What the member's callers send it.
fn carried(view: &View<'_>, member: usize, flows: &[Flow]) -> Flow {
    let mut flow = Flow::default();
    for edge in calls_to(view, member) {
        let caller = &flows[edge.from];
        flow.is_partial |= caller.is_partial;
        let Some((demand, parts)) = &caller.known else { continue };
        let (sum, sent) = flow.known.get_or_insert_default();
        *sum += demand * edge.calls_per_call;
        for part in parts {
            let (measured, value, calls) = match part.measured {
                Place::Metric(_) => (Place::Member(edge.from), *demand, 1.0),
                Place::Member(_) => (part.measured, part.value, part.calls),
            };
            let calls = calls * edge.calls_per_call;
            match sent.iter_mut().find(|known| known.measured == measured) {
                Some(known) => known.calls += calls,
                None => sent.push(Part { measured, value, calls }),
            }
        }
    }
    flow
}

fn need_by_capacity(view: &View<'_>, flow: &Flow, capacity: f64, utilization: f64) -> Option<Need> {
    let (demand, parts) = flow.known.as_ref()?;
    let share = |part: &Part| {
        let name = match part.measured {
            Place::Metric(metric) => &view.metrics[metric].name,
            Place::Member(member) => &view.members[member].role.name,
        };
        DemandShare { name: name.clone(), value: part.value, calls: part.calls }
    };
    let shares = parts.iter().map(share).collect();
    Some(Need {
        replicas: ceil_of_quotient(*demand, capacity * utilization),
        is_whole: !flow.is_partial,
        basis: Basis::Demand { shares, demand: *demand, capacity, utilization },
    })
}

fn need_by_weights(view: &View<'_>, flows: &[Flow], needs: &[Option<Need>], member: usize) -> Option<Need> {
    let weight = |member: usize| view.members[member].role.weight;
    let callers = || calls_to(view, member).filter_map(|edge| Some((edge.from, needs[edge.from].as_ref()?)));
    let (caller, most) = callers().reduce(|most, next| {
        let share = |(caller, need): (usize, &Need)| f64::from(need.replicas) / weight(caller);
        if share(next) > share(most) { next } else { most }
    })?;
    let (need, caller_weight, weight) = (most.replicas, weight(caller), weight(member));
    Some(Need {
        replicas: ceil_of_quotient(f64::from(need) * weight, caller_weight),
        is_whole: !calls_to(view, member).any(|edge| flows[edge.from].is_partial),
        basis: Basis::Weights { caller: view.members[caller].role.name.clone(), need, caller_weight, weight },
    })
}

#[cfg(test)]
mod tests;
