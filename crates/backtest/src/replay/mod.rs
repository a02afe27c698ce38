//! The replay: recorded load through every contender, each in a world of its own.
//!
//! ```text
//!  Grid ─cells─▶ demand, needed ─▶ Block ─▶ Run (oracle) ─▶ ready replicas of perfect knowledge
//!                                    └────▶ Run, Run, …  ─▶ Tally, Timeline, decisions
//! ```
//!
//! All contenders go through one block of the load before the next is read, so memory is bounded by the report's
//! resolution. Within a cell time jumps from event to event: the next look of a contender, the next replica that is
//! ready or gone, the next sample of the scores. Nothing is rounded to a tick.

mod run;
mod timeline;

use std::collections::VecDeque;
use std::time::Duration;

use engine::{AbsentMetric, Time};

use crate::contender::{Contender, Oracle};
use crate::load::{Grid, LoadError, Quality, Samples};
use crate::scores::Scores;
use crate::workload::Workload;
use crate::world::{Block, Prepared};
use run::{Record, Run, Stage};

pub use run::Decided;
pub use timeline::{Row, Timeline};

/// Cells that all contenders go through before the next are read.
const BLOCK: usize = 4096;
/// The scores are sampled at least this often, in milliseconds, where load and polls are rarer.
const LONGEST_TICK: i64 = 15_000;

/// A contender on its way into a replay.
pub struct Entry {
    /// What the report calls it.
    pub name: String,
    /// Who decides.
    pub contender: Box<dyn Contender>,
    /// Replicas at the begin, where they are others than what is needed then.
    pub replicas: Option<Vec<u32>>,
}

/// How a replay goes.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Time between two polls of whoever polls most often, in milliseconds.
    pub interval_millis: i64,
    /// Whether timelines and decisions are kept.
    pub records: bool,
    /// Where the scores begin again.
    pub splits: Vec<Time>,
    /// No cell from here on.
    pub until: Option<Time>,
    /// Threads that go through the load side by side; at least 1.
    pub threads: usize,
}

/// The result of one contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Result {
    /// What the report calls it.
    pub name: String,
    /// Its scores in each part of the history.
    pub parts: Vec<Scores>,
    /// What happened; `None` where that was not kept.
    pub timeline: Option<Timeline>,
    /// What it changed, and why; the first thousands.
    pub decisions: Vec<Decided>,
    /// Changes that are not among them.
    pub left_out: u64,
    /// The metrics that were absent at every step, and why.
    pub never_read: Vec<AbsentMetric>,
}

impl Result {
    /// The scores of the last part of the history; of all of it where it has one.
    pub fn scores(&self) -> Scores {
        self.parts.last().copied().unwrap_or_default()
    }
}

/// A replay that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// One result a contender, in their order.
    pub results: Vec<Result>,
    /// What was found in the load.
    pub quality: Quality,
    /// From one sample of the scores to the next.
    pub tick: Duration,
}

/// Replays the load of `grid` for all `entries` in the world of `workload`. `progress` hears of the cells
/// that are done.
///
/// # Errors
/// What is wrong with the load, and where.
pub fn replay<S: Samples>(
    grid: &mut Grid<S>,
    workload: &Workload,
    entries: Vec<Entry>,
    options: &ReplayOptions,
    progress: &mut dyn FnMut(u64),
) -> std::result::Result<Replayed, LoadError> {
    let step = grid.step();
    let start = grid.quality().first;
    let tick_millis = (step.as_millis() as i64).min(options.interval_millis.min(LONGEST_TICK)).max(1);
    let tick = Duration::from_millis(tick_millis as u64);
    let mut feed = Feed::new(workload, step, options.until);
    feed.fill(grid)?;
    let initial = initial_replicas(workload, feed.waiting.front());
    let mut oracle = Run::new(Box::new(Oracle::new(workload, step, start)), &initial, start);
    let mut names = Vec::with_capacity(entries.len());
    let mut runs: Vec<Run> = Vec::with_capacity(entries.len());
    for entry in entries {
        names.push(entry.name);
        let replicas = entry.replicas.as_deref().unwrap_or(&initial);
        let run = Run::new(entry.contender, replicas, start);
        runs.push(if options.records { run.recorded(start, tick) } else { run });
    }
    let stage = Stage { workload, step, tick, splits: &options.splits };
    let mut cells = 0;
    while feed.next_block(grid)? {
        let block = &feed.block;
        oracle.pass(stage, block, None);
        pass_all(&mut runs, stage, block, &oracle.ready, options.threads);
        cells += block.len() as u64;
        progress(cells);
    }
    let most: f64 = workload.members.iter().map(|service| f64::from(service.bounds.max())).sum();
    let results = names.into_iter().zip(runs).map(|(name, run)| result(name, run, most)).collect();
    Ok(Replayed { results, quality: grid.quality().clone(), tick })
}

