//! What happened to supporting objects, for Events. Pure.

use std::collections::HashMap;

use resources::{Announcement, Reference, Step, Supporting};
use serde_json::Value;

use super::Reported;

/// News that wait at most; beyond it the oldest is dropped.
const MOST: usize = 1000;

/// See the module.
#[derive(Default)]
pub(super) struct Stories {
    known: HashMap<Reference, Known>,
    untold: Vec<News>,
    is_listed: bool,
}

/// An object as it was last seen.
#[derive(PartialEq)]
struct Known {
    uid: String,
    generation: i64,
}

/// What happened to one object.
pub(super) struct News {
    pub(super) kind: &'static Supporting,
    pub(super) reference: Reference,
    pub(super) uid: String,
    pub(super) announcement: Announcement,
}

impl Stories {
    /// Returns whether that is worth an Event.
    pub(super) fn seen(&mut self, reported: Reported<'_>) -> bool {
        let Reported { kind, reference, object, acts_here, sees_all: _ } = reported;
        let Some(announce) = kind.announce else { return false };
        let before = self.known.remove(reference);
        let now = object.map(Known::of);
        let uid = now.as_ref().or(before.as_ref()).map(|known| known.uid.clone()).unwrap_or_default();
        let step = match (&before, &now) {
            (None, Some(_)) => Some(Step::Added),
            (Some(before), Some(now)) if before.uid != now.uid => Some(Step::Added),
            (Some(before), Some(now)) if before.generation != now.generation => Some(Step::Changed),
            (Some(_), None) => Some(Step::Deleted),
            (Some(_), Some(_)) | (None, None) => None,
        };
        if let Some(now) = now {
            self.known.insert(reference.clone(), now);
        }
        let Some(step) = step.filter(|_| self.is_listed && acts_here) else { return false };
        if self.untold.len() >= MOST {
            self.untold.remove(0);
        }
        let announcement = announce(step, &reference.name);
        self.untold.push(News { kind, reference: reference.clone(), uid, announcement });
        true
    }

    pub(super) fn listed(&mut self) {
        self.is_listed = true;
    }

    pub(super) fn take(&mut self) -> Vec<News> {
        std::mem::take(&mut self.untold)
    }
}

impl Known {
    fn of(object: &Value) -> Self {
        Self {
            uid: object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned(),
            generation: object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_changes_and_goes_is_told_once() {
        let kind =
            resources::SUPPORTING.iter().find(|kind| kind.kind == "ClusterTriggerAuthentication").unwrap();
        let reference = Reference { kind: kind.kind, namespace: String::new(), name: "auth".to_owned() };
        let mut stories = Stories::default();
        let seen = |stories: &mut Stories, object: Option<(&str, i64)>, acts_here: bool| {
            let object = object
                .map(|(uid, generation)| json!({ "metadata": { "uid": uid, "generation": generation } }));
            stories.seen(Reported {
                kind,
                reference: &reference,
                object: object.as_ref(),
                acts_here,
                sees_all: true,
            });
            stories.take().into_iter().map(|news| (news.uid, news.announcement.reason)).collect::<Vec<_>>()
        };
        let told =
            |uid: &str, reason: &str| vec![(uid.to_owned(), format!("ClusterTriggerAuthentication{reason}"))];
        assert_eq!(seen(&mut stories, Some(("a", 1)), true), [], "it was there before");
        stories.listed();
        assert_eq!(seen(&mut stories, Some(("a", 1)), true), [], "only its status has changed");
        assert_eq!(seen(&mut stories, Some(("a", 2)), true), told("a", "Updated"));
        assert_eq!(seen(&mut stories, None, true), told("a", "Deleted"));
        assert_eq!(seen(&mut stories, None, true), []);
        assert_eq!(seen(&mut stories, Some(("b", 1)), true), told("b", "Added"));
        assert_eq!(
            seen(&mut stories, Some(("c", 1)), true),
            told("c", "Added"),
            "it was made anew between two looks"
        );
        assert_eq!(seen(&mut stories, Some(("c", 2)), false), [], "it is somebody else's");
    }
}
