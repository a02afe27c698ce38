//! The source `external` through the hub, against the testbed's external scaler.

mod push;
mod readings;
