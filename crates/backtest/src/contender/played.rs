//! `recorded`: what was decided in production then, played again.

use engine::Time;

use super::{Contender, Order, Seen};

/// Decisions that were made, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Played {
    decisions: Vec<Made>,
    next: usize,
}

/// A decision that was made.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    at: Time,
    member: usize,
    from: u32,
    to: u32,
    steps: Vec<String>,
}

impl Played {
    /// Decisions as time, place of the member, replicas before and after, and steps; in any order.
    pub fn new(decisions: impl IntoIterator<Item = (Time, usize, u32, u32, Vec<String>)>) -> Self {
        let made =
            decisions.into_iter().map(|(at, member, from, to, steps)| Made { at, member, from, to, steps });
        let mut decisions: Vec<Made> = made.collect();
        decisions.sort_by_key(|made| made.at);
        Self { decisions, next: 0 }
    }

    /// The replicas of so many members before the first decision.
    pub fn first_replicas(&self, members: usize) -> Vec<u32> {
        let first = |member: usize| self.decisions.iter().find(|made| made.member == member);
        (0..members).map(|member| first(member).map_or(0, |made| made.from)).collect()
    }
}

impl Contender for Played {
    fn due(&self) -> Time {
        self.decisions.get(self.next).map_or(Time::from_millis(i64::MAX), |made| made.at)
    }

    fn look(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>) {
        while let Some(made) = self.decisions.get(self.next).filter(|made| made.at <= seen.now()) {
            self.next += 1;
            let steps = if seen.explains() { made.steps.clone() } else { Vec::new() };
            orders.push(Order { member: made.member, to: made.to, steps });
        }
    }
}
