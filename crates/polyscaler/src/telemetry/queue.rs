//! Between the spans that end and the receiver: a bounded queue, and one task that empties it.
//!
//! The SDK's own processor sends from a thread of its own, logs each failure, and drops a batch
//! that could not be sent. Here a receiver that is down is reported once, and a batch that it may
//! yet take is kept until it is back; meanwhile the queue fills, and what finds it full is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::exporter::{Encoded, Exporter};
use super::settings::Batch;

/// The end of the queue that spans are put into.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    lost: Arc<AtomicU64>,
}

/// The other end.
pub(super) struct Sender {
    exporter: Exporter,
    spans: mpsc::Receiver<SpanData>,
    batch: Batch,
    lost: Arc<AtomicU64>,
    reported: Reported,
}

/// What was last said aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reported {
    Nothing,
    /// That nothing can be sent.
    Failing,
    /// That some are lost although others are sent.
    Losing,
}

/// Both ends of a queue to `exporter`.
pub(super) fn new(exporter: Exporter, batch: Batch) -> (Queue, Sender) {
    let (put, spans) = mpsc::channel(batch.queue);
    let lost = Arc::new(AtomicU64::new(0));
    let queue = Queue { spans: put, lost: Arc::clone(&lost) };
    (queue, Sender { exporter, spans, batch, lost, reported: Reported::Nothing })
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            // Reported by the sender: a message from here would be one while a span is being closed.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, _resource: &Resource) {}
}

impl Sender {
    /// Sends until `ending`, then what is still in the queue, as far as the receiver takes it.
    pub(super) async fn run(mut self, mut ending: oneshot::Receiver<()>) {
        let mut spans = Vec::new();
        let mut unsent = None;
        loop {
            let ends = tokio::select! {
                biased;
                _ = &mut ending => true,
                () = self.gather(&mut spans, unsent.is_some()) => false,
            };
            if unsent.is_none() && !spans.is_empty() {
                unsent = Some(self.exporter.encode(std::mem::take(&mut spans)));
            }
            if let Some(batch) = unsent.take() {
                unsent = self.send(batch).await;
            }
            if ends {
                break;
            }
        }
        while unsent.is_none() && !self.spans.is_empty() {
            self.spans.recv_many(&mut spans, self.batch.size).await;
            let batch = self.exporter.encode(std::mem::take(&mut spans));
            unsent = self.send(batch).await;
        }
        let left = self.spans.len() + unsent.map_or(0, |batch| batch.spans);
        if left > 0 {
            tracing::warn!(spans = left, "the receiver does not accept the last traces, they are lost");
        }
    }

    /// Waits for a full batch, or until it is time to send what there is. While the last batch
    /// is still unsent the wait is for the receiver.
    async fn gather(&mut self, spans: &mut Vec<SpanData>, unsent: bool) {
        let until = Instant::now() + self.batch.delay;
        while !unsent && spans.len() < self.batch.size {
            let more = self.spans.recv_many(spans, self.batch.size - spans.len());
            if !matches!(tokio::time::timeout_at(until, more).await, Ok(1..)) {
                break;
            }
        }
        if spans.len() < self.batch.size {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Tries once; gives back what may be tried again.
    async fn send(&mut self, batch: Encoded) -> Option<Encoded> {
        let sent = self.exporter.send(&batch).await;
        let endpoint = self.exporter.endpoint();
        let Err(failure) = sent else {
            let lost = self.lost.load(Ordering::Relaxed);
            if self.reported == Reported::Failing {
                self.lost.store(0, Ordering::Relaxed);
                tracing::info!(endpoint, lost, "traces are being sent again");
                self.reported = Reported::Nothing;
            } else if lost > 0 && self.reported == Reported::Nothing {
                tracing::warn!(
                    endpoint,
                    lost,
                    "more spans than can be sent, some are lost; sample fewer with OTEL_TRACES_SAMPLER or \
                     raise OTEL_BSP_MAX_QUEUE_SIZE"
                );
                self.reported = Reported::Losing;
            }
            return None;
        };
        if self.reported != Reported::Failing {
            tracing::warn!(
                endpoint,
                why = failure.why,
                "traces cannot be sent, scaling continues without them"
            );
            self.reported = Reported::Failing;
        }
        if failure.again {
            return Some(batch);
        }
        self.lost.fetch_add(failure.lost(&batch), Ordering::Relaxed);
        None
    }
}
