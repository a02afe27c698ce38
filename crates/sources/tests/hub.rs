//! The sources through the hub, one folder a source, in one program.
#![allow(clippy::unwrap_used, reason = "clippy knows tests by their attribute, not their helpers")]

mod adviser;
mod external;
mod http;
mod nats;
mod prometheus;
mod pubsub;
mod redis;
mod support;
