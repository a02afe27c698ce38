//! Fits of forecasts, made once: contenders that listen to the same load have the same seasons.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use forecast::{FitJob, Fitted};

/// What was fitted, by what it was fitted to. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Fits(Arc<Mutex<HashMap<u128, Fitted>>>);

impl Fits {
    /// What comes of a fit. It does not depend on who has asked for it before.
    pub(super) fn run(&self, job: FitJob) -> Fitted {
        let key = job.digest();
        if let Some(fitted) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return fitted.clone();
        }
        // Two threads may make the same one; that costs time and changes nothing.
        let fitted = job.run();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, fitted.clone());
        fitted
    }
}
