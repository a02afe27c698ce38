//! The tuner: the cheapest settings of a rule that keep an SLO, found on the first part of the history and proven
//! on the rest.
//!
//! ```text
//!  manifest ─▶ knobs ─▶ candidates ─▶ replay of the first part ─▶ Pareto front ─▶ replay of all ─▶ verdict
//!                           ▲______________ the best, changed a little ______│
//! ```
//!
//! Everything is drawn from one seed, and each candidate is drawn by its number, so a search comes out the same with
//! any number of threads.

mod knobs;
mod search;

pub use knobs::{Knob, knobs};
pub use search::{Candidate, Search, SearchError, SearchOptions, Searched, Standing};
