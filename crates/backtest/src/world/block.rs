//! A stretch of the load that all runs go through before the next one is read.

use engine::Time;

use crate::workload::Workload;

/// Some cells of the load, and what they ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Block {
    columns: usize,
    members: usize,
    at: Vec<Time>,
    /// What is known of each column.
    values: Vec<Option<f64>>,
    /// The load, for people: what comes in from outside in all.
    load: Vec<f64>,
    /// Demand from outside at each member.
    demand: Vec<f64>,
    /// Replicas of each member that keep the SLO.
    needed: Vec<u32>,
    /// Their maximum until those that start now are ready.
    ahead: Vec<u32>,
}

/// One cell, as contenders may see it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeenCell<'a> {
    /// Its begin.
    pub(crate) at: Time,
    /// What is known of each column.
    pub(crate) values: &'a [Option<f64>],
    /// Replicas of each member that keep the SLO: for perfect knowledge only.
    pub(crate) needed: &'a [u32],
    /// Their maximum until those that start now are ready: for perfect knowledge only.
    pub(crate) ahead: &'a [u32],
}

/// A cell on its way into a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Prepared {
    at: Time,
    values: Vec<Option<f64>>,
    demand: Vec<f64>,
    needed: Vec<u32>,
}

impl Prepared {
    /// What the values of a cell ask for; `held` has the last known value where there is none.
    pub(crate) fn new(at: Time, values: &[Option<f64>], held: &[f64], workload: &Workload) -> Self {
        let members = workload.members.len();
        let demand: Vec<f64> = (0..members).map(|member| workload.demand(member, held)).collect();
        let mut offered = demand.clone();
        for &member in &workload.order {
            for (caller, calls) in &workload.members[member].calls {
                offered[member] += offered[*caller] * calls;
            }
        }
        let needed = (0..members).map(|member| workload.needed(member, offered[member])).collect();
        Self { at, values: values.to_vec(), demand, needed }
    }

    pub(crate) fn needed(&self) -> &[u32] {
        &self.needed
    }
}

impl Block {
    pub(crate) fn new(members: usize) -> Self {
        Self { members, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        self.at.clear();
        self.values.clear();
        self.load.clear();
        self.demand.clear();
        self.needed.clear();
        self.ahead.clear();
    }

    pub(crate) fn push(&mut self, cell: &Prepared, ahead: impl Iterator<Item = u32>) {
        self.columns = cell.values.len();
        self.at.push(cell.at);
        self.values.extend_from_slice(&cell.values);
        self.load.push(cell.demand.iter().sum());
        self.demand.extend_from_slice(&cell.demand);
        self.needed.extend_from_slice(&cell.needed);
        self.ahead.extend(ahead);
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    pub(crate) fn at(&self, cell: usize) -> Time {
        self.at[cell]
    }

    pub(crate) fn load(&self, cell: usize) -> f64 {
        self.load[cell]
    }

    pub(crate) fn demand(&self, cell: usize) -> &[f64] {
        &self.demand[cell * self.members..(cell + 1) * self.members]
    }

    pub(crate) fn needed(&self, cell: usize) -> &[u32] {
        &self.needed[cell * self.members..(cell + 1) * self.members]
    }

    pub(crate) fn seen(&self, cell: usize) -> SeenCell<'_> {
        SeenCell {
            at: self.at[cell],
            values: &self.values[cell * self.columns..(cell + 1) * self.columns],
            needed: self.needed(cell),
            ahead: &self.ahead[cell * self.members..(cell + 1) * self.members],
        }
    }
}
