//! What policies remember between two decisions: typed for the policy, a value to everyone else.
//!
//! A policy asks for the type that it keeps, for one member at a time. What comes from a stored status is read
//! into that type when it is first asked for; what cannot be read, because an earlier version or another policy
//! wrote it, begins as the type's default. So a policy never sees another's memory.

use std::any::Any;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What one policy remembers of one member.
#[derive(Clone, Debug)]
pub struct PolicyMemory(Form);

#[derive(Debug)]
enum Form {
    /// As it was stored.
    Stored(Value),
    /// As the policy has it.
    Typed(Box<dyn Remembered>),
}

/// What a policy may keep: any plain value that can be stored.
pub trait Remember:
    Any + Clone + Default + PartialEq + fmt::Debug + Send + Sync + Serialize + DeserializeOwned
{
}

impl<T> Remember for T where
    T: Any + Clone + Default + PartialEq + fmt::Debug + Send + Sync + Serialize + DeserializeOwned
{
}

/// [`Remember`] without its type.
trait Remembered: Any + fmt::Debug + Send + Sync {
    fn copy(&self) -> Box<dyn Remembered>;
    fn to_value(&self) -> Value;
    fn as_any(&mut self) -> &mut dyn Any;
}

impl<T: Remember> Remembered for T {
    fn copy(&self) -> Box<dyn Remembered> {
        Box::new(self.clone())
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl PolicyMemory {
    /// What is remembered, as the type `T`; its default where nothing is, or something of another type.
    pub fn of<T: Remember>(&mut self) -> &mut T {
        if let Form::Stored(stored) = &self.0 {
            let read = T::deserialize(stored).unwrap_or_default();
            self.0 = Form::Typed(Box::new(read));
        }
        let is_other = |kept: &mut Box<dyn Remembered>| (**kept).as_any().downcast_mut::<T>().is_none();
        if let Form::Typed(kept) = &mut self.0
            && is_other(kept)
        {
            *kept = Box::new(T::default());
        }
        match &mut self.0 {
            Form::Typed(kept) => match (**kept).as_any().downcast_mut() {
                Some(kept) => kept,
                None => unreachable!("it has just been made of this type"),
            },
            Form::Stored(_) => unreachable!("it has just been read"),
        }
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            Form::Stored(value) => value.clone(),
            Form::Typed(kept) => (**kept).to_value(),
        }
    }
}

impl Default for PolicyMemory {
    fn default() -> Self {
        Self(Form::Stored(Value::Null))
    }
}

impl Clone for Form {
    fn clone(&self) -> Self {
        match self {
            Self::Stored(value) => Self::Stored(value.clone()),
            Self::Typed(kept) => Self::Typed((**kept).copy()),
        }
    }
}

impl PartialEq for PolicyMemory {
    fn eq(&self, other: &Self) -> bool {
        self.to_value() == other.to_value()
    }
}

impl Serialize for PolicyMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PolicyMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Form::Stored(Value::deserialize(deserializer)?)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Trend {
        slope: f64,
    }

    #[test]
    fn a_policy_gets_back_what_it_kept_also_from_storage() {
        let mut memory = PolicyMemory::default();
        memory.of::<Trend>().slope = 2.5;
        assert_eq!(memory.of::<Trend>().slope, 2.5);
        let stored = serde_json::to_value(&memory).unwrap();
        assert_eq!(stored, json!({ "slope": 2.5 }));
        let mut restored: PolicyMemory = serde_json::from_value(stored).unwrap();
        assert_eq!(restored, memory);
        assert_eq!(restored.of::<Trend>().slope, 2.5);
        assert_eq!(restored.clone(), memory);
    }

    #[test]
    fn what_another_policy_kept_is_not_seen() {
        let mut memory = PolicyMemory::default();
        *memory.of::<u64>() = 7;
        assert_eq!(*memory.of::<Trend>(), Trend::default());
        let mut stored: PolicyMemory = serde_json::from_value(json!("words")).unwrap();
        assert_eq!(*stored.of::<u64>(), 0);
    }
}
