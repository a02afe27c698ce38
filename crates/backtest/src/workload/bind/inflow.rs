//! Where the demand of members comes in: by which column of the load, and in which unit.

use super::Binder;
use crate::workload::spec::LoadKind;
use crate::workload::world::{Inflow, InflowKind, Signal, SignalKind};

impl Binder<'_> {
    /// The demand that comes in from outside at a member.
    pub(super) fn inflow(
        &mut self,
        member: usize,
        own: &Option<String>,
        signals: &[Option<Signal>],
    ) -> Vec<Inflow> {
        let spec = self.spec;
        let rate = |column| Inflow { column, scale: spec.load.scale.unwrap_or(1.0), kind: InflowKind::Rate };
        if let Some(column) = own {
            let name = self.plan.members[member].role.name.clone();
            return self.named(column, &format!("members.{name}.load")).map(rate).into_iter().collect();
        }
        if self.is_called(member) {
            return Vec::new();
        }
        let plan = self.plan;
        let measured = (0..plan.metrics.len()).find_map(|index| match signals[index]?.kind {
            SignalKind::Column(column) => {
                let here = plan.metrics[index].member.unwrap_or_else(|| self.entry()) == member;
                (here || plan.group.is_none()).then_some(column)
            }
            _ => None,
        });
        let column = match (&spec.load.column, measured) {
            (Some(column), _) if member == self.entry() => self.named(column, "load.column"),
            (_, Some(column)) => Some(column),
            _ => self.only_column(member),
        };
        let Some(column) = column else { return Vec::new() };
        let kind = match spec.load.kind {
            LoadKind::Rate => return vec![rate(column)],
            LoadKind::Utilization => InflowKind::Utilization,
            LoadKind::Latency => InflowKind::Latency,
        };
        let Some(replicas) = &spec.load.replicas else {
            self.require(
                "load.replicas",
                "utilization and latency depend on the replicas at that time; name the column with their \
                 number, so that demand can be computed",
            );
            return Vec::new();
        };
        let replicas = self.named(&replicas.clone(), "load.replicas");
        let of = |replicas| Inflow { column, scale: spec.load.scale.unwrap_or(1.0), kind: kind(replicas) };
        replicas.map(of).into_iter().collect()
    }

    fn only_column(&mut self, member: usize) -> Option<usize> {
        if let [only] = self.columns {
            return Some(self.place(&only.clone()));
        }
        let has_entry = self.plan.group.as_ref().is_some_and(|group| group.graph.entries().count() > 1);
        let path = if has_entry {
            format!("members.{}.load", self.plan.members[member].role.name)
        } else {
            "load.column".to_owned()
        };
        let known = self.columns.join(", ");
        self.require(path, format!("set the column of the load; there are {known}"));
        None
    }
}
