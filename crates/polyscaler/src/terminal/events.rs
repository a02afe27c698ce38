//! The last Events of an object, in lines.

use cluster::PublishedEvent;
use engine::Time;

use super::object::age;
use super::table::{columns, plain};

/// Events that are printed.
const SHOWN: usize = 8;

/// The last of `events`, which come oldest first, in lines.
pub(super) fn lines(events: &[PublishedEvent], now: Time) -> String {
    let shown = &events[events.len().saturating_sub(SHOWN)..];
    let row = |event: &PublishedEvent| {
        let when = event.at.map_or_else(|| "-".to_owned(), |at| format!("{} ago", age(at, now)));
        let type_ = if event.is_warning { "Warning" } else { "Normal" };
        vec!["  ".to_owned() + &when, type_.to_owned(), plain(&event.reason), plain(&event.note)]
    };
    columns(&shown.iter().map(row).collect::<Vec<_>>())
}
