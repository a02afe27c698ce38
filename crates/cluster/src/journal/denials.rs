//! What the API server does not let be written, said once for all objects.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::refusal::{Asked, Cause};

/// What could not be written and has been reported: once for each request and cause, however many objects there are,
/// until the request is carried out.
#[derive(Default)]
pub(super) struct Denials(Mutex<HashSet<(String, Option<Cause>)>>);

impl Denials {
    /// The request was denied.
    pub(super) fn report(&self, asked: &Asked, cause: Cause, problem: &str) {
        if self.lock().insert((asked.to_string(), Some(cause))) {
            tracing::warn!(request = %asked, problem, "permission denied, this is not reported again until \
                 it is granted");
        }
    }

    /// The request failed, as the API server did not answer or had another reason.
    pub(super) fn failed(&self, asked: &Asked, error: &str) {
        if self.lock().insert((asked.to_string(), None)) {
            tracing::warn!(request = %asked, error,
                "statuses cannot be written, they are tried again; this is not reported again until one is written");
        }
    }

    /// The request was carried out.
    pub(super) fn granted(&self, asked: &Asked) {
        let mut denied = self.lock();
        // Nearly always so, and then nothing is to be written out.
        if denied.is_empty() {
            return;
        }
        let request = asked.to_string();
        let of_request = denied.extract_if(|(denied, _)| *denied == request);
        let causes: Vec<Option<Cause>> = of_request.map(|(_, cause)| cause).collect();
        if causes.iter().any(Option::is_some) {
            tracing::info!(request, "permission granted");
        }
        if causes.contains(&None) {
            tracing::info!(request, "statuses are written again");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(String, Option<Cause>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
