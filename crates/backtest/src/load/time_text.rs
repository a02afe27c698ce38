//! Times as files hold them.

use engine::Time;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Numbers from here up are milliseconds since 1970: as seconds they would be beyond the year 5000.
const MILLISECONDS: f64 = 1e11;
/// Numbers below are no time that anybody recorded load at: as seconds they lie before 1973.
const FIRST: f64 = 1e8;

/// A time as it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Parsed {
    /// An instant.
    Instant(Time),
    /// A local time whose zone the text does not name.
    Local(DateTime),
}

/// What `text` says; `None` where it is no time.
pub(super) fn parse(text: &str) -> Option<Parsed> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let millis = if number >= MILLISECONDS { number } else { number * 1000.0 };
        let plausible = number >= FIRST && millis.is_finite() && millis < 9e15;
        return plausible.then(|| Parsed::Instant(Time::from_millis(millis.round() as i64)));
    }
    // A time with an offset ends in Z or has a sign behind the date.
    let has_offset =
        text.ends_with(['Z', 'z']) || text.get(10..).is_some_and(|rest| rest.contains(['+', '-']));
    if has_offset {
        let instant: jiff::Timestamp = text.parse().ok()?;
        return Some(Parsed::Instant(Time::from_millis(instant.as_millisecond())));
    }
    text.parse().ok().map(Parsed::Local)
}

/// The zone called `name`.
///
/// # Errors
/// What is wrong with the name.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .map_err(|_| format!("{name:?} is not a time zone; use one such as Europe/Berlin or UTC"))
}

/// The instant of a local time in UTC.
pub(super) fn in_utc(local: DateTime) -> Option<Time> {
    let instant = TimeZone::UTC.to_timestamp(local).ok()?;
    Some(Time::from_millis(instant.as_millisecond()))
}

/// The instant of a local time in `zone`: of the two that a clock shows twice the first that is later than
/// `previous`. `None` where it does not exist.
pub(super) fn in_zone(local: DateTime, zone: &TimeZone, previous: Option<Time>) -> Option<Time> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let found = match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => return None,
        AmbiguousOffset::Unambiguous { .. } => ambiguous.compatible(),
        AmbiguousOffset::Fold { .. } => {
            let earlier = ambiguous.earlier().ok()?;
            let is_new = previous.is_none_or(|previous| earlier.as_millisecond() > previous.as_millis());
            if is_new { Ok(earlier) } else { ambiguous.later() }
        }
    };
    found.ok().map(|instant| Time::from_millis(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_time_is_understood() {
        let instant = 1_700_000_000_000;
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14 22:13:20Z",
            "2023-11-14T23:13:20+01:00",
            "2023-11-14T17:13:20.000-05:00",
            "1700000000",
            "1700000000.0",
            "1700000000000",
            " 1700000000 ",
        ] {
            assert_eq!(parse(text), Some(Parsed::Instant(Time::from_millis(instant))), "{text}");
        }
        for text in ["2023-11-14 22:13:20", "2023-11-14T22:13:20"] {
            let Some(Parsed::Local(local)) = parse(text) else { panic!("{text}: {:?}", parse(text)) };
            assert_eq!(in_utc(local), Some(Time::from_millis(instant)), "{text}");
        }
        for text in ["", "12", "abc", "14.11.2023", "2023-13-01 00:00:00", "1e300", "NaN"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_is_told_apart_by_the_order() {
        let berlin = zone("Europe/Berlin").unwrap();
        let local: DateTime = "2026-10-25 02:30:00".parse().unwrap();
        let first = in_zone(local, &berlin, None).unwrap();
        let second = in_zone(local, &berlin, Some(first)).unwrap();
        assert_eq!(second.since(first).as_secs(), 3600);
        let none: DateTime = "2026-03-29 02:30:00".parse().unwrap();
        assert_eq!(in_zone(none, &berlin, None), None);
        assert!(zone("Mars/Base").unwrap_err().contains("Europe/Berlin"));
    }
}
