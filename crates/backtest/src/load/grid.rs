//! From samples as they come to cells of one length.
//!
//! A sample counts until the next one, or for twice the usual time between two of them where none comes; what is longer
//! is a gap. Samples within
//! one cell are averaged, so a load that is finer than the step loses nothing of its sum.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Time;

use super::{LoadError, Quality, Samples};

/// So many samples are held back to put those in order that came late, and to find the step.
const WINDOW: usize = 512;
/// A time that is wrong by years would make cells for ever.
const MOST_CELLS: i64 = 50_000_000;

/// The load from one instant until a step later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Its begin.
    pub at: Time,
    /// What is known of each column.
    pub values: Vec<Option<f64>>,
    /// The last that was known of each column; 0 before the first.
    pub held: Vec<f64>,
}

/// One moment as it was read.
#[derive(Debug, Default)]
struct Sample {
    at: i64,
    values: Vec<f64>,
}

/// Cells of one length, made of samples.
pub struct Grid<S> {
    samples: S,
    /// Read and not used, in order.
    waiting: VecDeque<Sample>,
    spare: Vec<Sample>,
    is_over: bool,
    step: i64,
    /// How long a sample counts where no other comes.
    hold: i64,
    next: i64,
    /// Samples up to here have been used.
    used: i64,
    /// When the last sample of each column was.
    last: Vec<Option<i64>>,
    sums: Vec<(f64, u32)>,
    cell: Cell,
    in_gap: bool,
    first_value: Option<f64>,
    quality: Quality,
}

impl<S: Samples> Grid<S> {
    /// Reads the first samples. Without a `step` it is the usual time between two of them.
    ///
    /// # Errors
    /// Where the load cannot be read or has fewer than two moments.
    pub fn open(samples: S, step: Option<Duration>) -> Result<Self, LoadError> {
        let mut grid = Self {
            samples,
            waiting: VecDeque::new(),
            spare: Vec::new(),
            is_over: false,
            step: step.map_or(0, |step| step.as_millis() as i64),
            hold: 0,
            next: 0,
            used: i64::MIN,
            last: Vec::new(),
            sums: Vec::new(),
            cell: Cell::default(),
            in_gap: false,
            first_value: None,
            quality: Quality { constant: true, ..Quality::default() },
        };
        if step.is_some() && grid.step == 0 {
            return Err(LoadError::NoStep);
        }
        grid.fill()?;
        let Some(first) = grid.waiting.front() else { return Err(LoadError::Empty) };
        if grid.waiting.len() < 2 {
            return Err(LoadError::OneValue);
        }
        let columns = first.values.len();
        grid.next = first.at;
        let usual = usual_step(&grid.waiting);
        if grid.step == 0 {
            grid.step = usual;
        }
        grid.hold = 2 * grid.step.max(usual);
        grid.last = vec![None; columns];
        grid.sums = vec![(0.0, 0); columns];
        grid.cell.values = vec![None; columns];
        grid.cell.held = vec![0.0; columns];
        grid.quality.step_seconds = grid.step as f64 / 1000.0;
        grid.quality.first = Time::from_millis(grid.next);
        grid.quality.end = grid.quality.first;
        Ok(grid)
    }

    /// From one cell to the next.
    pub fn step(&self) -> Duration {
        Duration::from_millis(self.step as u64)
    }

    /// What was found so far; of the whole load once [`Self::read`] has given `None`.
    pub fn quality(&self) -> &Quality {
        &self.quality
    }

    /// The next cell; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the load, and where.
    pub fn read(&mut self) -> Result<Option<&Cell>, LoadError> {
        self.fill()?;
        let Some(last) = self.waiting.front() else { return Ok(None) };
        self.refuse_endless(last.at)?;
        let (begin, end) = (self.next, self.next + self.step);
        self.sums.fill((0.0, 0));
        while self.waiting.front().is_some_and(|sample| sample.at < end) {
            self.take();
            self.fill()?;
        }
        self.next = end;
        self.close(begin, end);
        Ok(Some(&self.cell))
    }

