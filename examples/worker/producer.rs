//! `worker-producer`: puts jobs into the list that `worker` takes them from.
//!
//! Settings: `REDIS_URL`, `QUEUE` as the worker has them; `COUNT` of jobs, 0 for no end (0);
//! `RATE` in a second (10).

use anyhow::Context as _;
use examples::{Pace, redis_connection, settings, stop_on_signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let queue = settings::text("QUEUE", "jobs");
    let mut pace = Pace::from_env(stop_on_signal()?)?;
    let mut connection = redis_connection().await?;
    while let Some(number) = pace.next().await {
        let mut command = redis::cmd("RPUSH");
        command.arg(&queue).arg(format!("job-{number}"));
        let length: u64 = command.query_async(&mut connection).await.context("RPUSH")?;
        println!("pushed job-{number}, {length} wait");
    }
    Ok(())
}
