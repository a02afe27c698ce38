//! The source `redis` through the hub, against real Redis servers and against one that answers
//! like a bad one.

mod access;
mod bad_answers;
mod bench;
mod cluster;
mod forks;
mod given_later;
mod guard;
mod measures;
mod replicas;
mod restarts;
mod secrecy;
mod sentinel;
mod sharing;
mod tls;
