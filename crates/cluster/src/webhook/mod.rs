//! What the API server must know to call the webhook: the Secret that all replicas take their
//! certificate from, and the authority in the ValidatingWebhookConfiguration.
//!
//! Apart from what scaling needs, as it goes on without a leader and without a look at the
//! lease: every replica is called, and what they write is the same. Both objects are asked for by
//! name, now and then, so that no right to list or to watch is needed.

mod bundle;
mod kept_secret;
mod registration;
mod requests;

pub use kept_secret::{KeptSecret, SecretState};
pub use registration::WebhookRegistration;
