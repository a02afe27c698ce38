//! Spans of time as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time such as `30s`, `250ms` or `1h30m`; a bare number is seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Span(pub Duration);

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// In seconds.
    pub fn as_seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_seconds())
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 30s, 250ms or 1h30m")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
        let parsed: Result<jiff::SignedDuration, _> = text.parse();
        let span = parsed.ok().and_then(|span| Duration::try_from(span).ok());
        span.map(Span).ok_or_else(|| {
            E::custom(format!(
                "{text:?} is not a duration; use one such as 30s, 250ms or \
                 1h30m"
            ))
        })
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Span, E> {
        let span = Duration::try_from_secs_f64(seconds);
        span.map(Span).map_err(|_| E::custom(format!("{seconds} is not a duration")))
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Span, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Span, E> {
        self.visit_f64(seconds as f64)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let span = deserializer.deserialize_any(SpanVisitor)?;
        if span.0 > Duration::from_secs(30 * 86_400) {
            return Err(D::Error::custom("must not be above 30 days"));
        }
        Ok(span)
    }
}
