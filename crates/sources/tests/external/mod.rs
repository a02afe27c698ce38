//! The source `external` through the hub, against a scaler that speaks gRPC for itself.

mod push;
mod readings;
mod scaler;
