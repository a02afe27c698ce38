//! CSV, and one value a line: read row by row, never as a whole.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use csv::StringRecord;
use engine::Time;
use jiff::tz::TimeZone;

use super::time_text::{self, Parsed};
use super::{LoadError, Samples};

/// What a column of times is called, where nobody says which one it is.
const TIME_NAMES: [&str; 7] = ["time", "timestamp", "date", "datetime", "ts", "at", "epoch"];
/// What stands where there is no value.
const NO_VALUE: [&str; 7] = ["", "nan", "null", "none", "na", "n/a", "-"];
/// Separators that are found by themselves; in a tie the first.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// Enough to see the first line.
const BUFFER: usize = 64 * 1024;

/// How a file is to be read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The column of times; `None` to find it by its name or its first value.
    pub time_column: Option<String>,
    /// The time between two rows without a time of their own.
    pub step: Duration,
    /// The moment of the first of them.
    pub start: Time,
    /// The zone of local times; UTC where it is `None`.
    pub time_zone: Option<TimeZone>,
    /// What separates the fields; found by itself where it is `None`.
    pub separator: Option<u8>,
}

impl Default for ReadOptions {
    /// A minute from row to row, from the first Monday of 2024 on.
    fn default() -> Self {
        let start = Time::from_seconds(1_704_067_200);
        Self { time_column: None, step: Duration::from_secs(60), start, time_zone: None, separator: None }
    }
}

/// A load in CSV, or with one value a line.
pub struct CsvLoad<R> {
    reader: csv::Reader<BufReader<R>>,
    options: ReadOptions,
    row: StringRecord,
    /// Whether `row` is the first one and has not been used yet.
    is_fresh: bool,
    names: Vec<String>,
    /// The place of the times, where there are any.
    time: Option<usize>,
    /// The places of the values that are wanted.
    wanted: Vec<usize>,
    rows: u64,
    previous: Option<Time>,
    /// The time from the row before the last to the last, in milliseconds.
    stride: i64,
}

impl<R: Read> CsvLoad<R> {
    /// Looks at the first row: separator, header, and where the times are. All other columns are wanted.
    ///
    /// # Errors
    /// Where there is nothing to read, or a column that was asked for is not there.
    pub fn open(input: R, options: ReadOptions) -> Result<Self, LoadError> {
        if options.step < Duration::from_millis(1) {
            return Err(LoadError::NoStep);
        }
        let mut input = BufReader::with_capacity(BUFFER, input);
        let begin = input.fill_buf()?;
        if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
            return Err(LoadError::Utf16);
        }
        let separator = options.separator.unwrap_or_else(|| separator(begin));
        let mut builder = csv::ReaderBuilder::new();
        builder
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .trim(csv::Trim::All)
            .comment(Some(b'#'));
        let mut reader = builder.from_reader(input);
        let mut row = StringRecord::new();
        if !read(&mut reader, &mut row)? {
            return Err(LoadError::Empty);
        }
        let has_header = row.iter().any(|field| !is_value(field) && time_text::parse(field).is_none());
        let names: Vec<String> = if has_header {
            row.iter().map(str::to_owned).collect()
        } else {
            (1..=row.len()).map(|place| place.to_string()).collect()
        };
        if has_header && !read(&mut reader, &mut row)? {
            return Err(LoadError::Empty);
        }
        let time = time_column(&names, &row, has_header, options.time_column.as_deref())?;
        let wanted: Vec<usize> = (0..names.len()).filter(|place| Some(*place) != time).collect();
        if wanted.is_empty() {
            return Err(LoadError::NoValues);
        }
        let (previous, stride) = (None, 0);
        Ok(Self { reader, options, row, is_fresh: true, names, time, wanted, rows: 0, previous, stride })
    }

    /// The names of the columns with values; without a header their places, counted from 1.
    pub fn columns(&self) -> Vec<String> {
        let is_value = |place: &usize| Some(*place) != self.time;
        (0..self.names.len()).filter(is_value).map(|place| self.names[place].clone()).collect()
    }

    /// Whether the rows have times of their own.
    pub fn has_times(&self) -> bool {
        self.time.is_some()
    }

    /// Wants these columns only, in this order.
    ///
    /// # Errors
    /// Where one does not exist: its name, and those that do.
    pub fn select(&mut self, columns: &[String]) -> Result<(), LoadError> {
        let known = self.columns();
        self.wanted = columns
            .iter()
            .map(|column| {
                let place = self.names.iter().position(|name| name == column);
                let place = place.filter(|place| Some(*place) != self.time);
                place.ok_or_else(|| LoadError::NoColumn { column: column.clone(), known: known.clone() })
            })
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    fn field(&self, place: usize) -> Result<&str, LoadError> {
        self.row.get(place).ok_or_else(|| LoadError::ShortRow {
            line: self.line(),
            found: self.row.len(),
            wanted: place + 1,
            column: self.names.get(place).cloned().unwrap_or_default(),
        })
    }

    fn value(&self, place: usize) -> Result<f64, LoadError> {
        let field = self.field(place)?;
        match field.parse::<f64>() {
            Ok(value) => Ok(value),
            Err(_) if is_no_value(field) => Ok(f64::NAN),
            Err(_) => Err(LoadError::NotANumber {
                line: self.line(),
                column: self.names[place].clone(),
                text: field.to_owned(),
            }),
        }
    }

    fn time(&mut self) -> Result<Time, LoadError> {
        let Some(place) = self.time else {
            let millis = self.options.step.as_millis() as i64;
            return Ok(Time::from_millis(self.options.start.as_millis() + self.rows as i64 * millis));
        };
        let field = self.field(place)?;
        let (line, column, text) = (self.line(), self.names[place].clone(), field.to_owned());
        let at = match (time_text::parse(field), &self.options.time_zone) {
            (Some(Parsed::Instant(at)), _) => Some(at),
            (Some(Parsed::Local(local)), Some(zone)) => {
                match time_text::in_zone(local, zone, self.previous) {
                    Some(at) => Some(at),
                    None => {
                        let zone = zone.iana_name().unwrap_or("this zone").to_owned();
                        return Err(LoadError::NoSuchTime { line, column, text, zone });
                    }
                }
            }
            (Some(Parsed::Local(local)), None) => {
                let at = time_text::in_utc(local);
                if at.is_some_and(|at| self.shows_change_of_clocks(at)) {
                    return Err(LoadError::ClocksChanged { line, column, text });
                }
                at
            }
            (None, _) => None,
        };
        let at = at.ok_or(LoadError::NotATime { line, column, text })?;
        if let Some(previous) = self.previous {
            self.stride = at.as_millis() - previous.as_millis();
        }
        self.previous = Some(at);
        Ok(at)
    }

    /// Whether a local time lies back so far that a clock put back by an hour would show it now.
    fn shows_change_of_clocks(&self, at: Time) -> bool {
        const HOUR: i64 = 3_600_000;
        let Some(previous) = self.previous else { return false };
        let back = previous.as_millis() - at.as_millis();
        back > 0 && self.stride > 0 && (back + self.stride - HOUR).abs() <= 1000
    }
}

