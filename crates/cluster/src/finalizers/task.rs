//! What is to be done about the finalizers of one object. Pure.

use resources::{Finalizer, Restoration};
use serde_json::Value;

/// A change of an object's finalizers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// The resourceVersion that it rests on.
    pub(super) version: String,
    /// The finalizer that comes or goes.
    pub(super) finalizer: &'static str,
    /// Whether it comes.
    pub(super) adds: bool,
    /// All finalizers afterwards.
    pub(super) finalizers: Vec<String>,
    /// What is done before.
    pub(super) restoration: Option<Restoration>,
}

impl Task {
    /// What the object asks for; `None` where its finalizers are as they should be.
    pub(super) fn of(finalizer: &Finalizer, object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let mut finalizers: Vec<String> = object
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let has_it = finalizers.iter().any(|name| name == finalizer.name);
        let is_deleted = text("/metadata/deletionTimestamp").is_some();
        let wants_it = !is_deleted && (finalizer.is_needed)(object);
        if has_it == wants_it {
            return None;
        }
        if wants_it {
            finalizers.push(finalizer.name.to_owned());
        } else {
            finalizers.retain(|name| name != finalizer.name);
        }
        let restores = is_deleted && (finalizer.is_needed)(object);
        Some(Self {
            version: text("/metadata/resourceVersion")?.to_owned(),
            finalizer: finalizer.name,
            adds: wants_it,
            finalizers,
            restoration: restores.then(|| (finalizer.restoration)(object)).flatten(),
        })
    }
}

#[cfg(test)]
mod tests {
    use engine::Target;
    use serde_json::json;

    use super::*;

    const FINALIZER: Finalizer = Finalizer {
        name: "finalizer.test",
        is_needed: |object| object["spec"]["restore"] == true,
        restoration: |object| {
            let replicas = u32::try_from(object["status"]["before"].as_u64()?).ok()?;
            Some(Restoration { target: target(), replicas })
        },
    };

    fn target() -> Target {
        Target {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        }
    }

    fn object(restore: bool, finalizers: &[&str], deleted: bool) -> Value {
        let mut object = json!({
            "metadata": { "name": "web", "resourceVersion": "7", "finalizers": finalizers },
            "spec": { "restore": restore },
            "status": { "before": 3 },
        });
        if deleted {
            object["metadata"]["deletionTimestamp"] = json!("2023-11-14T22:13:20Z");
        }
        object
    }

    #[test]
    fn it_comes_where_a_deletion_leaves_something_to_do_and_goes_elsewhere() {
        let (own, other) = ("finalizer.test", "foregroundDeletion");
        let restoration = Some(Restoration { target: target(), replicas: 3 });
        for (restore, before, deleted, expected) in [
            (false, vec![], false, None),
            (false, vec![other], false, None),
            (false, vec![other, own], false, Some((false, vec![other], None))),
            (true, vec![other], false, Some((true, vec![other, own], None))),
            (true, vec![own], false, None),
            (false, vec![own], true, Some((false, vec![], None))),
            (true, vec![own, other], true, Some((false, vec![other], restoration))),
            // What is being deleted gets none any more.
            (true, vec![other], true, None),
        ] {
            let found = Task::of(&FINALIZER, &object(restore, &before, deleted));
            let expected = expected.map(|(adds, finalizers, restoration)| Task {
                version: "7".to_owned(),
                finalizer: own,
                adds,
                finalizers: finalizers.into_iter().map(str::to_owned).collect(),
                restoration,
            });
            assert_eq!(found, expected, "{restore} {before:?} {deleted}");
        }
    }

    #[test]
    fn one_that_is_of_no_use_goes() {
        let finalizer = Finalizer::of_others("finalizer.test");
        let task = Task::of(&finalizer, &object(true, &["finalizer.test"], true)).unwrap();
        assert_eq!((task.adds, task.finalizers.len(), task.restoration), (false, 0, None));
    }
}
