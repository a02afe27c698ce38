//! Ways to the world: which addresses may be called, names, TLS, and the protocols that more than one part speaks.

pub(crate) mod address;
pub(crate) mod dial;
pub mod grpc;
pub(crate) mod http_client;
pub(crate) mod json_number;
mod private_key;
pub(crate) mod tls;
