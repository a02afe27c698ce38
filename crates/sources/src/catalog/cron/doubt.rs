//! Windows that are most likely not meant, and what probably is.
//!
//! A window opens at the last start before an end, and closes at the last end before a start. Where one of them
//! comes several times in a row, as `* 8 * * *` does from 8:00 to 8:59, all but the last are of no effect.

use jiff::{Timestamp, Zoned};

use super::{Config, When};
use crate::values::fault::quoted;
use crate::values::settings::Settings;

/// Times of a row that are looked at: more than a day has minutes.
const LONGEST_ROW: usize = 1500;

/// Windows that are looked at: as many as a fortnight has at one a day, so that every day of the week is among them.
const WINDOWS: usize = 15;

/// A row of times with nothing of the other kind between them.
struct Row {
    first: Zoned,
    last: Zoned,
}

/// Warns of a `start` or an `end` of which only the last of several has an effect.
pub(super) fn warn(config: &Config, settings: &mut Settings<'_>) {
    // A Monday in a week without a change of clocks, wherever that is.
    let Ok(begin) = Timestamp::from_second(1_704_672_000) else { return };
    let begin = begin.to_zoned(config.zone.clone());
    let (start, end) = (&config.start, &config.end);
    if let Some(row) = row(start, end, &begin) {
        settings.warn("start", message(start, &row, "closes", "opens"));
    }
    if let Some(row) = row(end, start, &begin) {
        settings.warn("end", message(end, &row, "opens", "closes"));
    }
}

/// The first row of several times of `of` that have no time of `other` between them.
fn row(of: &When, other: &When, begin: &Zoned) -> Option<Row> {
    let next = |when: &When, after: &Zoned| when.next(after);
    // Not in the midst of a row.
    let mut after = next(other, begin)?;
    for _ in 0..WINDOWS {
        let first = next(of, &after)?;
        let until = next(other, &first)?;
        let mut last = first.clone();
        for _ in 0..LONGEST_ROW {
            match next(of, &last).filter(|time| *time < until) {
                Some(time) => last = time,
                None => break,
            }
        }
        if last != first {
            return Some(Row { first, last });
        }
        after = until;
    }
    None
}

fn message(when: &When, row: &Row, until: &str, does: &str) -> String {
    let at = |time: &Zoned| time.strftime("%A %H:%M").to_string();
    let (text, first, last) = (when.pattern.as_str(), at(&row.first), at(&row.last));
    let is_number = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
    let fields: Vec<&str> = text.split(' ').collect();
    let meant = match fields.as_slice() {
        [minute, hour, ..] if !is_number(minute) && is_number(hour) => {
            let fields = [&[row.first.strftime("%-M").to_string().as_str()], &fields[1..]].concat().join(" ");
            format!("use {} for {}", quoted(&fields), row.first.strftime("%H:%M"))
        }
        _ => "use the same hours and days for start and end".to_owned(),
    };
    format!(
        "{} occurs several times before the window {until}, for example from {first} to {last}, and the window {does} \
         at the last of them; {meant}",
        quoted(text)
    )
}
