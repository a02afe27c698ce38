//! `static:N`: the same replicas for ever, which anything that scales must beat.

use engine::Time;

use super::{Contender, Order, Seen};

/// Always the same replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed;

impl Contender for Fixed {
    fn due(&self) -> Time {
        Time::from_millis(i64::MAX)
    }

    fn look(&mut self, _: &Seen<'_>, _: &mut Vec<Order>) {}
}
