//! Where load comes from: a file, Prometheus, an audit file, or a recipe.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use backtest::Manifest;
use backtest::contender::Played;
use backtest::load::{CsvLoad, LoadError, ReadOptions, Recorded, Samples, Shape, generate};
use engine::Time;
use runner::{Clock as _, SystemClock};

use super::args::LoadArgs;
use super::audit::{self, Audit};
use super::history::{self, History};
use super::invalid::Invalid;

/// What a load begins with that is made and not read.
const MADE: &str = "make:";
/// The only column of a load that is made.
const COLUMN: &str = "requests";

/// Where a load can be read from its begin, as often as it takes.
pub(crate) enum LoadSource {
    File(PathBuf, ReadOptions),
    Made(Recipe),
    /// What is in memory already: from Prometheus or an audit file.
    History {
        columns: Vec<String>,
        samples: Recorded,
    },
}

impl LoadSource {
    /// What the command line names. Prometheus is asked for what `manifest` reads.
    pub(super) fn of(arguments: &LoadArgs, manifest: &Manifest) -> Result<(Self, Option<Played>), Invalid> {
        if let Some(path) = &arguments.audit {
            let Audit { columns, samples, played } = audit::read(path, manifest)?;
            return Ok((Self::History { columns, samples }, Some(played)));
        }
        if let Some(server) = &arguments.prometheus {
            let now = || SystemClock::start().now();
            let history = History {
                server,
                headers: &arguments.header,
                range: arguments.range,
                step: arguments.step,
                until: arguments.until.unwrap_or_else(now),
            };
            let fetched = history::fetch(&history, manifest);
            let (columns, samples) = fetched.map_err(|error| Invalid(vec![format!("{error:#}")]))?;
            return Ok((Self::History { columns, samples }, None));
        }
        let path = arguments.load.clone().unwrap_or_default();
        if let Some(recipe) = path.to_str().and_then(|load| load.strip_prefix(MADE)) {
            let recipe = Recipe::parse(recipe).map_err(|problem| Invalid::of(&path, problem))?;
            return Ok((Self::Made(recipe), None));
        }
        let defaults = ReadOptions::default();
        let options = ReadOptions {
            time_column: arguments.time_column.clone(),
            step: arguments.step.unwrap_or(defaults.step),
            time_zone: arguments.time_zone.clone().map(|zone| zone.0),
            separator: arguments.separator,
            ..defaults
        };
        Ok((Self::File(path, options), None))
    }

    /// The load from its begin.
    pub(super) fn open(&self) -> Result<Load, LoadError> {
        match self {
            Self::File(path, options) => {
                let load = CsvLoad::open(File::open(path)?, options.clone())?;
                Ok(Load::File(Box::new(load)))
            }
            Self::Made(recipe) => Ok(Load::Made(Box::new(recipe.make(ReadOptions::default().start)))),
            Self::History { columns, samples } => {
                let places = (0..columns.len()).collect();
                Ok(Load::History {
                    columns: columns.clone(),
                    places,
                    samples: samples.clone(),
                    row: Vec::new(),
                })
            }
        }
    }
}

/// A load that is read moment by moment.
pub(crate) enum Load {
    File(Box<CsvLoad<File>>),
    Made(Box<dyn Iterator<Item = (Time, f64)> + Send>),
    History {
        columns: Vec<String>,
        /// Places of the columns that are wanted.
        places: Vec<usize>,
        samples: Recorded,
        row: Vec<f64>,
    },
}

impl Load {
    /// The names of the columns.
    pub(super) fn columns(&self) -> Vec<String> {
        match self {
            Self::File(load) => load.columns(),
            Self::Made(_) => vec![COLUMN.to_owned()],
            Self::History { columns, .. } => columns.clone(),
        }
    }

    /// Wants these columns only, in this order.
    pub(super) fn select(&mut self, wanted: &[String]) -> Result<(), LoadError> {
        match self {
            Self::File(load) => load.select(wanted),
            Self::Made(_) => Ok(()),
            Self::History { columns, places, .. } => {
                let place = |name: &String| columns.iter().position(|column| column == name);
                *places = wanted.iter().filter_map(place).collect();
                Ok(())
            }
        }
    }
}

impl Samples for Load {
    fn next(&mut self, values: &mut Vec<f64>) -> Result<Option<Time>, LoadError> {
        match self {
            Self::File(load) => load.next(values),
            Self::Made(made) => Ok(made.next().map(|(at, value)| {
                values.clear();
                values.push(value);
                at
            })),
            Self::History { places, samples, row, .. } => {
                let at = samples.next(row)?;
                values.clear();
                values.extend(places.iter().map(|place| row[*place]));
                Ok(at)
            }
        }
    }
}

/// How a load is made: `weekly,days=14,peak=800,step=1m,seed=1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recipe {
    shape: Shape,
    seed: u64,
    peak: f64,
    length: Duration,
    step: Duration,
}

impl Recipe {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let name = parts.next().unwrap_or_default();
        let names = || Shape::ALL.map(Shape::name).join(", ");
        let shape = Shape::ALL.into_iter().find(|shape| shape.name() == name);
        let shape =
            shape.ok_or_else(|| format!("unknown shape of load {name:?}; must be one of {}", names()))?;
        let day = Duration::from_secs(86_400);
        let mut recipe =
            Self { shape, seed: 1, peak: 1000.0, length: 14 * day, step: Duration::from_secs(60) };
        for part in parts {
            let wrong = || format!("{part:?}: must be like days=14, peak=1000, step=1m or seed=1");
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            let number = || value.parse::<f64>().ok().filter(|number| *number > 0.0).ok_or_else(wrong);
            match name {
                "days" => recipe.length = day.mul_f64(number()?.min(3660.0)),
                "peak" => recipe.peak = number()?.min(1e12),
                "step" => {
                    recipe.step =
                        crate::duration(value).ok().filter(|step| !step.is_zero()).ok_or_else(wrong)?
                }
                "seed" => recipe.seed = value.parse().map_err(|_| wrong())?,
                _ => return Err(wrong()),
            }
        }
        Ok(recipe)
    }

    fn make(self, start: Time) -> impl Iterator<Item = (Time, f64)> + Send {
        generate(self.shape, self.seed, self.peak, start, self.length, self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_read() {
        let made = Recipe::parse("flash-crowd,days=0.5,peak=250,step=15s,seed=9").unwrap();
        let half = Duration::from_secs(43_200);
        let step = Duration::from_secs(15);
        assert_eq!(made, Recipe { shape: Shape::FlashCrowd, seed: 9, peak: 250.0, length: half, step });
        assert_eq!(made.make(Time::default()).count(), 2880);
        for text in
            ["monthly", "weekly,days", "weekly,days=-1", "weekly,step=0s", "weekly,colour=red", "step,seed=x"]
        {
            assert!(Recipe::parse(text).unwrap_err().contains("must be"), "{text}");
        }
    }
}
