//! Source `cron`: a number of replicas within a recurring window, 0 outside of it.
//!
//! | setting | meaning |
//! |---|---|
//! | `timezone` | IANA name of the time zone of both times, for example `Europe/Paris` |
//! | `start` | start of the window: a cron expression of five fields (minute, hour, day of month, month, day of week), after `TZ=ZONE` or `CRON_TZ=ZONE` in a time zone of its own |
//! | `end` | end of the window, in the same format |
//! | `desiredReplicas` | number of replicas within the window, at least 1 |
//!
//! Asked for one per replica (`targetType: AverageValue`, `targetValue: 1`), a target has
//! `desiredReplicas` within the window and its minimum outside. Of several windows the highest count applies.
//!
//! The window is open when it closes before it opens next, or at the same instant. It includes its
//! start and excludes its end, and may span midnight, a weekend or a year. Give both times the same
//! days: a window that opens from Monday to Friday and closes every day is open on Saturday, too, as
//! it closes that evening and opens no sooner than on Monday.
//!
//! In the hour that spring leaves out, a time is taken to be the moment right after it. In the hour
//! that autumn repeats, a time such as `30 2 * * *` counts once, the first time; one with a star
//! or a step in its minutes or hours counts each time.
//!
//! The time zones are compiled in, so that every machine judges by the same ones.

mod doubt;

use std::sync::Arc;

use croner::Cron as Pattern;
use croner::parser::{CronParser, Seconds, Year};
use engine::{Absence, AbsenceReason, Reading, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::clients::Clients;
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::Settings;

/// The greatest value of each field, where `5/15` means from 5 to the greatest in steps of 15.
const GREATEST: [u8; 5] = [59, 23, 31, 12, 6];

/// The registry's constructor.
pub(crate) fn new(_: &Clients) -> Arc<dyn Source> {
    Arc::new(Cron)
}

struct Cron;

/// A query, ready to be asked.
struct Config {
    zone: TimeZone,
    start: When,
    end: When,
    desired_replicas: f64,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let zone = settings.required_text("timezone").and_then(|name| {
            let found = time_zone(name);
            if found.is_none() {
                let why = "must be the IANA name of a time zone, for example Europe/Paris";
                settings.refuse("timezone", invalid(quoted(name), why));
            }
            found
        });
        let [start, end] = ["start", "end"].map(|field| {
            let text = settings.required_text(field)?;
            When::parse(text).map_err(|why| settings.refuse(field, invalid(quoted(text), why))).ok()
        });
        if let (Some(start), Some(end)) = (&start, &end)
            && start == end
        {
            settings.refuse("end", invalid(quoted(end.pattern.as_str()), "must differ from start"));
        }
        let replicas = settings.required_whole_number("desiredReplicas", 1..=i32::MAX.unsigned_abs().into());
        // Exact: it is within 32 bits.
        let config = Self { zone: zone?, start: start?, end: end?, desired_replicas: replicas? as f64 };
        doubt::warn(&config, settings);
        Some(config)
    }

    /// Whether the window is open at `now`.
    fn is_open(&self, now: Time) -> Result<bool, String> {
        let now = Timestamp::from_millisecond(now.as_millis()).map_err(|error| error.to_string())?;
        let (opens, closes) = self.next(&now.to_zoned(self.zone.clone()))?;
        if opens == closes && follows_gap(&opens) {
            // Two times within an hour that is left out fall on one instant, whichever is first. What
            // comes after shows whether the window is one that is open across it.
            let (opens, closes) = self.next(&opens)?;
            return Ok(opens >= closes);
        }
        Ok(opens >= closes)
    }

    /// When it opens and when it closes next, strictly after `instant`.
    fn next(&self, instant: &Zoned) -> Result<(Zoned, Zoned), String> {
        let next = |when: &When| {
            when.next(instant).ok_or_else(|| format!("{:?} never occurs again", when.pattern.as_str()))
        };
        Ok((next(&self.start)?, next(&self.end)?))
    }

    fn number(&self, now: Time) -> Result<f64, Absence> {
        let open = self.is_open(now).map_err(|why| Absence {
            reason: AbsenceReason::ValueMissing,
            message: format!("cron: {why}"),
        })?;
        Ok(if open { self.desired_replicas } else { 0.0 })
    }
}

/// Whether `instant` is the first after an hour, or some other time, that the clocks leave out.
fn follows_gap(instant: &Zoned) -> bool {
    let before = instant.timestamp().saturating_sub(SignedDuration::from_secs(1));
    before.is_ok_and(|before| {
        instant.time_zone().to_offset(before).seconds()
            < instant.time_zone().to_offset(instant.timestamp()).seconds()
    })
}

/// The times of a cron expression.
#[derive(PartialEq)]
struct When {
    pattern: Pattern,
    /// The time zone that it names; that of the window otherwise.
    zone: Option<TimeZone>,
}

impl When {
    /// An expression, with a time zone before it where it has one of its own; or what is wrong with it.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some(named) = ["TZ=", "CRON_TZ="].iter().find_map(|prefix| text.strip_prefix(prefix)) else {
            return Ok(Self { pattern: pattern(text)?, zone: None });
        };
        let (name, text) = named.split_once(char::is_whitespace).unwrap_or((named, ""));
        let zone = time_zone(name)
            .ok_or("must have the IANA name of a time zone after TZ=, for example TZ=Europe/Paris")?;
        Ok(Self { pattern: pattern(text)?, zone: Some(zone) })
    }

    /// The first time strictly after `instant`.
    fn next(&self, instant: &Zoned) -> Option<Zoned> {
        let own = self.zone.as_ref().map(|zone| instant.with_time_zone(zone.clone()));
        self.pattern.find_next_occurrence(own.as_ref().unwrap_or(instant), false).ok()
    }
}

/// The zone of that name among those compiled in.
fn time_zone(name: &str) -> Option<TimeZone> {
    // One zone stands for "not known", and no time can be computed in it.
    TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())
}

/// A cron expression, or what is wrong with it.
fn pattern(text: &str) -> Result<Pattern, String> {
    const FORM: &str =
        "must be a cron expression of five fields (minute, hour, day of month, month, day of week)";
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != GREATEST.len() {
        return Err(FORM.to_owned());
    }
    let fields: Vec<String> =
        fields.iter().zip(GREATEST).map(|(field, most)| with_ends(field, most)).collect();
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let parsed = parser.parse(&fields.join(" ")).map_err(|error| format!("{FORM}: {error}"))?;
    let long_ago = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    match parsed.find_next_occurrence(&long_ago, false) {
        Ok(_) => Ok(parsed),
        Err(_) => Err("no such day exists, so the time never occurs".to_owned()),
    }
}

/// Writes the end of a range that begins somewhere and has steps, which the parser asks for.
fn with_ends(field: &str, most: u8) -> String {
    let items = field.split(',').map(|item| match item.split_once('/') {
        Some((from, step)) if !from.is_empty() && from.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{from}-{most}/{step}")
        }
        _ => item.to_owned(),
    });
    items.collect::<Vec<_>>().join(",")
}

impl Source for Cron {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        Some(Box::new(Config::parse(settings)?))
    }
}

impl Ask for Config {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        let number = self.number(request.begun);
        std::future::ready(Reading::answered(number, request.begun)).boxed()
    }
}

#[cfg(test)]
mod tests;
