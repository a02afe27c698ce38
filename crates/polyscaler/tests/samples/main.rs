//! The sample applications, each as local processes under load: the real operator reads the
//! real server that the sample uses, and the Deployment of the sample's manifest follows.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod broker;
mod event_queue;
mod external_policy;
#[path = "../harness/mod.rs"]
mod harness;
mod http_app;
mod programs;
mod python;
mod sample;
mod worker;
