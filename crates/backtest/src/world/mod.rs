//! The world of one contender at a moment: its members with their replicas and queues, and the load that they are under.

mod block;
mod member;
mod pods;

pub(crate) use block::{Block, Prepared, SeenCell};
pub(crate) use member::Member;
