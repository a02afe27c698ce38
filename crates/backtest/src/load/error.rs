//! What can be wrong with a load, and where.

use std::io;

/// Why a load cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is not text that a CSV reader takes.
    #[error("{}{message}", at_line(*.line))]
    Malformed {
        /// The line, counted from 1; 0 where it is not known.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// It is UTF-16.
    #[error("is written in UTF-16; save it as UTF-8")]
    Utf16,
    /// There is nothing in it.
    #[error("has no values")]
    Empty,
    /// There is one moment only.
    #[error("has only one value; a backtest needs at least two")]
    OneValue,
    /// A value is no number.
    #[error("line {line}, column {column}: {text:?} is not a number")]
    NotANumber {
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What stands there.
        text: String,
    },
    /// A time is none.
    #[error(
        "line {line}, column {column}: {text:?} is not a time; use 2026-11-29T19:10:00Z, 2026-11-29 19:10:00, or \
         seconds or milliseconds since 1970"
    )]
    NotATime {
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What stands there.
        text: String,
    },
    /// A local time does not exist, as the clocks were put forward.
    #[error(
        "line {line}, column {column}: {text:?} does not exist in {zone}: the clocks were put forward then"
    )]
    NoSuchTime {
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What stands there.
        text: String,
        /// The time zone.
        zone: String,
    },
    /// Local times without their zone go back by an hour.
    #[error(
        "line {line}, column {column}: the time goes back by an hour at {text:?}: these are local times over a change \
         of clocks; name their zone with --time-zone, for example Europe/Berlin"
    )]
    ClocksChanged {
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What stands there.
        text: String,
    },
    /// A row has fewer fields than are needed.
    #[error("line {line}: {found} fields, and column {column} is field {wanted}")]
    ShortRow {
        /// The line, counted from 1.
        line: u64,
        /// Fields found.
        found: usize,
        /// The field that is missing, counted from 1.
        wanted: usize,
        /// The column's name.
        column: String,
    },
    /// A column does not exist.
    #[error("has no column {column:?}; its columns: {}", .known.join(", "))]
    NoColumn {
        /// What was asked for.
        column: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// There is a time and nothing else.
    #[error("has no column of values besides the time")]
    NoValues,
    /// The step that was asked for is none.
    #[error("the step must be at least a millisecond")]
    NoStep,
    /// The values span more cells than a replay goes through.
    #[error(
        "spans {cells} steps of {step_seconds} s, more than {most}: are its times right? A longer --step \
         helps"
    )]
    TooLong {
        /// Cells that it would make.
        cells: i64,
        /// Seconds in one.
        step_seconds: f64,
        /// The maximum.
        most: i64,
    },
}

fn at_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!("line {line}: ") }
}
