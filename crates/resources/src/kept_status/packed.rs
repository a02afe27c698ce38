//! A status in the least room: two texts, where typed it is a hundred small allocations.
//!
//! There is one for each object, and it is looked at when the object was polled; reading the texts then takes a few
//! microseconds. Its conditions stand apart, as whoever keeps many finds most of them equal.

use std::borrow::Cow;
use std::sync::Arc;

use engine::Memory;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{KeptStatus, MemoryPlace, Status};

/// The field of a status that stands apart.
const CONDITIONS: &str = "conditions";

/// A [`KeptStatus`] that is packed.
#[derive(Clone)]
pub struct PackedStatus {
    place: MemoryPlace,
    unpack: fn(&Self) -> KeptStatus,
    text: Box<str>,
    /// Where in the text the conditions are missing.
    gap: usize,
    /// The conditions; empty where there are none.
    conditions: Arc<str>,
}

/// What the texts say.
#[derive(Deserialize)]
#[serde(bound = "S: Status")]
struct Content<S: Status> {
    memory: Memory,
    beside: Value,
    unreadable: Value,
    status: S,
}

impl PackedStatus {
    pub(super) fn of<S: Status>(status: &S, kept: &KeptStatus) -> Self {
        let (memory, beside, unreadable) = (json!(*kept.memory), status.beside(), kept.unreadable.as_deref());
        let mut status = json!(status);
        let conditions = status.as_object_mut().and_then(|status| status.remove(CONDITIONS));
        let conditions = conditions.map(|conditions| conditions.to_string()).unwrap_or_default();
        let mut text = format!(
            r#"{{"memory":{memory},"beside":{beside},"unreadable":{},"status":"#,
            unreadable.unwrap_or(&Value::Null)
        );
        let gap = text.len() + 1;
        text.push_str(&status.to_string());
        text.push('}');
        Self {
            place: kept.place,
            unpack: Self::unpacked_as::<S>,
            text: text.into(),
            gap,
            conditions: conditions.into(),
        }
    }

    /// The status as it was.
    pub fn unpacked(&self) -> KeptStatus {
        (self.unpack)(self)
    }

    /// The text of its conditions, to be replaced by an equal one that others have, too.
    pub fn conditions_mut(&mut self) -> &mut Arc<str> {
        &mut self.conditions
    }

    fn unpacked_as<S: Status>(&self) -> KeptStatus {
        let Ok(content) = serde_json::from_str::<Content<S>>(&self.whole()) else {
            // As little as of one that somebody has spoilt in the object: it is written anew.
            return KeptStatus::of::<S>(self.place, &Value::Null);
        };
        let Content { status, beside, memory, unreadable } = content;
        KeptStatus {
            place: self.place,
            typed: Arc::new(status.with_beside(beside)),
            memory: Arc::new(memory),
            unreadable: Some(unreadable).filter(|unreadable| !unreadable.is_null()).map(Arc::new),
        }
    }

    /// Both texts in one.
    fn whole(&self) -> Cow<'_, str> {
        if self.conditions.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let (before, after) = self.text.split_at(self.gap);
        let comma = if after.starts_with('}') { "" } else { "," };
        Cow::Owned([before, "\"", CONDITIONS, "\":", &self.conditions, comma, after].concat())
    }
}
