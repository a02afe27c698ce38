//! The dialler's name resolution, for the HTTP library, which connects by itself.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::net::dial::Dialler;

/// Leaves out addresses that must not be called.
pub(super) struct GuardedResolver(pub(super) Dialler);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let dialler = self.0.clone();
        Box::pin(async move {
            let found = dialler.resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
