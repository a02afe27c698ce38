//! Who refers to a supporting object: which names its list has, and should have. Pure but for the instants that it is
//! handed.
//!
//! Where users live in namespaces that are not looked at, names that somebody else has written stay.

use std::collections::{BTreeSet, HashMap, HashSet};

use resources::{Reference, Supporting};
use runner::ObjectKey;
use serde_json::Value;
use tokio::time::Instant;

use super::Reported;

/// Longest text of a list, in bytes. Whoever does not fit is left out, so that the object stays small.
const LONGEST: usize = 64 * 1024;

/// All lists.
#[derive(Default)]
pub(super) struct Lists {
    refers: HashMap<ObjectKey, (String, Vec<Reference>)>,
    /// By the time of their creation.
    users: HashMap<Reference, BTreeSet<User>>,
    /// Names of those that have ceased to refer.
    gone: HashMap<Reference, BTreeSet<String>>,
    seen: HashMap<Reference, Seen>,
    /// Those whose text may be wrong.
    doubtful: HashSet<Reference>,
    is_listed: bool,
}

/// When a user was created, and who it is.
type User = (String, ObjectKey);

/// A supporting object as it was last seen, or left.
struct Seen {
    kind: &'static Supporting,
    field: &'static str,
    version: String,
    text: String,
    sees_all: bool,
    not_before: Instant,
}

/// A text to be written.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) kind: &'static Supporting,
    /// The field of the status.
    pub(super) field: &'static str,
    pub(super) reference: Reference,
    /// The resourceVersion that it rests on.
    pub(super) version: String,
    pub(super) text: String,
}

impl Lists {
    /// Returns whether that is news.
    pub(super) fn refers(&mut self, key: &ObjectKey, created: &str, references: Vec<Reference>) -> bool {
        let (was_created, before) = self.refers.remove(key).unwrap_or_default();
        let now = (created.to_owned(), references);
        let is_news = before != now.1 || was_created != now.0 && !before.is_empty();
        if is_news {
            self.change(key, (was_created, before), &now);
        }
        if !now.1.is_empty() {
            self.refers.insert(key.clone(), now);
        }
        is_news
    }

    fn change(
        &mut self,
        key: &ObjectKey,
        (was_created, before): (String, Vec<Reference>),
        (created, references): &(String, Vec<Reference>),
    ) {
        let user = (was_created, key.clone());
        for reference in before {
            if let Some(users) = self.users.get_mut(&reference) {
                users.remove(&user);
                if users.is_empty() {
                    self.users.remove(&reference);
                }
            }
            self.gone.entry(reference.clone()).or_default().insert(key.name.clone());
            self.doubtful.insert(reference);
        }
        for reference in references {
            let users = self.users.entry(reference.clone()).or_default();
            users.insert((created.clone(), key.clone()));
            self.doubtful.insert(reference.clone());
        }
    }

    /// Returns whether its list may be wrong.
    pub(super) fn seen(&mut self, reported: Reported<'_>, now: Instant) -> bool {
        let Reported { kind, reference, object, acts_here, sees_all } = reported;
        let (Some(field), Some(object)) = (kind.users, object.filter(|_| acts_here)) else {
            self.doubtful.remove(reference);
            self.gone.remove(reference);
            self.seen.remove(reference);
            return false;
        };
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (version, text) =
            (text("/metadata/resourceVersion").to_owned(), text(&format!("/status/{field}")).to_owned());
        let before = self.seen.get(reference);
        let not_before = before.map_or(now, |before| before.not_before);
        let is_news = before.is_none_or(|before| before.text != text || before.sees_all != sees_all);
        if is_news {
            self.doubtful.insert(reference.clone());
        }
        self.seen.insert(reference.clone(), Seen { kind, field, version, text, sees_all, not_before });
        is_news
    }

    pub(super) fn listed(&mut self) {
        self.is_listed = true;
    }