fn result(name: String, run: Run, most: f64) -> Result {
    let parts = run.tallies.iter().map(|tally| tally.scores(most)).collect();
    let never_read = run.never_read();
    let (timeline, decisions, left_out) = match run.record {
        Some(Record { timeline, decisions, left_out }) => (Some(timeline), decisions, left_out),
        None => (None, Vec::new(), 0),
    };
    Result { name, parts, timeline, decisions, left_out, never_read }
}

/// Each run is on its own, so it does not matter which thread takes it.
fn pass_all(runs: &mut [Run], stage: Stage<'_>, block: &Block, oracle: &[u64], threads: usize) {
    if threads <= 1 || runs.len() <= 1 {
        runs.iter_mut().for_each(|run| run.pass(stage, block, Some(oracle)));
        return;
    }
    let share = runs.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for some in runs.chunks_mut(share) {
            scope.spawn(move || some.iter_mut().for_each(|run| run.pass(stage, block, Some(oracle))));
        }
    });
}

/// Replicas of each member at the begin: those of the file, or what the first cell needs, within the bounds.
fn initial_replicas(workload: &Workload, first: Option<&Prepared>) -> Vec<u32> {
    let needed = |member: usize| first.map_or(0, |cell| cell.needed()[member]);
    let members = workload.members.iter().enumerate();
    members
        .map(|(member, service)| {
            workload.initial_replicas.unwrap_or_else(|| service.bounds.clamp(needed(member)))
        })
        .collect()
}

/// Reads cells ahead, as far as perfect knowledge looks, and puts them into blocks.
struct Feed<'a> {
    workload: &'a Workload,
    waiting: VecDeque<Prepared>,
    block: Block,
    /// Cells that are looked ahead.
    ahead: usize,
    until: Option<Time>,
    is_over: bool,
}

impl<'a> Feed<'a> {
    fn new(workload: &'a Workload, step: Duration, until: Option<Time>) -> Self {
        let ahead = workload.usual_startup().as_millis().div_ceil(step.as_millis().max(1)) as usize;
        let block = Block::new(workload.members.len());
        Self { workload, waiting: VecDeque::new(), block, ahead: ahead.max(1), until, is_over: false }
    }

    fn fill<S: Samples>(&mut self, grid: &mut Grid<S>) -> std::result::Result<(), LoadError> {
        while !self.is_over && self.waiting.len() <= self.ahead {
            match grid.read()? {
                Some(cell) if self.until.is_none_or(|until| cell.at < until) => {
                    self.waiting.push_back(Prepared::new(cell.at, &cell.values, &cell.held, self.workload));
                }
                _ => self.is_over = true,
            }
        }
        Ok(())
    }

    /// Makes the next block; `false` where there is nothing left.
    fn next_block<S: Samples>(&mut self, grid: &mut Grid<S>) -> std::result::Result<bool, LoadError> {
        self.block.clear();
        while self.block.len() < BLOCK {
            self.fill(grid)?;
            let Some(cell) = self.waiting.front() else { break };
            let most = |member: usize| {
                self.waiting.iter().map(|cell| cell.needed()[member]).max().unwrap_or_default()
            };
            self.block.push(cell, (0..self.workload.members.len()).map(most));
            self.waiting.pop_front();
        }
        Ok(self.block.len() > 0)
    }
}

#[cfg(test)]
mod tests;
