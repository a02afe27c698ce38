//! The source `prometheus` through the hub, against the real server that scrapes real samples.

mod bad_answers;
mod bench;
mod credentials;
mod oauth2;
mod queries;
mod restarts;
mod tls;
