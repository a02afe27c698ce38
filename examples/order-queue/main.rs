//! `order-queue`: takes orders from a NATS stream, one at a time. The ScalingRule beside this file follows the orders
//! that wait.
//!
//! Settings: `NATS_URL` (nats://127.0.0.1:4222), `NATS_STREAM` (ORDERS), `NATS_SUBJECT` (orders.processing),
//! `WORK_MILLISECONDS` that an order takes (500).
//!
//! An order is acknowledged when it has been dealt with: one whose worker dies comes again.

use std::time::Duration;

use anyhow::anyhow;
use async_nats::jetstream::consumer::PullConsumer;
use examples::orders::Orders;
use examples::{settings, stop_on_signal};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

/// How long one wait for an order lasts. Cut short from here it could lose the order that just comes.
const WAIT: Duration = Duration::from_secs(1);

/// Before NATS is tried again.
const PAUSE: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let work = settings::milliseconds("WORK_MILLISECONDS", 500)?;
    let stop = stop_on_signal()?;
    while !stop.is_cancelled() {
        if let Err(error) = drain(work, &stop).await {
            eprintln!("nats: {error:#}");
            let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
        }
    }
    println!("stopped");
    Ok(())
}

/// Does orders until it is to stop or NATS fails.
async fn drain(work: Duration, stop: &CancellationToken) -> anyhow::Result<()> {
    let orders = Orders::from_env().await?;
    let consumer = orders.consumer().await?;
    println!("waiting for orders");
    while !stop.is_cancelled() {
        next(&consumer, work).await?;
    }
    Ok(())
}

/// Deals with one order, if one comes.
async fn next(consumer: &PullConsumer, work: Duration) -> anyhow::Result<()> {
    let mut pulled = consumer.batch().max_messages(1).expires(WAIT).messages().await?;
    while let Some(order) = pulled.next().await {
        let order = order.map_err(|error| anyhow!("no order: {error}"))?;
        tokio::time::sleep(work).await;
        // Heard by the server before the next one is asked for.
        order.double_ack().await.map_err(|error| anyhow!("not acknowledged: {error}"))?;
        println!("done {}", String::from_utf8_lossy(&order.payload));
    }
    Ok(())
}
