//! Requests that come whether or not earlier ones have been answered, as those of many callers do.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Distribution;

/// What came of requests.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// From the moment at which each was due to its answer: what waits for others counts, too.
    pub times: Distribution,
    /// How many had none, or another than was wanted.
    pub failed: usize,
    /// What the last of those said.
    pub problem: Option<String>,
}

/// Sends `rate` requests a second for `span`, each by a `request` of its own number, and waits for all of them.
pub async fn steady_load<F>(rate: u32, span: Duration, request: impl Fn(usize) -> F) -> Answered
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (begin, count) = (Instant::now(), (f64::from(rate) * span.as_secs_f64()) as usize);
    let mut asked = JoinSet::new();
    for index in 0..count {
        let due = begin + Duration::from_secs_f64(index as f64 / f64::from(rate));
        tokio::time::sleep_until(due).await;
        let request = request(index);
        asked.spawn(async move { request.await.map(|()| due.elapsed()) });
    }
    let mut answered = Answered::default();
    let mut times = Vec::with_capacity(count);
    while let Some(ended) = asked.join_next().await {
        match ended.map_err(anyhow::Error::from).flatten() {
            Ok(time) => times.push(time),
            Err(error) => {
                answered.failed += 1;
                answered.problem = Some(format!("{error:#}"));
            }
        }
    }
    Answered { times: times.into_iter().collect(), ..answered }
}
