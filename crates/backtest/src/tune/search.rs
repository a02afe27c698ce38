//! The search itself.

use std::time::Duration;

use engine::{PolicyTable, SourceCatalog, Time};
use serde_json::Value;

use super::knobs::{Knob, knobs};
use crate::Manifest;
use crate::contender::{Fits, Planned};
use crate::gate::{Condition, ConditionError};
use crate::load::{Grid, LoadError, Samples};
use crate::random::Random;
use crate::replay::{Entry, ReplayOptions, replay};
use crate::scores::Scores;
use crate::workload::{Signal, Workload};

/// Rounds of a search. In the first all is drawn evenly, in the others near the best.
const ROUNDS: usize = 6;
/// The share of all candidates that is drawn evenly.
const EVENLY: f64 = 0.4;
/// How far the first changes of a knob go, as a share of its range; later ones go less far.
const FIRST_CHANGE: f64 = 0.25;
/// Candidates of the front that are replayed over the whole history.
const MOST_FINALISTS: usize = 12;

/// How a search goes.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// Candidates that are tried, the manifest as it is included.
    pub candidates: usize,
    /// What must hold, all of it.
    pub conditions: Vec<Condition>,
    /// Where the held-back part of the history begins.
    pub split: Time,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// Threads that replay side by side; at least 1.
    pub threads: usize,
}

/// What a search works on.
pub struct Search<'a> {
    /// The manifest as it is.
    pub manifest: &'a Manifest,
    /// Checks the settings of metric sources.
    pub catalog: &'a dyn SourceCatalog,
    /// The policies that the manifest can name.
    pub policies: &'a PolicyTable,
    /// The world.
    pub workload: &'a Workload,
    /// Where the manifest's metrics come from.
    pub signals: &'a [Signal],
    /// What was fitted already, for candidates that go by forecasts.
    pub fits: Fits,
}

/// One setting of all knobs, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its number; 0 is the manifest as it is.
    pub number: usize,
    /// The object.
    pub object: Value,
    /// Where it lies, a share for each knob; empty for the manifest as it is.
    place: Vec<f64>,
    /// Its scores on the first part of the history.
    pub trained: Scores,
    /// Whether all conditions hold there.
    pub holds: bool,
}

/// A candidate of the front, with its scores on the held-back part.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The candidate.
    pub candidate: Candidate,
    /// Its scores on the held-back part.
    pub held_back: Scores,
    /// Whether all conditions hold there.
    pub holds: bool,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Searched {
    /// The manifest as it is.
    pub original: Standing,
    /// Those that no other beats in both violation minutes and cost, by their cost.
    pub front: Vec<Standing>,
    /// The place in the front of the cheapest that keeps all conditions on both parts; `None` where none does.
    pub recommended: Option<usize>,
    /// Candidates that were tried.
    pub tried: usize,
}

/// Why a search cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The load cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A condition names someone who is not there.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// There is nothing to set.
    #[error("{0} has no settings that can be tuned")]
    NoKnobs(String),
}

