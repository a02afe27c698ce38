//! The kinds that triggers refer to for credentials.

mod parameters;

pub(crate) use parameters::{Authentication, Given};
