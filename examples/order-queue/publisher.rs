//! `order-queue-publisher`: publishes orders to the stream that `order-queue` takes them from.
//!
//! Settings: `NATS_URL`, `NATS_STREAM` and `NATS_SUBJECT` as `order-queue` has them; `COUNT` of orders, 0 for no end (0);
//! `RATE` in a second (10).

use examples::orders::Orders;
use examples::{Pace, stop_on_signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut pace = Pace::from_env(stop_on_signal()?)?;
    let orders = Orders::from_env().await?;
    while let Some(number) = pace.next().await {
        orders.publish(format!("order-{number}")).await?;
        println!("published order-{number}");
    }
    Ok(())
}
