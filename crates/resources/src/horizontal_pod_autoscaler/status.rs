//! The status of an HPA is its controller's: nothing is kept in it.

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::common::status::ObservedStatus;
use crate::kept_status::Status;

/// A status that is never written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct NotKept {}

impl Status for NotKept {
    fn update(&mut self, _: &Outcome) {}

    fn clear_volatile(&mut self) {}

    fn observed(&self) -> Option<&ObservedStatus> {
        None
    }
}
