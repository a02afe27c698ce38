//! The objects of KEDA in a cluster, and what there is of KEDA itself.

use cluster::{OtherKind, View, ViewError};
use serde_json::Value;

use super::super::kept_hpa::HPA;
use super::Found;

const fn of_keda(group: &'static str, kind: &'static str, plural: &'static str) -> OtherKind {
    OtherKind { group, version: "v1alpha1", kind, plural }
}

/// The kinds with a namespace, and those without.
const NAMESPACED: &[OtherKind] = &[
    of_keda("keda.sh", "TriggerAuthentication", "triggerauthentications"),
    of_keda("keda.sh", "ScaledJob", "scaledjobs"),
    of_keda("eventing.keda.sh", "CloudEventSource", "cloudeventsources"),
];
const OF_CLUSTER: &[OtherKind] = &[
    of_keda("keda.sh", "ClusterTriggerAuthentication", "clustertriggerauthentications"),
    of_keda("eventing.keda.sh", "ClusterCloudEventSource", "clustercloudeventsources"),
];
const SCALED_OBJECT: OtherKind = of_keda("keda.sh", "ScaledObject", "scaledobjects");
const LEASE: OtherKind =
    OtherKind { group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases" };
const API_SERVICE: OtherKind =
    OtherKind { group: "apiregistration.k8s.io", version: "v1", kind: "APIService", plural: "apiservices" };

/// Name of the Lease of KEDA's operator.
const LEASE_NAME: &str = "operator.keda.sh";
/// Name of the APIService of the external metrics API.
const METRICS_API: &str = "v1beta1.external.metrics.k8s.io";

/// Reads them, in `namespace` or in all.
pub(super) async fn read(view: &View, namespace: Option<&str>) -> anyhow::Result<Found> {
    let mut objects = view.list_other(&SCALED_OBJECT, namespace, "").await?;
    let (mut left_out, mut unread) = (Vec::new(), Vec::new());
    let kinds =
        NAMESPACED.iter().map(|kind| (kind, namespace)).chain(OF_CLUSTER.iter().map(|kind| (kind, None)));
    for (kind, namespace) in kinds {
        match view.list_other(kind, namespace, "").await {
            Ok(found) => objects.extend(found),
            // Nobody uses it, then.
            Err(ViewError::NotInstalled(_)) => {}
            Err(error) => {
                left_out.push(error.to_string());
                unread.push(kind.kind);
            }
        }
    }
    let hpas =
        view.list_other(&HPA, namespace, "").await.map_err(|error| left_out.push(error.to_string())).ok();
    let mut surroundings = Vec::new();
    match view.list_other(&LEASE, None, &format!("metadata.name={LEASE_NAME}")).await {
        Ok(leases) => surroundings.push(operator(&leases)),
        Err(error) => left_out.push(error.to_string()),
    }
    match view.list_other(&API_SERVICE, None, &format!("metadata.name={METRICS_API}")).await {
        Ok(services) => surroundings.push(metrics_api(&services)),
        Err(error) => left_out.push(error.to_string()),
    }
    Ok(Found { objects, surroundings, hpas, left_out, unread })
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn operator(leases: &[Value]) -> String {
    match leases.iter().find(|lease| !text(lease, "/spec/holderIdentity").is_empty()) {
        Some(lease) => format!(
            "KEDA's operator has the Lease {}/{LEASE_NAME}, last renewed at {}: while it renews it, polyscaler leaves \
             KEDA's kinds alone",
            text(lease, "/metadata/namespace"),
            text(lease, "/spec/renewTime"),
        ),
        None => "no operator of KEDA has a Lease".to_owned(),
    }
}

fn metrics_api(services: &[Value]) -> String {
    match services.first() {
        None => "nobody serves the external metrics API: polyscaler would".to_owned(),
        Some(service) => format!(
            "the external metrics API is served by {}/{}; another server can have it once APIService {METRICS_API} is \
             deleted",
            text(service, "/spec/service/namespace"),
            text(service, "/spec/service/name"),
        ),
    }
}
