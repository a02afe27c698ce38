//! The source `http` through the hub, against real servers on loopback.

mod answers;
mod bench;
mod endpoints;
mod formats;
mod limits;
mod redirects;
mod reuse;
mod sharing;
mod tls;
