//! `event-queue`: takes events from a Pub/Sub subscription, one at a time. The GeneralScaler
//! beside this file follows the subscription's backlog.
//!
//! Settings: `PUBSUB_EMULATOR_HOST` (Google's own service), `PUBSUB_PROJECT` (my-project),
//! `PUBSUB_SUBSCRIPTION` (events), `WORK_MILLISECONDS` that an event takes (500).
//!
//! An event is acknowledged when it has been dealt with: one whose subscriber dies comes again.

use std::time::Duration;

use examples::pubsub::PubSub;
use examples::{settings, stop_on_signal};
use tokio_util::sync::CancellationToken;

/// Before Pub/Sub is asked again that failed or had nothing.
const PAUSE: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let work = settings::milliseconds("WORK_MILLISECONDS", 500)?;
    let stop = stop_on_signal()?;
    let pubsub = PubSub::from_env()?;
    println!("waiting for events");
    while !stop.is_cancelled() {
        if let Err(error) = next(&pubsub, work, &stop).await {
            eprintln!("pubsub: {error:#}");
            let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
        }
    }
    println!("stopped");
    Ok(())
}

/// Deals with one event, if one comes.
async fn next(pubsub: &PubSub, work: Duration, stop: &CancellationToken) -> anyhow::Result<()> {
    let pulled = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        pulled = pubsub.pull() => pulled?,
    };
    let Some(event) = pulled else {
        let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
        return Ok(());
    };
    tokio::time::sleep(work).await;
    pubsub.acknowledge(&event).await?;
    println!("acknowledged {}", event.text);
    Ok(())
}
