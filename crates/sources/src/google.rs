//! Access to Google's APIs: identities, the tokens they are exchanged for, and Google's errors
//! in a few words. Apart from `pubsub` because another Google source would need the same.
//!
//! ```text
//!  key of a service account ─▶ Assertion (RS256) ─▶ token endpoint ─┐
//!  the operator's own: metadata server, or a file with a key ───────┴─▶ Tokens ─▶ Token
//! ```
//!
//! Google's own library is not used. It builds an HTTP client of its own, so neither the
//! address policy nor the limits on time, size and redirects would hold for an address that
//! stands in someone's key; it signs requests with a service account's key itself and never
//! asks the key's token endpoint; and it brings fifteen more crates. What is left of it here
//! is one signature, by the `ring` that TLS needs anyway, and one form.

mod assertion;
mod failure;
mod identity;
mod key;
mod session;
mod tokens;

pub(crate) use failure::explained;
pub(crate) use identity::{Credentials, OperatorIdentity};
pub(crate) use session::Session;
pub(crate) use tokens::{NoToken, Token, Tokens, project_of_key};

/// What a token may do: read metrics, and nothing else.
const SCOPE: &str = "https://www.googleapis.com/auth/monitoring.read";
