//! Who leads, as far as this replica knows: what a replica that does not lead goes by when it is asked for what
//! only the leader knows.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Leader {
    /// Nobody that this replica knows of.
    #[default]
    Unknown,
    /// This replica.
    This,
    /// Another replica.
    Other {
        /// Its identity, as the Lease has it.
        identity: String,
        /// Host and port at which replicas reach it; `None` where it gives none.
        address: Option<String>,
    },
}

/// See the module. Kept by the election, read by whoever serves.
#[derive(Debug, Default)]
pub struct Leadership(Mutex<Leader>);

impl Leadership {
    /// Who leads.
    pub fn leader(&self) -> Leader {
        self.lock().clone()
    }

    /// Notes who leads.
    pub fn note(&self, leader: Leader) {
        *self.lock() = leader;
    }

    fn lock(&self) -> MutexGuard<'_, Leader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
