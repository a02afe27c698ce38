//! What the API server must know to call us, and what it knows of those who call: the Secret that all replicas take
//! their certificate from, the authority in the ValidatingWebhookConfiguration and in the APIService, and reviews of
//! callers.
//!
//! Apart from what scaling needs, as it goes on without a leader and without a look at the
//! lease: every replica is called, and what they write is the same. All objects are asked for by
//! name, now and then, so that no right to list or to watch is needed.

mod api_service;
mod bundle;
mod callers;
mod kept_secret;
mod registration;
mod requests;

pub use api_service::ApiServiceRegistration;
pub use callers::{CallerReviews, FrontProxyData, Review, ReviewedCaller};
pub use kept_secret::{KeptSecret, SecretState};
pub use registration::WebhookRegistration;
