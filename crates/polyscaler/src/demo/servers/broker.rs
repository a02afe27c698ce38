//! What a server that holds queues can do, whichever it is.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::demo::scenario::Queue;

/// How long a server may take to answer. A machine that builds something beside is slow.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that holds queues.
pub(in crate::demo) trait Broker: Send + Sync {
    /// Where it reports what waits.
    fn url(&self) -> String;

    /// Adds so many entries to a queue.
    fn put<'a>(&'a self, queue: &'a Queue, entries: usize) -> BoxFuture<'a, anyhow::Result<()>>;

    /// Takes up to `most` entries, which are done with then; how many there were.
    fn take<'a>(&'a self, queue: &'a Queue, most: usize) -> BoxFuture<'a, anyhow::Result<usize>>;
}
