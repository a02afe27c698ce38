//! What the sample applications share: settings from the environment, the end that a signal
//! asks for, a steady pace, and the ways to Redis, Pub/Sub and NATS.

pub mod orders;
mod pace;
pub mod pubsub;
mod redis_server;
pub mod settings;
mod stop;

pub use pace::Pace;
pub use redis_server::redis_connection;
pub use stop::stop_on_signal;
