//! Events: what changed, for `kubectl describe`.
//!
//! Each is an object of its own. A recorder that merges by reason would show "2 to 5"
//! followed by "5 to 9" as "2 to 5, twice".

use std::sync::atomic::{AtomicU64, Ordering};

use engine::Time;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use resources::{Announcement, Change, Kind};
use runner::{Gone, ObjectKey, Record};

use crate::FIELD_MANAGER;

/// The longest that the API server takes, in bytes.
const NAME_LIMIT: usize = 253;
const NOTE_LIMIT: usize = 1024;
const INSTANCE_LIMIT: usize = 128;

/// The Events that the change of an object of `kind`, with the uid `uid`, is worth.
pub(super) fn of(kind: &Kind, record: &Record, uid: &str, change: &Change<'_>, identity: &str) -> Vec<Event> {
    let announced = kind.events(change).into_iter();
    announced
        .map(|announced| made(reference(kind, &record.key, uid), record.outcome.at, identity, announced))
        .collect()
}

/// The Events that the end of an object of `kind` is worth.
pub(super) fn of_gone(kind: &Kind, gone: &Gone, identity: &str) -> Vec<Event> {
    let announced = kind.farewell(&gone.deletion).into_iter();
    announced
        .map(|announced| made(reference(kind, &gone.key, &gone.uid), gone.at, identity, announced))
        .collect()
}

/// The Event about the status of the object of `record`.
pub(super) fn of_status(kind: &Kind, record: &Record, announced: Announcement, identity: &str) -> Event {
    made(reference(kind, &record.key, &record.outcome.uid), record.outcome.at, identity, announced)
}

fn reference(kind: &Kind, key: &ObjectKey, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(kind.api_version()),
        kind: Some(kind.kind.to_owned()),
        name: Some(key.name.clone()),
        namespace: Some(key.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}

/// An Event that regards an object.
pub(crate) fn made(regarding: ObjectReference, at: Time, identity: &str, announced: Announcement) -> Event {
    let Announcement { is_warning, action, reason, note } = announced;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let millis = at.as_millis();
    let time = k8s_openapi::jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    // Sorted by name they stand in their order, also those of one second, which `kubectl` cannot tell apart by time.
    let unique = format!(".{millis:x}{:08x}", COUNT.fetch_add(1, Ordering::Relaxed));
    let of = regarding.name.as_deref().unwrap_or_default();
    let of = of[..of.floor_char_boundary(NAME_LIMIT - unique.len())].trim_end_matches(['-', '.']);
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{of}{unique}")),
            // Events of cluster-scoped objects live in `default`, where kubectl looks for them.
            namespace: Some(regarding.namespace.clone().unwrap_or_else(|| "default".to_owned())),
            ..ObjectMeta::default()
        },
        action: Some(action.to_owned()),
        event_time: Some(MicroTime(time)),
        note: Some(cut(note)),
        reason: Some(reason),
        regarding: Some(regarding),
        reporting_controller: Some(FIELD_MANAGER.to_owned()),
        reporting_instance: Some(identity[..identity.floor_char_boundary(INSTANCE_LIMIT)].to_owned()),
        type_: Some(if is_warning { "Warning" } else { "Normal" }.to_owned()),
        ..Event::default()
    }
}

/// The note, or as much of it as the API server takes. A longer one would have the Event refused.
fn cut(mut note: String) -> String {
    const MARK: char = '…';
    if note.len() > NOTE_LIMIT {
        note.truncate(note.floor_char_boundary(NOTE_LIMIT - MARK.len_utf8()));
        note.push(MARK);
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(note: &str) -> Announcement {
        Announcement { is_warning: false, action: "Poll", reason: "Ready".to_owned(), note: note.to_owned() }
    }

    fn made_of(name: &str, note: &str) -> Event {
        let regarding = ObjectReference { name: Some(name.to_owned()), ..ObjectReference::default() };
        made(regarding, Time::from_seconds(1_800_000_000), "me", announced(note))
    }

    #[test]
    fn a_long_name_of_a_replica_is_cut() {
        let identity = "a".repeat(NAME_LIMIT);
        let event = made(ObjectReference::default(), Time::from_seconds(0), &identity, announced(""));
        assert_eq!(event.reporting_instance.unwrap(), "a".repeat(INSTANCE_LIMIT));
    }

    #[test]
    fn a_note_has_no_more_bytes_than_the_api_server_takes() {
        let whole = "→".repeat(NOTE_LIMIT / 3);
        assert_eq!(made_of("a", &whole).note, Some(whole));
        for long in
            ["→".repeat(NOTE_LIMIT), format!("a{}", "→".repeat(NOTE_LIMIT)), "a".repeat(NOTE_LIMIT + 1)]
        {
            let note = made_of("a", &long).note.unwrap();
            assert!((NOTE_LIMIT - 3..=NOTE_LIMIT).contains(&note.len()), "{}", note.len());
            assert!(note.ends_with('…') && long.starts_with(note.trim_end_matches('…')), "{note}");
        }
    }

    #[test]
    fn the_longest_name_leaves_room_for_what_makes_it_unique() {
        let name = made_of("shop", "").metadata.name.unwrap();
        assert!(name.starts_with("shop."), "{name}");
        for long in ["a".repeat(253), "a.".repeat(126) + "a", "a-".repeat(126) + "a"] {
            let name = made_of(&long, "").metadata.name.unwrap();
            assert!(name.len() <= NAME_LIMIT && !name.contains("-.") && !name.contains(".."), "{name}");
            assert_ne!(name, made_of(&long, "").metadata.name.unwrap());
        }
    }
}