    /// Makes the cell of what was gathered.
    fn close(&mut self, begin: i64, end: i64) {
        for (column, (sum, count)) in self.sums.iter().enumerate() {
            let is_held = self.last[column].is_some_and(|last| begin - last < self.hold);
            self.cell.values[column] = match *count {
                0 if is_held => Some(self.cell.held[column]),
                0 => None,
                count => Some(sum / f64::from(count)),
            };
            if let Some(value) = self.cell.values[column] {
                self.cell.held[column] = value;
            }
        }
        self.cell.at = Time::from_millis(begin);
        let is_gap = self.cell.values.iter().any(Option::is_none);
        if is_gap {
            self.quality.gaps += u64::from(!self.in_gap);
            self.quality.gap_seconds += self.quality.step_seconds;
        }
        self.in_gap = is_gap;
        self.quality.cells += 1;
        self.quality.end = Time::from_millis(end);
    }

    /// Adds the next sample to the cell.
    fn take(&mut self) {
        let Some(sample) = self.waiting.pop_front() else { return };
        self.used = sample.at;
        for (column, value) in sample.values.iter().enumerate() {
            if !value.is_finite() || *value < 0.0 {
                self.quality.unusable += 1;
                continue;
            }
            self.last[column] = Some(sample.at);
            let (sum, count) = &mut self.sums[column];
            *sum += value;
            *count += 1;
            let first = *self.first_value.get_or_insert(*value);
            self.quality.constant &= first == *value;
        }
        self.spare.push(sample);
    }

    /// Reads until enough samples wait.
    fn fill(&mut self) -> Result<(), LoadError> {
        while !self.is_over && self.waiting.len() < WINDOW {
            let mut sample = self.spare.pop().unwrap_or_default();
            match self.samples.next(&mut sample.values)? {
                None => self.is_over = true,
                Some(at) => {
                    sample.at = at.as_millis();
                    self.quality.samples += 1;
                    self.sort_in(sample);
                }
            }
        }
        Ok(())
    }

    fn sort_in(&mut self, sample: Sample) {
        if sample.at <= self.used {
            let count =
                if sample.at == self.used { &mut self.quality.duplicates } else { &mut self.quality.late };
            *count += 1;
            self.spare.push(sample);
            return;
        }
        match self.waiting.back().map(|last| last.at) {
            Some(last) if sample.at <= last => {
                match self.waiting.binary_search_by_key(&sample.at, |waiting| waiting.at) {
                    Ok(place) => {
                        self.quality.duplicates += 1;
                        self.spare.push(std::mem::replace(&mut self.waiting[place], sample));
                    }
                    Err(place) => {
                        self.quality.disordered += 1;
                        self.waiting.insert(place, sample);
                    }
                }
            }
            _ => self.waiting.push_back(sample),
        }
    }

    fn refuse_endless(&self, at: i64) -> Result<(), LoadError> {
        let cells = (at - self.quality.first.as_millis()) / self.step;
        let step_seconds = self.quality.step_seconds;
        if cells > MOST_CELLS {
            return Err(LoadError::TooLong { cells, step_seconds, most: MOST_CELLS });
        }
        Ok(())
    }
}

