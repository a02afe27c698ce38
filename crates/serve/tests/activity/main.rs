//! The real activity listener over boards that are filled here: what it answers over HTTP, and
//! how a real browser shows the page. Pictures are kept in Cargo's folder for tests' files.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod answers;
mod fill;
mod groups;
mod hostile;
mod looks;
mod many;
mod object;
mod stage;
