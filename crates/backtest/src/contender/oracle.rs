//! `oracle`: perfect knowledge of the load to come, the best that any rule could do.
//!
//! It asks for replicas so early that they are ready when they are needed, and removes those that are not at once. It
//! keeps to the bounds. Where start-up times are drawn it takes the time that 19 of 20 stay below.

use std::time::Duration;

use engine::{Bounds, Time};

use super::{Contender, Order, Seen};
use crate::workload::Workload;

/// Perfect knowledge.
#[derive(Clone, Debug)]
pub struct Oracle {
    bounds: Vec<Bounds>,
    /// From one cell of the load to the next.
    step: Duration,
    /// What replicas take to be ready.
    startup: Duration,
    due: Time,
}

impl Oracle {
    /// For the world of `workload`, from `start` on, with a value of the load every `step`.
    pub fn new(workload: &Workload, step: Duration, start: Time) -> Self {
        let bounds = workload.members.iter().map(|service| service.bounds).collect();
        Self { bounds, step, startup: workload.usual_startup(), due: start }
    }
}

impl Contender for Oracle {
    fn due(&self) -> Time {
        self.due
    }

    fn look(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>) {
        let (begin, needed, ahead) = seen.truth();
        let end = begin.plus(self.step);
        // Within a cell that is longer than starting takes, what comes next may wait until just in time.
        let in_time = end.minus(self.startup).max(begin);
        let wanted = if seen.now() < in_time { needed } else { ahead };
        self.due = if seen.now() < in_time { in_time } else { end };
        for (member, (bounds, wanted)) in self.bounds.iter().zip(wanted).enumerate() {
            let (from, to) = (seen.scale(member).replicas, bounds.clamp(*wanted));
            if from != to {
                let why = || vec![format!("oracle {from}→{to} (perfect knowledge)")];
                orders.push(Order { member, to, steps: if seen.explains() { why() } else { Vec::new() } });
            }
        }
    }
}