    /// Whether nothing is to be written, as far as is known.
    pub(super) fn is_done(&self) -> bool {
        self.doubtful.is_empty()
    }

    /// What is to be written now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Change> {
        if !self.is_listed {
            return Vec::new();
        }
        let mut due = Vec::new();
        for reference in self.doubtful.clone() {
            let Some(seen) = self.seen.get(&reference) else {
                // Nobody has it, or it is not ours to write.
                self.doubtful.remove(&reference);
                self.gone.remove(&reference);
                continue;
            };
            match self.wanted(&reference, seen) {
                None => drop(self.doubtful.remove(&reference)),
                Some(_) if now < seen.not_before => {}
                Some(text) => due.push(Change {
                    kind: seen.kind,
                    field: seen.field,
                    version: seen.version.clone(),
                    reference,
                    text,
                }),
            }
        }
        due
    }

    /// The text that it should have; `None` where it has it.
    fn wanted(&self, reference: &Reference, seen: &Seen) -> Option<String> {
        let none = BTreeSet::new();
        let gone = self.gone.get(reference).unwrap_or(&none);
        let users: Vec<&str> =
            self.users.get(reference).into_iter().flatten().map(|(_, key)| key.name.as_str()).collect();
        let known: HashSet<&str> = users.iter().copied().collect();
        let stays = |name: &&str| known.contains(name) || !seen.sees_all && !gone.contains(*name);
        let written = seen.text.split(',').map(str::trim).filter(|name| !name.is_empty()).filter(stays);
        let (mut names, mut length): (Vec<&str>, usize) = (Vec::new(), 0);
        let mut named: HashSet<&str> = HashSet::new();
        for name in written.chain(users) {
            if length + name.len() < LONGEST && named.insert(name) {
                length += name.len() + 1;
                names.push(name);
            }
        }
        let text = names.join(",");
        (text != seen.text).then_some(text)
    }

    /// Notes what a write has led to, and when the next one may be.
    pub(super) fn written(&mut self, change: &Change, version: String, not_before: Instant) {
        if let Some(seen) = self.seen.get_mut(&change.reference) {
            seen.text.clone_from(&change.text);
            seen.version = version;
            seen.not_before = not_before;
            self.gone.remove(&change.reference);
        }
    }

    /// Notes when a write may be tried again.
    pub(super) fn put_off(&mut self, change: &Change, not_before: Instant) {
        if let Some(seen) = self.seen.get_mut(&change.reference) {
            seen.not_before = not_before;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn kind() -> &'static Supporting {
        resources::SUPPORTING.iter().find(|kind| kind.kind == "TriggerAuthentication").unwrap()
    }

    fn reference(name: &str) -> Reference {
        Reference { kind: kind().kind, namespace: "shop".to_owned(), name: name.to_owned() }
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("ScaledObject", "shop", name)
    }

    fn object(version: &str, users: &str) -> Value {
        json!({ "metadata": { "resourceVersion": version }, "status": { "scaledobjects": users } })
    }

    /// The texts to be written, by name.
    fn due(lists: &mut Lists, now: Instant) -> Vec<(String, String)> {
        let mut due: Vec<_> =
            lists.due(now).into_iter().map(|change| (change.reference.name, change.text)).collect();
        due.sort();
        due
    }

    fn see(lists: &mut Lists, name: &str, object: Option<Value>, sees_all: bool, now: Instant) {
        let (kind, reference) = (kind(), reference(name));
        let reported =
            Reported { kind, reference: &reference, object: object.as_ref(), acts_here: true, sees_all };
        lists.seen(reported, now);
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn names_come_and_go_with_their_references() {
        let (mut lists, now) = (Lists::default(), Instant::now());
        assert!(lists.refers(&key("b"), "2026-01-01T00:00:00Z", vec![reference("one"), reference("two")]));
        lists.refers(&key("a"), "2026-01-01T00:00:00Z", vec![reference("one")]);
        assert!(!lists.refers(&key("a"), "2026-01-01T00:00:00Z", vec![reference("one")]), "that is known");
        see(&mut lists, "one", Some(object("1", "")), true, now);
        see(&mut lists, "two", Some(object("2", "c,b")), true, now);
        assert_eq!(due(&mut lists, now), [], "not all is known yet");
        lists.listed();
        assert_eq!(due(&mut lists, now), [pair("one", "a,b"), pair("two", "b")]);
        for change in lists.due(now) {
            lists.written(&change, "3".to_owned(), now + Duration::from_secs(5));
        }
        assert_eq!(due(&mut lists, now), []);
        assert!(lists.is_done());

        // The reference goes, and the object stays.
        lists.refers(&key("b"), "2026-01-01T00:00:00Z", vec![reference("two")]);
        assert_eq!(due(&mut lists, now), [], "there is a pause");
        assert!(!lists.is_done());
        let later = now + Duration::from_secs(5);
        assert_eq!(due(&mut lists, later), [pair("one", "a")]);
        lists.refers(&key("a"), "2026-01-01T00:00:00Z", Vec::new());
        assert_eq!(due(&mut lists, later), [pair("one", "")]);
        // Somebody wipes the status.
        see(&mut lists, "two", Some(object("9", "")), true, later);
        assert_eq!(due(&mut lists, later), [pair("one", ""), pair("two", "b")]);
        see(&mut lists, "two", None, true, later);
        assert_eq!(due(&mut lists, later), [pair("one", "")]);
    }

    #[test]
    fn what_is_written_in_another_order_is_right() {
        let (mut lists, now) = (Lists::default(), Instant::now());
        lists.listed();
        for name in ["a", "b"] {
            lists.refers(&key(name), "2026-01-01T00:00:00Z", vec![reference("one")]);
        }
        see(&mut lists, "one", Some(object("1", "b,a")), true, now);
        assert_eq!(due(&mut lists, now), []);
        // A user that comes goes to the end.
        lists.refers(&key("aa"), "2026-01-01T00:00:00Z", vec![reference("one")]);
        assert_eq!(due(&mut lists, now), [pair("one", "b,a,aa")]);
    }

    #[test]
    fn users_that_come_together_stand_in_the_order_of_their_creation() {
        let (mut lists, now) = (Lists::default(), Instant::now());
        lists.listed();
        see(&mut lists, "one", Some(object("1", "")), true, now);
        lists.refers(&key("a"), "2026-01-01T00:00:02Z", vec![reference("one")]);
        lists.refers(&key("b"), "2026-01-01T00:00:01Z", vec![reference("one")]);
        assert_eq!(due(&mut lists, now), [pair("one", "b,a")]);
    }

    #[test]
    fn names_from_namespaces_that_are_not_looked_at_stay() {
        let (mut lists, now) = (Lists::default(), Instant::now());
        lists.listed();
        lists.refers(&key("a"), "2026-01-01T00:00:00Z", vec![reference("one")]);
        see(&mut lists, "one", Some(object("1", "theirs,a,once")), false, now);
        assert_eq!(due(&mut lists, now), []);
        lists.refers(&key("a"), "2026-01-01T00:00:00Z", Vec::new());
        assert_eq!(due(&mut lists, now), [pair("one", "theirs,once")], "this one was ours");
    }

    #[test]
    fn a_list_stays_short() {
        let (mut lists, now) = (Lists::default(), Instant::now());
        lists.listed();
        for index in 0..3000 {
            lists.refers(&key(&format!("{index:063}")), "2026-01-01T00:00:00Z", vec![reference("one")]);
        }
        see(&mut lists, "one", Some(object("1", "")), true, now);
        let texts = due(&mut lists, now);
        assert!(texts[0].1.len() <= LONGEST && texts[0].1.split(',').all(|name| name.len() == 63));
        assert_eq!(texts[0].1.split(',').count(), LONGEST / 64);
    }
}
