//! The real operator where the API server goes away, hangs, or holds what it should not: each
//! test has a control plane of its own.

mod away;
mod hanging;
mod no_crds;
mod prometheus_stopped;
mod stored_before;
