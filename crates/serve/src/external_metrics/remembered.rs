//! What the API server said a moment ago, so that it is not asked the same for each request.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an answer is used: a right that is withdrawn is withdrawn after that.
const VALID: Duration = Duration::from_secs(10);
/// More are never kept, as a stranger can ask as many questions as it likes.
const MOST: usize = 10_000;

/// Answers by their questions.
pub(super) struct Remembered<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    /// The answer that is remembered, or that of `ask`. What failed is not remembered.
    pub(super) async fn or_ask<E>(
        &self,
        question: K,
        ask: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let known = self.lock().get(&question).filter(|(at, _)| at.elapsed() < VALID).map(|(_, v)| v.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let answer = ask.await?;
        let mut kept = self.lock();
        if kept.len() >= MOST {
            kept.retain(|_, (at, _)| at.elapsed() < VALID);
        }
        if kept.len() < MOST {
            kept.insert(question, (Instant::now(), answer.clone()));
        }
        Ok(answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_used_for_ten_seconds_and_a_failure_never() {
        let remembered = Remembered::default();
        let ask = async |answer: Result<u32, &'static str>| remembered.or_ask("who", async { answer }).await;
        assert_eq!(ask(Err("no answer")).await, Err("no answer"));
        assert_eq!(ask(Ok(1)).await, Ok(1));
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert_eq!(ask(Ok(2)).await, Ok(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(ask(Ok(2)).await, Ok(2));
        assert_eq!(remembered.or_ask("else", async { Ok::<_, ()>(3) }).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn more_questions_than_are_kept_take_no_more_room() {
        let remembered = Remembered::default();
        for question in 0..MOST + 5 {
            remembered.or_ask(question, async { Ok::<_, ()>(question) }).await.unwrap();
        }
        assert_eq!(remembered.lock().len(), MOST);
        tokio::time::advance(VALID).await;
        remembered.or_ask(MOST + 6, async { Ok::<_, ()>(0) }).await.unwrap();
        assert_eq!(remembered.lock().len(), 1);
    }
}
