//! What happened, moment by moment, in as many rows as a report can show.

use std::time::Duration;

use engine::Time;

/// More rows than this are joined in pairs, so that memory does not grow with the history.
const MOST_ROWS: usize = 20_000;

/// One moment, or several joined: their mean load, most needed and wanted, fewest ready.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// The load, in its own unit.
    pub load: f64,
    /// Replicas that keep the SLO.
    pub needed: u64,
    /// Replicas asked for.
    pub wanted: u64,
    /// Replicas that serve.
    pub ready: u64,
    /// Whether the SLO was broken.
    pub violated: bool,
}

/// Rows of equal distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    start: Time,
    tick: Duration,
    /// Moments that are joined in a row.
    every: u32,
    rows: Vec<Row>,
    /// What is to become the next row, and how many moments it has.
    open: (Row, u32),
}

impl Timeline {
    pub(super) fn new(start: Time, tick: Duration) -> Self {
        Self { start, tick, every: 1, rows: Vec::new(), open: (Row::default(), 0) }
    }

    pub(super) fn push(&mut self, row: Row) {
        let (open, count) = &mut self.open;
        *open = if *count == 0 { row } else { join(*open, *count, row, 1) };
        *count += 1;
        if *count < self.every {
            return;
        }
        self.rows.push(*open);
        self.open = (Row::default(), 0);
        if self.rows.len() >= 2 * MOST_ROWS {
            self.halve();
        }
    }

    /// Takes back that the SLO was kept in the moment that was pushed last.
    pub(super) fn mark_violated(&mut self) {
        match (&mut self.open, self.rows.last_mut()) {
            ((open, 1..), _) => open.violated = true,
            (_, Some(last)) => last.violated = true,
            _ => {}
        }
    }

    fn halve(&mut self) {
        let pairs = self.rows.chunks_exact(2).map(|pair| join(pair[0], 1, pair[1], 1));
        self.rows = pairs.collect();
        self.every *= 2;
    }

    /// The rows with their times.
    pub fn rows(&self) -> impl Iterator<Item = (Time, &Row)> {
        let distance = self.distance();
        let open = (self.open.1 > 0).then_some(&self.open.0);
        self.rows.iter().chain(open).enumerate().map(move |(index, row)| {
            let passed = distance.as_millis() as u64 * index as u64;
            (self.start.plus(Duration::from_millis(passed)), row)
        })
    }

    /// The first moment.
    pub fn start(&self) -> Time {
        self.start
    }

    /// From one row to the next.
    pub fn distance(&self) -> Duration {
        self.tick * self.every
    }

    /// At most `most` rows of the same.
    pub(crate) fn coarser(&self, most: usize) -> Self {
        let mut coarser = self.clone();
        while coarser.rows.len() > most {
            coarser.halve();
        }
        coarser
    }
}

/// Two rows of `one_count` and `other_count` moments as one.
fn join(one: Row, one_count: u32, other: Row, other_count: u32) -> Row {
    let (weight, other_weight) = (f64::from(one_count), f64::from(other_count));
    Row {
        load: (one.load * weight + other.load * other_weight) / (weight + other_weight),
        needed: one.needed.max(other.needed),
        wanted: one.wanted.max(other.wanted),
        ready: one.ready.min(other.ready),
        violated: one.violated || other.violated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_joined_where_there_are_too_many() {
        let mut timeline = Timeline::new(Time::default(), Duration::from_secs(15));
        for index in 0..100_000_u64 {
            timeline.push(Row {
                load: index as f64,
                needed: index,
                wanted: 3,
                ready: index,
                violated: index == 77,
            });
        }
        assert_eq!(timeline.distance(), Duration::from_secs(60));
        let rows: Vec<_> = timeline.rows().collect();
        assert!(rows.len() == 25_000, "{}", rows.len());
        let (at, row) = rows[19];
        assert_eq!(at, Time::from_seconds(19 * 60));
        assert_eq!(*row, Row { load: 77.5, needed: 79, wanted: 3, ready: 76, violated: true });
        assert_eq!(rows.iter().filter(|(_, row)| row.violated).count(), 1);
        assert_eq!(timeline.coarser(4000).rows().count(), 3125);
    }

    #[test]
    fn few_rows_are_kept_as_they_are() {
        let mut timeline = Timeline::new(Time::from_seconds(5), Duration::from_secs(1));
        timeline.push(Row { load: 1.0, ..Row::default() });
        timeline.push(Row { load: 2.0, ..Row::default() });
        timeline.mark_violated();
        let rows: Vec<_> =
            timeline.rows().map(|(at, row)| (at.as_millis(), row.load, row.violated)).collect();
        assert_eq!(rows, [(5000, 1.0, false), (6000, 2.0, true)]);
    }
}
