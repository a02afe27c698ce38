//! A connection that counts what it receives, and gives up on an answer that is too long.
//!
//! The client library keeps an answer until it is whole, however long it gets. Only what
//! comes between two whole answers counts here, so that a connection may live for ever.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Largest answer that is read, in bytes: a stream has not as many groups.
const MAX_ANSWER: u64 = 256 * 1024;

/// What a connection has received.
#[derive(Debug, Default)]
pub(super) struct Meter {
    received: AtomicU64,
    answered: AtomicU64,
}

impl Meter {
    /// All bytes so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// An answer is whole: the next one may be as long again.
    pub(super) fn answered(&self) {
        self.answered.store(self.received(), Ordering::Relaxed);
    }
}

/// The answer is longer than what is read.
#[derive(Debug)]
pub(super) struct TooMuch;

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the response is larger than {} KiB", MAX_ANSWER / 1024)
    }
}

impl std::error::Error for TooMuch {}

/// A stream that a meter counts.
pub(super) struct Bounded<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl<S> Bounded<S> {
    pub(super) fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let new = (buffer.filled().len() - before) as u64;
        let received = self.meter.received.fetch_add(new, Ordering::Relaxed) + new;
        let answered = self.meter.answered.load(Ordering::Relaxed);
        let within = received.saturating_sub(answered) <= MAX_ANSWER;
        Poll::Ready(if within { Ok(()) } else { Err(io::Error::other(TooMuch)) })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn only_what_comes_between_two_answers_counts() {
        let (mut server, client) = tokio::io::duplex(1024 * 1024);
        let meter = Arc::new(Meter::default());
        let mut stream = Bounded::new(client, Arc::clone(&meter));
        let mut answer = vec![0; MAX_ANSWER as usize];
        for _ in 0..3 {
            server.write_all(&answer).await.unwrap();
            stream.read_exact(&mut answer).await.unwrap();
            meter.answered();
        }
        server.write_all(&answer).await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        server.write_all(b"x").await.unwrap();
        let error = stream.read_u8().await.unwrap_err();
        assert!(error.to_string().contains("256 KiB"), "{error}");
        assert_eq!(meter.received(), 4 * MAX_ANSWER + 1);
    }
}
