//! Reads and moves only what is the application's. A group may name a Deployment that is missing; one
//! of someone else that takes the name is not to be touched for a moment, however late its change of
//! labels is heard of.

use std::time::Duration;

use engine::{LastScaled, Scale, Target};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use resources::{Reason, TargetFailure, WriteFailure};
use runner::Actuator;

use super::app::{App, Standing};

/// `targets`, as far as they belong to `app`.
pub(super) struct OwnTargets<A> {
    pub(super) app: App,
    pub(super) targets: A,
}

impl<A> OwnTargets<A> {
    /// Why `target` is not to be touched, if so.
    fn stranger(&self, target: &Target) -> Option<String> {
        match self.app.standing(&target.name) {
            Standing::Belongs => None,
            Standing::Missing => Some(format!("{target} does not exist")),
            Standing::Foreign => Some(format!("{target} does not belong to the application")),
        }
    }
}

impl<A: Actuator> Actuator for OwnTargets<A> {
    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Scale, TargetFailure>> {
        match self.stranger(target) {
            None => self.targets.observe(target),
            Some(message) => ready(Err(TargetFailure { reason: Reason::TargetNotFound, message })).boxed(),
        }
    }

    fn last_scaled<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, LastScaled> {
        self.targets.last_scaled(target)
    }

    fn changed_by<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Option<String>> {
        self.targets.changed_by(target)
    }

    fn scale<'a>(
        &'a self,
        target: &'a Target,
        from: u32,
        to: u32,
        time_left: Duration,
    ) -> BoxFuture<'a, Result<(), WriteFailure>> {
        match self.stranger(target) {
            None => self.targets.scale(target, from, to, time_left),
            Some(message) => ready(Err(WriteFailure { reason: Reason::TargetNotFound, message })).boxed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use cluster::{Deployment, DeploymentChange};

    use super::*;

    /// Takes whatever it is asked, and remembers what it wrote.
    #[derive(Default)]
    struct Anything(Mutex<Vec<String>>);

    impl Actuator for Anything {
        fn observe<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<Scale, TargetFailure>> {
            ready(Ok(Scale { replicas: 1, status_replicas: 1, ready: Some(1) })).boxed()
        }

        fn last_scaled<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, LastScaled> {
            ready(LastScaled::NotByUs).boxed()
        }

        fn changed_by<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Option<String>> {
            ready(None).boxed()
        }

        fn scale<'a>(
            &'a self,
            target: &'a Target,
            _: u32,
            _: u32,
            _: Duration,
        ) -> BoxFuture<'a, Result<(), WriteFailure>> {
            self.0.lock().unwrap().push(target.name.clone());
            ready(Ok(())).boxed()
        }
    }

    #[tokio::test]
    async fn only_what_belongs_to_the_application_is_touched() {
        let app = App::new("teastore");
        for (name, label) in [("ours", "teastore"), ("theirs", "other")] {
            let labels = BTreeMap::from([("app".to_owned(), label.to_owned())]);
            let deployment = Deployment { name: name.to_owned(), labels, ..Deployment::default() };
            app.take(DeploymentChange::Applied(deployment));
        }
        let own = OwnTargets { app, targets: Anything::default() };
        for (name, refused) in [
            ("ours", None),
            ("theirs", Some("Deployment shop/theirs does not belong to the application")),
            ("missing", Some("Deployment shop/missing does not exist")),
        ] {
            let target = Target {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: "shop".to_owned(),
                name: name.to_owned(),
            };
            let seen = own.observe(&target).await.map_err(|failure| failure.message);
            let written = own.scale(&target, 1, 2, Duration::from_secs(1)).await;
            assert_eq!(seen.err().as_deref(), refused);
            assert_eq!(written.map_err(|failure| failure.message).err().as_deref(), refused);
        }
        assert_eq!(*own.targets.0.lock().unwrap(), ["ours"]);
    }
}
