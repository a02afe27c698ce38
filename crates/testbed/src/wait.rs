//! Waiting for a state of the world, never for an amount of time. Tests call
//! this instead of sleeping.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;

/// The pause between two looks: short against what is waited for, long against what a look costs.
const POLL: Duration = Duration::from_millis(50);

/// One look at the world: the thing waited for, or what was seen instead.
///
/// `Option` says only "not yet"; `Result` also says what there was, which ends up in the error.
pub trait Look {
    /// What is waited for.
    type Found;

    /// Splits into the thing found or a description of the state seen.
    fn found(self) -> Result<Self::Found, String>;
}

impl<T> Look for Option<T> {
    type Found = T;

    fn found(self) -> Result<T, String> {
        self.ok_or_else(|| "not yet".to_owned())
    }
}

impl<T, E: Display> Look for Result<T, E> {
    type Found = T;

    fn found(self) -> Result<T, String> {
        self.map_err(|state| format!("{state:#}"))
    }
}

/// Looks again and again until the look finds something, for `deadline` at most.
/// A look that hangs is cut off at the deadline. The error names `what` and the last state seen.
pub async fn until<L, F, Fut>(what: &str, deadline: Duration, mut look: F) -> anyhow::Result<L::Found>
where
    L: Look,
    F: FnMut() -> Fut,
    Fut: Future<Output = L>,
{
    let end = Instant::now() + deadline;
    let mut last = "nothing, the first look did not return".to_owned();
    loop {
        match tokio::time::timeout_at(end, look()).await.map(Look::found) {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(state)) => last = state,
            Err(_) => bail!("{what}: not within {deadline:?}; last seen: {last}"),
        }
        if Instant::now() + POLL >= end {
            bail!("{what}: not within {deadline:?}; last seen: {last}");
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::until;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn returns_what_was_found() {
        let looks = Cell::new(0);
        let look = || async {
            looks.set(looks.get() + 1);
            (looks.get() == 3).then_some("here")
        };
        assert_eq!(until("a thing", LIMIT, look).await.unwrap(), "here");
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_names_the_thing_and_the_last_state() {
        let look = || async { Err::<(), _>("2 of 5 ready") };
        let error = until("five pods", LIMIT, look).await.unwrap_err().to_string();
        assert!(error.contains("five pods") && error.contains("2 of 5 ready"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_hangs_is_cut_off() {
        let look = std::future::pending::<Option<()>>;
        assert!(until("anything", LIMIT, look).await.is_err());
    }
}