impl<R: Read + Send> Samples for CsvLoad<R> {
    fn next(&mut self, values: &mut Vec<f64>) -> Result<Option<Time>, LoadError> {
        if !std::mem::take(&mut self.is_fresh) && !read(&mut self.reader, &mut self.row)? {
            return Ok(None);
        }
        let at = self.time()?;
        values.clear();
        for index in 0..self.wanted.len() {
            values.push(self.value(self.wanted[index])?);
        }
        self.rows += 1;
        Ok(Some(at))
    }
}

fn read<R: Read>(reader: &mut csv::Reader<R>, row: &mut StringRecord) -> Result<bool, LoadError> {
    reader.read_record(row).map_err(|error| {
        let line = error.position().map_or(0, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(error) => LoadError::Io(error),
            csv::ErrorKind::Utf8 { .. } => {
                LoadError::Malformed { line, message: "is not UTF-8; save the file as UTF-8".to_owned() }
            }
            other => LoadError::Malformed { line, message: format!("{other:?}") },
        }
    })
}

/// The separator that the first line has most of.
fn separator(begin: &[u8]) -> u8 {
    let lines = begin.split(|byte| matches!(byte, b'\n' | b'\r'));
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    let line = lines.next().unwrap_or_default();
    let count = |separator: &u8| line.iter().filter(|byte| *byte == separator).count();
    let (most, _) = SEPARATORS.iter().fold((SEPARATORS[0], 0), |(best, most), separator| {
        let count = count(separator);
        if count > most { (*separator, count) } else { (best, most) }
    });
    most
}

fn is_no_value(field: &str) -> bool {
    NO_VALUE.iter().any(|none| field.eq_ignore_ascii_case(none))
}

fn is_value(field: &str) -> bool {
    field.parse::<f64>().is_ok() || is_no_value(field)
}

/// The place of the times: of the column that was asked for, or one with a usual name, or one that begins with a time.
fn time_column(
    names: &[String],
    first: &StringRecord,
    has_header: bool,
    asked: Option<&str>,
) -> Result<Option<usize>, LoadError> {
    if let Some(asked) = asked {
        let place = names.iter().position(|name| name == asked);
        let no_column = || LoadError::NoColumn { column: asked.to_owned(), known: names.to_vec() };
        return place.map(Some).ok_or_else(no_column);
    }
    let is_usual = |name: &String| TIME_NAMES.iter().any(|usual| name.eq_ignore_ascii_case(usual));
    if let Some(place) = names.iter().position(is_usual).filter(|_| has_header) {
        return Ok(Some(place));
    }
    // A single column of large numbers is load and no time.
    let is_time = |field: &str| time_text::parse(field).is_some() && (names.len() > 1 || !is_value(field));
    Ok(first.get(0).is_some_and(is_time).then_some(0))
}

#[cfg(test)]
mod tests;
