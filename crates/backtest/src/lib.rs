//! Backtests: recorded load through the very engine that runs in production.
//!
//! ```text
//!  load ──▶ Grid ──┐
//!  workload.yaml ──┼─▶ replay ─▶ Scores, Timeline, decisions ─▶ report, gate, tuner
//!  manifests ──────┘   (engine)
//! ```
//!
//! [`load`] turns a file into cells of one length. [`workload`] says what a replica bears and how soon it starts.
//! [`replay`] lets every [`contender`] decide in a world of its own, [`scores`] say what came of it, and [`report`]
//! shows it. Whether a change may be merged is for [`gate`] to say, and what would be better for [`tune`].
//!
//! The crate is pure: it knows no clock, no network and no async, so that the same arguments give the same bits.

pub mod contender;
pub mod gate;
pub mod load;
mod manifest;
mod random;
pub mod replay;
pub mod report;
mod scaled_object;
pub mod scores;
#[cfg(test)]
mod testing;
pub mod tune;
pub mod workload;
mod world;

pub use manifest::Manifest;
pub use scaled_object::KedaLoop;