/// The median of the times between two moments, in milliseconds; at least one.
fn usual_step(samples: &VecDeque<Sample>) -> i64 {
    let mut steps: Vec<i64> =
        samples.iter().zip(samples.iter().skip(1)).map(|(one, next)| next.at - one.at).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Recorded;

    fn cells(moments: &[(i64, f64)], step: Option<u64>) -> (Vec<Option<f64>>, Quality) {
        let mut samples = Recorded::new(1);
        for (second, value) in moments {
            samples.push(Time::from_seconds(*second), &[*value]);
        }
        let mut grid = Grid::open(samples, step.map(Duration::from_secs)).unwrap();
        let mut values = Vec::new();
        while let Some(cell) = grid.read().unwrap() {
            values.push(cell.values[0]);
        }
        (values, grid.quality().clone())
    }

    #[test]
    fn regular_samples_are_cells() {
        let (values, quality) = cells(&[(0, 1.0), (60, 2.0), (120, 4.0)], None);
        assert_eq!(values, [Some(1.0), Some(2.0), Some(4.0)]);
        assert_eq!((quality.step_seconds, quality.cells, quality.samples), (60.0, 3, 3));
        assert_eq!(quality.remarks(), Vec::<String>::new());
    }

    #[test]
    fn finer_samples_are_averaged_and_coarser_ones_hold() {
        let fine: Vec<(i64, f64)> = (0..8).map(|index| (index * 15, index as f64)).collect();
        assert_eq!(cells(&fine, Some(60)).0, [Some(1.5), Some(5.5)]);
        let (values, quality) = cells(&[(0, 1.0), (100, 2.0), (200, 3.0)], Some(60));
        assert_eq!(values, [Some(1.0), Some(2.0), Some(2.0), Some(3.0)]);
        assert_eq!(quality.gaps, 0);
        let (values, quality) = cells(&[(0, 1.0), (300, 2.0), (600, 3.0)], Some(15));
        assert_eq!((values.len(), quality.gaps), (41, 0), "a step that is finer than the load makes no gaps");
    }

    #[test]
    fn disorder_duplicates_and_what_is_no_number_are_counted() {
        let moments = [
            (0, 1.0),
            (120, 3.0),
            (60, 2.0),
            (60, 5.0),
            (180, f64::NAN),
            (240, -1.0),
            (300, f64::INFINITY),
            (360, 4.0),
        ];
        let (values, quality) = cells(&moments, Some(60));
        assert_eq!(values, [Some(1.0), Some(5.0), Some(3.0), Some(3.0), None, None, Some(4.0)]);
        let counts = (quality.disordered, quality.duplicates, quality.unusable, quality.gaps, quality.late);
        assert_eq!(counts, (1, 1, 3, 1, 0));
        assert_eq!(quality.gap_seconds, 120.0);
        assert_eq!(quality.remarks().len(), 4);
    }

    #[test]
    fn a_gap_is_no_value_and_no_zero() {
        let mut moments: Vec<(i64, f64)> = (0..10).map(|index| (index * 60, 7.0)).collect();
        moments.extend((20..30).map(|index| (index * 60, 7.0)));
        let (values, quality) = cells(&moments, None);
        assert_eq!(values.len(), 30);
        assert_eq!(values.iter().filter(|value| value.is_none()).count(), 9);
        assert!(values.iter().flatten().all(|value| *value == 7.0));
        assert!(quality.constant && quality.gaps == 1);
    }

    #[test]
    fn what_comes_far_too_late_is_left_out() {
        let mut moments: Vec<(i64, f64)> = (0..2000).map(|index| (index * 60, 1.0)).collect();
        moments.push((30, 9.0));
        let (values, quality) = cells(&moments, None);
        assert_eq!((values.len(), quality.late), (2000, 1));
    }

    #[test]
    fn too_little_and_too_long_are_refused() {
        let open = |moments: &[i64], step: Option<u64>| {
            let mut samples = Recorded::new(1);
            for second in moments {
                samples.push(Time::from_seconds(*second), &[1.0]);
            }
            let mut grid = Grid::open(samples, step.map(Duration::from_secs))?;
            while grid.read()?.is_some() {}
            Ok::<_, LoadError>(())
        };
        assert!(matches!(open(&[], None), Err(LoadError::Empty)));
        assert!(matches!(open(&[1], None), Err(LoadError::OneValue)));
        assert!(matches!(open(&[1, 1], None), Err(LoadError::OneValue)));
        assert!(matches!(open(&[1, 2], Some(0)), Err(LoadError::NoStep)));
        assert!(matches!(open(&[1, 2, 3, 1_700_000_000], None), Err(LoadError::TooLong { .. })));
    }
}