impl Search<'_> {
    /// Searches. `open` gives the load from its begin, as often as it is asked; `progress` hears how many candidates
    /// have been tried.
    ///
    /// # Errors
    /// Where the load cannot be read, or a condition does not make sense.
    pub fn run<S: Samples>(
        &self,
        options: &SearchOptions,
        open: &mut dyn FnMut() -> Result<Grid<S>, LoadError>,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Searched, SearchError> {
        let knobs = knobs(&self.manifest.object);
        if knobs.is_empty() {
            return Err(SearchError::NoKnobs(self.manifest.name.clone()));
        }
        let mut tried: Vec<Candidate> = Vec::new();
        let evenly = ((options.candidates as f64 * EVENLY) as usize).max(1);
        let places = spread(knobs.len(), evenly - 1, options.seed);
        let mut round = vec![(0, Vec::new())];
        round.extend(places.into_iter().enumerate().map(|(index, place)| (index + 1, place)));
        let mut done = evenly;
        for number in 1..=ROUNDS {
            tried.extend(self.try_all(&knobs, round, options, open)?);
            progress(done);
            let share = options.candidates.saturating_sub(done).div_ceil(ROUNDS - number + 1);
            if number == ROUNDS {
                break;
            }
            let change = FIRST_CHANGE / number as f64;
            round = near_the_best(&tried, done, share, change, options.seed);
            done += share;
        }
        self.judge(tried, options, open)
    }

    /// Replays candidates over the first part of the history.
    fn try_all<S: Samples>(
        &self,
        knobs: &[Knob],
        round: Vec<(usize, Vec<f64>)>,
        options: &SearchOptions,
        open: &mut dyn FnMut() -> Result<Grid<S>, LoadError>,
    ) -> Result<Vec<Candidate>, SearchError> {
        if round.is_empty() {
            return Ok(Vec::new());
        }
        let mut made = Vec::with_capacity(round.len());
        for (number, place) in round {
            let mut object = self.manifest.object.clone();
            for (knob, share) in knobs.iter().zip(&place) {
                knob.set(&mut object, *share);
            }
            // Knobs that contradict each other make no manifest; such a candidate is none.
            if let Ok(manifest) = Manifest::compile(object, self.catalog, self.policies) {
                made.push((number, place, manifest));
            }
        }
        let manifests: Vec<&Manifest> = made.iter().map(|(_, _, manifest)| manifest).collect();
        let scores = self.replayed(&manifests, open, options, Some(options.split))?;
        let mut candidates = Vec::with_capacity(made.len());
        for ((number, place, manifest), parts) in made.into_iter().zip(scores) {
            let trained = parts.first().copied().unwrap_or_default();
            let holds = holds(&options.conditions, &trained)?;
            candidates.push(Candidate { number, object: manifest.object, place, trained, holds });
        }
        Ok(candidates)
    }

    /// The scores of each manifest in each part of the history.
    fn replayed<S: Samples>(
        &self,
        manifests: &[&Manifest],
        open: &mut dyn FnMut() -> Result<Grid<S>, LoadError>,
        options: &SearchOptions,
        until: Option<Time>,
    ) -> Result<Vec<Vec<Scores>>, LoadError> {
        let mut grid = open()?;
        let start = grid.quality().first;
        let planned = |manifest: &Manifest| Planned::new(manifest.plan.clone(), self.signals.to_vec(), start);
        let entry = |manifest: &&Manifest| Entry {
            name: String::new(),
            contender: Box::new(planned(manifest).sharing(&self.fits)),
            replicas: None,
        };
        let intervals = manifests.iter().map(|manifest| manifest.plan.interval);
        let interval = intervals.min().unwrap_or(Duration::from_secs(15));
        let options = ReplayOptions {
            interval_millis: interval.as_millis() as i64,
            records: false,
            splits: vec![options.split],
            until,
            threads: options.threads,
        };
        let entries = manifests.iter().map(entry).collect();
        let replayed = replay(&mut grid, self.workload, entries, &options, &mut |_| {})?;
        Ok(replayed.results.into_iter().map(|result| result.parts).collect())
    }

    /// Replays the front and the manifest as it is over all of the history.
    fn judge<S: Samples>(
        &self,
        tried: Vec<Candidate>,
        options: &SearchOptions,
        open: &mut dyn FnMut() -> Result<Grid<S>, LoadError>,
    ) -> Result<Searched, SearchError> {
        let count = tried.len();
        let mut finalists: Vec<Candidate> = tried.first().cloned().into_iter().collect();
        finalists.extend(front(&tried).into_iter().map(|place| tried[place].clone()));
        let compile = |candidate: &Candidate| {
            Manifest::compile(candidate.object.clone(), self.catalog, self.policies).ok()
        };
        let manifests: Vec<Manifest> = finalists.iter().filter_map(compile).collect();
        let scores = self.replayed(&manifests.iter().collect::<Vec<_>>(), open, options, None)?;
        let mut standings = Vec::with_capacity(finalists.len());
        for (candidate, parts) in finalists.into_iter().zip(scores) {
            let held_back = parts.get(1).copied().unwrap_or_default();
            let holds = holds(&options.conditions, &held_back)?;
            standings.push(Standing { candidate, held_back, holds });
        }
        let original = standings.remove(0);
        let recommended = standings.iter().position(|standing| standing.candidate.holds && standing.holds);
        Ok(Searched { original, front: standings, recommended, tried: count })
    }
}

/// Whether all conditions hold.
fn holds(conditions: &[Condition], scores: &Scores) -> Result<bool, ConditionError> {
    let mut all = true;
    for condition in conditions {
        all &= condition.judge(scores, None, &[])?.holds;
    }
    Ok(all)
}

/// Places drawn evenly: of each knob's range every part is drawn once (a Latin hypercube; McKay, Beckman and Conover,
/// 1979).
fn spread(knobs: usize, count: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut places = vec![vec![0.0; knobs]; count];
    for knob in 0..knobs {
        let mut random = Random::of(seed, knob as u64);
        let mut parts: Vec<usize> = (0..count).collect();
        for index in (1..count).rev() {
            parts.swap(index, (random.share() * (index + 1) as f64) as usize);
        }
        for (place, part) in places.iter_mut().zip(parts) {
            place[knob] = (part as f64 + random.share()) / count as f64;
        }
    }
    places
}

