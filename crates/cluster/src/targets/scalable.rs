//! Finds out by which URL the objects of a kind are reached, and whether they can be scaled.

use super::*;
use crate::refusal;

/// The kinds found so far, by API version and kind.
pub(crate) struct Scalables {
    client: Client,
    timeout: Duration,
    found: Mutex<HashMap<(String, String), ApiResource>>,
}

impl Scalables {
    pub(crate) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout, found: Mutex::default() }
    }

    /// The resource of `target`'s kind. What is found is kept; what is not is looked for again,
    /// as its CRD may yet be installed.
    pub(crate) async fn resource(&self, target: &Target) -> Result<ApiResource, TargetFailure> {
        if let Some(plural) = cache::watched_plural(target) {
            return Ok(cache::resource(target, plural));
        }
        let id = (target.api_version.clone(), target.kind.clone());
        if let Some(found) = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(found.clone());
        }
        let resource = self.discover(target).await?;
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(id, resource.clone());
        Ok(resource)
    }

    async fn discover(&self, target: &Target) -> Result<ApiResource, TargetFailure> {
        let listing = async {
            match target.api_version.as_str() {
                "v1" => self.client.list_core_api_resources("v1").await,
                group_version => self.client.list_api_group_resources(group_version).await,
            }
        };
        let listed = match tokio::time::timeout(self.timeout, listing).await {
            Ok(Ok(listed)) => listed,
            // By the code: of a group that it does not know at all the API server says so in plain text.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => return Err(unknown(target)),
            Ok(Err(error)) => {
                let message = format!("{target}: API discovery failed: {}", refusal::of_discovery(&error));
                return Err(TargetFailure { reason: Reason::FailedGetScale, message });
            }
            Err(_) => return Err(unanswered(target, self.timeout)),
        };
        let of_kind = |name: &str| listed.resources.iter().find(|resource| resource.name == name);
        let resource = listed
            .resources
            .iter()
            .find(|resource| resource.kind == target.kind && !resource.name.contains('/'))
            .ok_or_else(|| unknown(target))?;
        if of_kind(&format!("{}/scale", resource.name)).is_none() {
            return Err(not_scalable(target, "has no scale subresource"));
        }
        if !resource.namespaced {
            return Err(not_scalable(target, "is not namespaced, and only namespaced objects are scaled"));
        }
        Ok(cache::resource(target, &resource.name))
    }
}

fn unknown(target: &Target) -> TargetFailure {
    not_scalable(target, "is not known to the API server")
}

fn not_scalable(target: &Target, why: &str) -> TargetFailure {
    let message = format!("{target} cannot be scaled: {} {} {why}", target.api_version, target.kind);
    TargetFailure { reason: Reason::TargetNotScalable, message }
}
