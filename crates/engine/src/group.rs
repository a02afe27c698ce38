//! What makes several members one group: who calls whom, and the budget that they share.

use crate::GroupBudget;

/// What holds the members of a plan together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Who calls whom.
    pub graph: CallGraph,
    /// Limits for all members together.
    pub budget: Option<GroupBudget>,
}

/// A call from one member to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Place of the caller in the plan.
    pub from: usize,
    /// Place of the member that is called.
    pub to: usize,
    /// How often, for each call that the caller gets; finite and above 0.
    pub calls_per_call: f64,
}

/// Who calls whom: a directed graph without cycles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallGraph {
    edges: Vec<Edge>,
    /// Places of the members, each caller before those that it calls.
    order: Vec<usize>,
}

impl CallGraph {
    /// The graph of `edges` over so many members.
    ///
    /// # Errors
    /// The places of the members on one cycle, in the order of the calls, where there is one.
    ///
    /// # Panics
    /// Where an edge names a place that is none.
    pub fn new(members: usize, edges: Vec<Edge>) -> Result<Self, Vec<usize>> {
        let mut callers = vec![0_usize; members];
        for edge in &edges {
            callers[edge.to] += 1;
        }
        let mut order: Vec<usize> = (0..members).filter(|&member| callers[member] == 0).collect();
        let mut done = 0;
        while let Some(&member) = order.get(done) {
            done += 1;
            for edge in edges.iter().filter(|edge| edge.from == member) {
                callers[edge.to] -= 1;
                if callers[edge.to] == 0 {
                    order.push(edge.to);
                }
            }
        }
        if order.len() == members { Ok(Self { edges, order }) } else { Err(cycle(&edges, &callers)) }
    }

    /// Who calls whom.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Places of the members, each caller before those that it calls.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The calls that the member at `member` gets.
    pub fn calls_to(&self, member: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == member)
    }

    /// Places of the members that no other calls: where demand comes in.
    pub fn entries(&self) -> impl Iterator<Item = usize> {
        self.order.iter().copied().filter(|&member| self.calls_to(member).next().is_none())
    }
}

/// One cycle among the members that still have callers.
fn cycle(edges: &[Edge], callers: &[usize]) -> Vec<usize> {
    let Some(mut member) = callers.iter().position(|&count| count > 0) else { return Vec::new() };
    let mut path = Vec::new();
    // Everyone who is left has a caller who is left, so walking upwards must come round.
    while !path.contains(&member) {
        path.push(member);
        let caller = edges.iter().find(|edge| edge.to == member && callers[edge.from] > 0);
        member = caller.map_or(member, |edge| edge.from);
    }
    let begin = path.iter().position(|&found| found == member).unwrap_or_default();
    let mut cycle = path.split_off(begin);
    cycle.reverse();
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(members: usize, calls: &[(usize, usize)]) -> Result<CallGraph, Vec<usize>> {
        let edges = calls.iter().map(|&(from, to)| Edge { from, to, calls_per_call: 1.0 }).collect();
        CallGraph::new(members, edges)
    }

    #[test]
    fn callers_come_before_those_they_call() {
        let shop = graph(5, &[(3, 4), (0, 3), (1, 3), (0, 1)]).unwrap();
        let place = |member: usize| shop.order().iter().position(|&found| found == member).unwrap();
        assert!(shop.edges().iter().all(|edge| place(edge.from) < place(edge.to)));
        assert_eq!(shop.entries().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(shop.calls_to(3).count(), 2);
    }

    #[test]
    fn a_cycle_is_named_in_the_order_of_the_calls() {
        let found = graph(5, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)]).unwrap_err();
        assert_eq!(found.len(), 3, "{found:?}");
        for (index, member) in found.iter().enumerate() {
            let next = found[(index + 1) % 3];
            assert!([(1, 2), (2, 3), (3, 1)].contains(&(*member, next)), "{found:?}");
        }
        assert_eq!(graph(1, &[(0, 0)]).unwrap_err(), [0]);
    }
}
