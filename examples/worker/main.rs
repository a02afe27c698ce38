//! `worker`: takes jobs from a Redis list, one at a time. The GeneralScaler beside this file
//! follows the length of the list.
//!
//! Settings: `REDIS_URL` (redis://127.0.0.1:6379), `QUEUE` (jobs), `WORK_MILLISECONDS` that a
//! job takes (500).
//!
//! A job is gone from the list when a worker has it: one that is killed loses its job. SIGTERM
//! lets it finish the job first.

use std::time::Duration;

use examples::{redis_connection, settings, stop_on_signal};
use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio_util::sync::CancellationToken;

/// How long one wait for a job lasts. Cut short from here it could lose the job that just comes.
const WAIT_SECONDS: u64 = 1;

/// Before Redis is tried again.
const PAUSE: Duration = Duration::from_secs(1);

struct Worker {
    queue: String,
    work: Duration,
    stop: CancellationToken,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let worker = Worker {
        queue: settings::text("QUEUE", "jobs"),
        work: settings::milliseconds("WORK_MILLISECONDS", 500)?,
        stop: stop_on_signal()?,
    };
    while !worker.stop.is_cancelled() {
        let ended = match redis_connection().await {
            Ok(connection) => worker.drain(connection).await.map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            eprintln!("redis: {error:#}");
            let _ = tokio::time::timeout(PAUSE, worker.stop.cancelled()).await;
        }
    }
    println!("stopped");
    Ok(())
}

impl Worker {
    /// Does jobs until it is to stop or Redis fails.
    async fn drain(&self, mut connection: MultiplexedConnection) -> Result<(), RedisError> {
        println!("waiting for jobs in {}", self.queue);
        while !self.stop.is_cancelled() {
            let mut command = redis::cmd("BLPOP");
            command.arg(&self.queue).arg(WAIT_SECONDS);
            let job: Option<(String, String)> = command.query_async(&mut connection).await?;
            if let Some((_, job)) = job {
                tokio::time::sleep(self.work).await;
                println!("done {job}");
            }
        }
        Ok(())
    }
}
