//! Where values come from, one moment after the other.

use engine::Time;

use super::LoadError;

/// A sequence of moments, each with one value a column.
pub trait Samples: Send {
    /// Puts the values of the next moment into `values`, one a column, NaN where there is none. `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the load, and where.
    fn next(&mut self, values: &mut Vec<f64>) -> Result<Option<Time>, LoadError>;
}

/// Samples that are in memory already, such as those that a server answered with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    columns: usize,
    times: Vec<Time>,
    values: Vec<f64>,
    next: usize,
}

impl Recorded {
    /// No samples yet, with so many columns.
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds a moment. Values beyond the columns are left out, missing ones are NaN.
    pub fn push(&mut self, at: Time, values: &[f64]) {
        self.times.push(at);
        self.values.extend((0..self.columns).map(|column| values.get(column).copied().unwrap_or(f64::NAN)));
    }

    /// How many moments there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

impl Samples for Recorded {
    fn next(&mut self, values: &mut Vec<f64>) -> Result<Option<Time>, LoadError> {
        let Some(&at) = self.times.get(self.next) else { return Ok(None) };
        let begin = self.next * self.columns;
        values.clear();
        values.extend_from_slice(&self.values[begin..begin + self.columns]);
        self.next += 1;
        Ok(Some(at))
    }
}
