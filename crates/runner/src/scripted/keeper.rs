//! HPAs in memory: what was asked for, and the failure that the test orders.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use resources::{HpaAction, HpaChange, Reason, WriteFailure};

use crate::{KeepHpa, ObjectKey, Reconciler};

/// What an object asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) owner: ObjectKey,
    /// The name of the HPA; `None` where none is wanted.
    pub(crate) hpa: Option<String>,
    /// Whether it might be written.
    pub(crate) may_write: bool,
}

#[derive(Default)]
pub(crate) struct Keeper {
    asked: Mutex<Vec<Kept>>,
    /// The names of those that were made, and have not been deleted.
    there: Mutex<HashMap<ObjectKey, String>>,
    failure: Mutex<Option<Reason>>,
    lasts: Mutex<Duration>,
}

impl Keeper {
    /// All that was asked for, of objects that keep an HPA or did.
    pub(crate) fn asked(&self) -> Vec<Kept> {
        self.asked.lock().unwrap().clone()
    }

    /// From now on every request takes so long.
    pub(crate) fn take(&self, long: Duration) {
        *self.lasts.lock().unwrap() = long;
    }

    /// From now on every request fails so, or none.
    pub(crate) fn fail(&self, reason: Option<Reason>) {
        *self.failure.lock().unwrap() = reason;
    }
}

impl Reconciler for Keeper {
    fn keep<'a>(
        &'a self,
        wanted: KeepHpa<'a>,
        time_left: &'a (dyn Fn() -> Option<Duration> + Send + Sync),
    ) -> BoxFuture<'a, Result<Vec<HpaChange>, WriteFailure>> {
        async move {
            let lasts = *self.lasts.lock().unwrap();
            if !lasts.is_zero() {
                tokio::time::sleep(lasts).await;
            }
            let hpa = wanted.hpa.map(|hpa| hpa.name.clone());
            let had = self.there.lock().unwrap().get(wanted.owner).cloned();
            if hpa.is_none() && had.is_none() {
                return Ok(Vec::new());
            }
            let may_write = time_left().is_some();
            self.asked.lock().unwrap().push(Kept {
                owner: wanted.owner.clone(),
                hpa: hpa.clone(),
                may_write,
            });
            if let Some(reason) = *self.failure.lock().unwrap() {
                return Err(WriteFailure { reason, message: format!("HPA: {reason}") });
            }
            let mut there = self.there.lock().unwrap();
            match &hpa {
                _ if !may_write => None,
                Some(name) => there.insert(wanted.owner.clone(), name.clone()),
                None => there.remove(wanted.owner),
            };
            let change = |name: Option<String>, action| name.map(|name| HpaChange { name, action });
            let changes = if hpa == had || !may_write {
                [None, None]
            } else {
                [change(had, HpaAction::Deleted), change(hpa, HpaAction::Created)]
            };
            Ok(changes.into_iter().flatten().collect())
        }
        .boxed()
    }
}
