//! Recorded load: from a file to cells of one length, with whatever is wrong with it counted.
//!
//! ```text
//!  bytes ─▶ CsvLoad ─▶ samples (time, values) ─▶ Grid ─▶ cells (time, one value a column or none)
//! ```
//!
//! Nothing here holds the history: a file of ten million lines passes through in a few kilobytes.

mod csv_load;
mod error;
mod generate;
mod grid;
mod quality;
mod samples;
mod time_text;

pub use csv_load::{CsvLoad, ReadOptions};
pub use error::LoadError;
pub use generate::{Shape, generate};
pub use grid::{Cell, Grid};
pub use quality::Quality;
pub use samples::{Recorded, Samples};
pub use time_text::zone;