/// Places near those that are best so far, for so many candidates from number `first` on.
fn near_the_best(
    tried: &[Candidate],
    first: usize,
    count: usize,
    change: f64,
    seed: u64,
) -> Vec<(usize, Vec<f64>)> {
    let best = front(tried).into_iter().map(|place| &tried[place]);
    let best: Vec<&Candidate> = best.filter(|candidate| !candidate.place.is_empty()).collect();
    if best.is_empty() {
        return Vec::new();
    }
    let draw = |number: usize| {
        let mut random = Random::of(seed ^ 0x7475_6e65, number as u64);
        // The first of the front that holds is the one to beat, so half of all begin there.
        let parent = match best.iter().position(|candidate| candidate.holds) {
            Some(cheapest) if random.share() < 0.5 => best[cheapest],
            _ => best[(random.share() * best.len() as f64) as usize],
        };
        let mut place = parent.place.clone();
        let changes = 2.0 / place.len() as f64;
        for share in &mut place {
            // Most knobs stay as they are: what is good is seldom good by one alone.
            if random.share() < changes {
                *share = (*share + change * random.normal()).clamp(0.0, 0.999_999);
            }
        }
        (number, place)
    };
    (first..first + count).map(draw).collect()
}

/// The places of those that no other beats in both violation minutes and cost, the cheapest first.
fn front(tried: &[Candidate]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tried.len()).collect();
    let minutes = |place: usize| tried[place].trained.slo_violation_minutes;
    let cost = |place: usize| tried[place].trained.cost;
    order.sort_by(|&one, &other| {
        let by_minutes = || minutes(one).total_cmp(&minutes(other));
        cost(one).total_cmp(&cost(other)).then_with(by_minutes).then(one.cmp(&other))
    });
    let (mut fewest, mut front) = (f64::INFINITY, Vec::new());
    for place in order {
        if minutes(place) < fewest {
            fewest = minutes(place);
            front.push(place);
        }
    }
    // Of a long front those around the cheapest that holds are the ones to choose from.
    if front.len() > MOST_FINALISTS {
        let holds = front.iter().position(|place| tried[*place].holds).unwrap_or(front.len() - 1);
        let begin = holds.saturating_sub(MOST_FINALISTS / 3).min(front.len() - MOST_FINALISTS);
        front = front[begin..begin + MOST_FINALISTS].to_vec();
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Anything, Scene, manifest, scaler};

    /// Days with a wave, a value every five minutes.
    fn scene() -> Scene {
        let values = (0..4 * 288).map(|index| {
            let day = f64::from(index) / 288.0 * std::f64::consts::TAU;
            500.0 - 350.0 * day.cos() + 30.0 * (f64::from(index) * 1.7).sin()
        });
        let mut object = scaler("requests", 100.0).object;
        object["spec"]["intervalSeconds"] = 60.into();
        Scene::new(manifest(object), "startup: 60s\nslo: {utilization: 0.9}", values.collect(), 300)
    }

    fn searched(condition: &str, candidates: usize, threads: usize) -> Searched {
        let scene = scene();
        let search = Search {
            manifest: &scene.manifest,
            catalog: &Anything,
            policies: &engine::POLICIES,
            workload: &scene.bound.workload,
            signals: &scene.bound.signals,
            fits: Fits::default(),
        };
        let options = SearchOptions {
            candidates,
            conditions: vec![Condition::parse(condition).unwrap()],
            split: Time::from_seconds(2 * 86_400),
            seed: 3,
            threads,
        };
        search.run(&options, &mut || Ok(scene.grid()), &mut |_| {}).unwrap()
    }

    #[test]
    fn the_cheapest_that_keeps_the_slo_is_found_and_proven() {
        let found = searched("violated_share <= 0.001", 40, 2);
        assert!(!found.original.holds, "the manifest leaves no room: {:?}", found.original.held_back);
        let best = &found.front[found.recommended.unwrap()];
        assert!(best.holds && best.held_back.violated_share <= 0.001);
        let most = 20.0 * 48.0;
        assert!(best.held_back.cost < 0.8 * most, "{} of {most}", best.held_back.cost);
        assert!(found.tried > 30, "{}", found.tried);
        assert!(
            found
                .front
                .windows(2)
                .all(|pair| pair[0].candidate.trained.cost <= pair[1].candidate.trained.cost)
        );
    }

    #[test]
    fn a_search_comes_out_the_same_however_many_threads_there_are() {
        assert_eq!(searched("violated_share <= 0.001", 12, 1), searched("violated_share <= 0.001", 12, 3));
    }

    #[test]
    fn nothing_is_recommended_that_does_not_hold() {
        let found = searched("cost < 1", 20, 1);
        assert_eq!(found.recommended, None);
        assert!(!found.front.is_empty());
    }

    #[test]
    fn every_part_of_a_range_is_drawn_once() {
        let places = spread(3, 10, 1);
        for knob in 0..3 {
            let mut parts: Vec<usize> = places.iter().map(|place| (place[knob] * 10.0) as usize).collect();
            parts.sort_unstable();
            assert_eq!(parts, (0..10).collect::<Vec<_>>());
        }
    }
}
