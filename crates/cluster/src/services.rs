//! What stands behind a Service, for metrics that ask all of its endpoints: listed at each reading, as a change there
//! matters at once and few objects ask.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind, Request};
use kube::{Client, Resource as _};
use serde::Deserialize;

use crate::Clients;
use crate::pods::{absence, unanswered};
use crate::refusal::{Asked, Refusals};

/// By which label a slice is found.
const OF_SERVICE: &str = "kubernetes.io/service-name";

/// Knows the endpoints of Services.
pub struct ServiceStore {
    client: Client,
    timeout: Duration,
    refusals: Refusals,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Slice>,
}

#[derive(Deserialize)]
struct Slice {
    /// The API server writes null for none.
    endpoints: Option<Vec<Endpoint>>,
    ports: Option<Vec<Port>>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    conditions: Conditions,
}

#[derive(Default, Deserialize)]
struct Conditions {
    /// What does not say counts as ready.
    ready: Option<bool>,
}

#[derive(Deserialize)]
struct Port {
    port: Option<u16>,
}

impl ServiceStore {
    /// Services behind the API server of `clients`.
    pub fn new(clients: &Clients) -> Self {
        // Not the one that tries again: the next poll does.
        Self { client: clients.write.clone(), timeout: clients.timeout, refusals: Refusals::new(clients) }
    }

    /// The addresses of the endpoints of the Service `name` in `namespace` that are ready, each with its ports; empty
    /// where it has none, or does not exist.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn endpoints(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<BTreeMap<IpAddr, Vec<u16>>, Absence> {
        let kind = GroupVersionKind::gvk("discovery.k8s.io", "v1", "EndpointSlice");
        let kind = ApiResource::from_gvk_with_plural(&kind, "endpointslices");
        let what = format!("endpoints of service {namespace}/{name}");
        let malformed = |error: &dyn std::fmt::Display| Absence {
            reason: AbsenceReason::Malformed,
            message: format!("{what}: the API server's response cannot be read: {error}"),
        };
        let request = Request::new(DynamicObject::url_path(&kind, Some(namespace)))
            .list(&ListParams::default().labels(&format!("{OF_SERVICE}={name}")))
            .map_err(|error| malformed(&error))?;
        let text = match tokio::time::timeout(self.timeout, self.client.request_text(request)).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => {
                let asked = Asked::of(&kind, namespace, "").to("list", "");
                return Err(absence(&what, &self.refusals.explain(&asked, &error).await));
            }
            Err(_) => return Err(unanswered(&what, self.timeout)),
        };
        let list: List = serde_json::from_str(&text).map_err(|error| malformed(&error))?;
        Ok(ready(list))
    }
}

/// The ready addresses of all slices, which may name one several times.
fn ready(list: List) -> BTreeMap<IpAddr, Vec<u16>> {
    let mut found: BTreeMap<IpAddr, Vec<u16>> = BTreeMap::new();
    for Slice { endpoints, ports } in list.items {
        let ports: Vec<u16> = ports.into_iter().flatten().filter_map(|port| port.port).collect();
        let ready =
            endpoints.into_iter().flatten().filter(|endpoint| endpoint.conditions.ready != Some(false));
        // All addresses of one endpoint lead to the same; those that are names are left out.
        for address in ready.filter_map(|endpoint| endpoint.addresses.first()?.parse().ok()) {
            let known = found.entry(address).or_default();
            known.extend(ports.iter().filter(|port| !known.contains(port)).copied().collect::<Vec<_>>());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_ready_counts_and_each_address_once() {
        let list = json!({ "items": [
            {
                "ports": [{ "name": "http", "port": 8080 }, { "port": null }],
                "endpoints": [
                    { "addresses": ["10.0.0.1", "10.0.0.9"], "conditions": { "ready": true } },
                    { "addresses": ["10.0.0.2"], "conditions": { "ready": false } },
                    { "addresses": ["10.0.0.3"] },
                    { "addresses": ["web.example"], "conditions": {} },
                ],
            },
            { "ports": [{ "port": 8080 }, { "port": 9090 }], "endpoints": [{ "addresses": ["10.0.0.1"] }] },
            { "ports": null, "endpoints": null },
        ] });
        let found = ready(serde_json::from_value(list).unwrap());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            found,
            [(address("10.0.0.1"), vec![8080, 9090]), (address("10.0.0.3"), vec![8080])].into()
        );
    }
}
