//! The calls among the services of a group, by the pods that are ready.

use std::collections::BTreeMap;

use serde_json::Value;
use testbed::teastore::{self, COUNT, SERVICES, Traffic};

/// What arrives and what can be served at one moment.
pub(in crate::demo) struct Calls {
    traffic: [Traffic; COUNT],
    ready: [u32; COUNT],
    busiest: Busiest,
}

/// The service with the highest load for its pods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::demo) struct Busiest {
    /// Its name in the group.
    pub(in crate::demo) name: &'static str,
    /// What the load at the entry means for it, over what its ready pods can bear.
    pub(in crate::demo) load: f64,
}

impl Calls {
    /// With `entry` calls per second, and the pods that are `ready` by Deployment.
    pub(in crate::demo) fn new(entry: f64, ready: &BTreeMap<String, u32>) -> Self {
        let ready = SERVICES.each_ref().map(|service| ready.get(&service.deployment()).copied().unwrap_or(0));
        let loads =
            SERVICES.iter().zip(teastore::demands(entry)).zip(ready).map(|((service, demand), ready)| {
                // Without a pod it is as busy as one pod would be, at least.
                Busiest { name: service.name, load: demand / (service.capacity * f64::from(ready.max(1))) }
            });
        let first = Busiest { name: SERVICES[0].name, load: 0.0 };
        let busiest = loads.fold(first, |most, next| if next.load > most.load { next } else { most });
        Self { traffic: teastore::traffic(entry, &ready), ready, busiest }
    }

    /// What scalers read.
    pub(in crate::demo) fn report(&self) -> Value {
        teastore::report(&self.traffic, &self.ready)
    }

    /// Calls a second that arrive at a Deployment of the group.
    pub(in crate::demo) fn arriving(&self, deployment: &str) -> Option<f64> {
        let place = SERVICES.iter().position(|service| service.deployment() == deployment)?;
        Some(self.traffic[place].arriving)
    }

    /// The bottleneck.
    pub(in crate::demo) fn busiest(&self) -> Busiest {
        self.busiest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_is_the_one_with_the_most_for_its_pods() {
        let pods = |changes: &[(&str, u32)]| {
            let mut ready: BTreeMap<String, u32> =
                SERVICES.iter().map(|service| (service.deployment(), 10)).collect();
            ready.extend(changes.iter().map(|(name, count)| ((*name).to_owned(), *count)));
            ready
        };
        let calls = Calls::new(500.0, &pods(&[("teastore-db", 2)]));
        assert_eq!(calls.busiest().name, "db");
        assert!((calls.busiest().load - 1043.0 / 500.0).abs() < 1e-9, "{:?}", calls.busiest());
        assert_eq!(calls.arriving("teastore-auth"), Some(450.0));
        assert_eq!(calls.arriving("elsewhere"), None);
        // A saturated entry hides the others' traffic, but not their demand.
        let calls = Calls::new(500.0, &pods(&[("teastore-webui", 1), ("teastore-image", 1)]));
        assert_eq!(calls.busiest().name, "image");
        assert_eq!(calls.arriving("teastore-image"), Some(160.0));
        assert_eq!(
            calls.report()["webui"],
            serde_json::json!({ "arriving": 500.0, "served": 100.0, "ready": 1 })
        );
    }
}
