//! `event-queue-publisher`: publishes events to the topic that `event-queue` subscribes to.
//!
//! Settings: `PUBSUB_EMULATOR_HOST`, `PUBSUB_PROJECT`, `PUBSUB_SUBSCRIPTION` as the subscriber has
//! them; `PUBSUB_TOPIC` (events); `COUNT` of events, 0 for no end (0); `RATE` in a second (10).

use examples::pubsub::PubSub;
use examples::{Pace, stop_on_signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let pubsub = PubSub::from_env()?;
    pubsub.prepare().await?;
    let mut pace = Pace::from_env(stop_on_signal()?)?;
    while let Some(number) = pace.next().await {
        pubsub.publish(&format!("event-{number}")).await?;
        println!("published event-{number}");
    }
    Ok(())
}
