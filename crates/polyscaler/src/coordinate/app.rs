//! The application: which Deployments there are, and which of them belong to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cluster::{Deployment, DeploymentChange};

/// By these labels or annotations a Deployment says what application it belongs to.
const KEYS: [&str; 2] = ["app", "app_name"];

/// What a name in the groups file stands for at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A Deployment of the application.
    Belongs,
    /// A Deployment of another one.
    Foreign,
    /// Nothing.
    Missing,
}

/// A Deployment that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    uid: String,
    belongs: bool,
}

/// The Deployments of the namespace, seen from the application. Cheap to clone; clones share.
#[derive(Clone, Debug)]
pub(super) struct App {
    name: Arc<str>,
    found: Arc<Mutex<HashMap<String, Found>>>,
}

impl App {
    /// The application called `name`, of which nothing is known yet.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), found: Arc::default() }
    }

    /// Takes over a change; returns whether a name may stand for something else now.
    pub(super) fn take(&self, change: DeploymentChange) -> bool {
        let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            DeploymentChange::Applied(deployment) => {
                let found = Found { uid: deployment.uid.clone(), belongs: self.has(&deployment) };
                let before = known.insert(deployment.name, found.clone());
                before != Some(found)
            }
            DeploymentChange::Deleted(name) => known.remove(&name).is_some(),
            DeploymentChange::Synced => false,
        }
    }

    /// Whether a metadata field of the Deployment equals the application's name.
    fn has(&self, deployment: &Deployment) -> bool {
        let marks = [&deployment.labels, &deployment.annotations];
        let mut marks = marks.iter().flat_map(|marks| KEYS.iter().filter_map(|key| marks.get(*key)));
        *deployment.name == *self.name || marks.any(|mark| **mark == *self.name)
    }

    /// What the name stands for.
    pub(super) fn standing(&self, name: &str) -> Standing {
        match self.found.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            Some(found) if found.belongs => Standing::Belongs,
            Some(_) => Standing::Foreign,
            None => Standing::Missing,
        }
    }

    /// The uid of the Deployment of that name, while it exists.
    pub(super) fn uid(&self, name: &str) -> Option<String> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|found| found.uid.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn deployment(name: &str, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Deployment {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let uid = format!("uid of {name}");
        Deployment { name: name.to_owned(), uid, labels: map(labels), annotations: map(annotations) }
    }

    #[test]
    fn a_metadata_field_that_equals_the_name_makes_it_belong() {
        let app = App::new("teastore");
        let cases = [
            (deployment("a", &[("app", "teastore")], &[]), Standing::Belongs),
            (deployment("b", &[("app_name", "teastore")], &[]), Standing::Belongs),
            (deployment("c", &[], &[("app", "teastore")]), Standing::Belongs),
            (deployment("d", &[("app", "other")], &[("app_name", "teastore")]), Standing::Belongs),
            (deployment("teastore", &[], &[]), Standing::Belongs),
            (deployment("teastore-web", &[], &[]), Standing::Foreign),
            (deployment("e", &[("app", "teastores")], &[]), Standing::Foreign),
            (deployment("f", &[("name", "teastore")], &[]), Standing::Foreign),
        ];
        for (deployment, wanted) in cases {
            let name = deployment.name.clone();
            assert_eq!(app.standing(&name), Standing::Missing);
            assert!(app.take(DeploymentChange::Applied(deployment)));
            assert_eq!(app.standing(&name), wanted, "{name}");
        }
    }

    #[test]
    fn only_a_change_that_matters_is_one() {
        let app = App::new("teastore");
        let applied = |labels| DeploymentChange::Applied(deployment("a", labels, &[]));
        assert!(app.take(applied(&[("app", "teastore")])));
        assert!(!app.take(applied(&[("app", "teastore"), ("tier", "front")])));
        assert!(app.take(applied(&[("app", "other")])));
        assert!(app.take(DeploymentChange::Deleted("a".to_owned())));
        assert!(!app.take(DeploymentChange::Deleted("a".to_owned())));
        assert_eq!((app.standing("a"), app.uid("a")), (Standing::Missing, None));
        // Made again at once: another object.
        app.take(applied(&[("app", "teastore")]));
        let mut again = deployment("a", &[("app", "teastore")], &[]);
        again.uid = "another".to_owned();
        assert!(app.take(DeploymentChange::Applied(again)));
        assert_eq!(app.uid("a").as_deref(), Some("another"));
    }
}
