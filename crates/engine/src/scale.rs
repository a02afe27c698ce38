//! The scale of a target, as the API server has it.

/// The replicas of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Replicas asked for (`spec.replicas`).
    pub replicas: u32,
    /// Replicas that exist (`status.replicas`).
    pub status_replicas: u32,
    /// Replicas that are ready, where the target's kind reports them.
    pub ready: Option<u32>,
}

impl Scale {
    /// Replicas that serve: the ready ones, or all that exist where the target's kind does not report it them.
    pub fn serving(self) -> u32 {
        self.ready.unwrap_or(self.status_replicas)
    }
}
