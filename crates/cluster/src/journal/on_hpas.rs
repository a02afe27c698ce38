//! Events on HPAs for which an object of ours stands back: whoever applied one to a target that had an owner looks there.

use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, Client};
use resources::{Announcement, Reason, Verdict};
use runner::Record;

use super::events;

/// The Events that `record` is worth on HPAs, where those `of_object` say that it now stands back for some. HPAs are found
/// by a list, for which the operator has the right anyway; one that is not found within `limit` has none.
pub(super) async fn of(
    client: &Client,
    limit: Duration,
    record: &Record,
    of_object: &[Event],
    identity: &str,
) -> Vec<Event> {
    let Verdict::Conflict(conflict) = &record.outcome.verdict else { return Vec::new() };
    let is_news = |event: &Event| event.reason.as_deref() == Some(Reason::TargetConflict.as_str());
    if !of_object.iter().any(is_news) {
        return Vec::new();
    }
    let mut made = Vec::new();
    for (namespace, name) in &conflict.hpas {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
        let this = ListParams::default().fields(&format!("metadata.name={name}"));
        let Ok(Ok(found)) = tokio::time::timeout(limit, api.list_metadata(&this)).await else { continue };
        let Some(found) = found.items.into_iter().next() else { continue };
        let regarding = ObjectReference {
            api_version: Some("autoscaling/v2".to_owned()),
            kind: Some("HorizontalPodAutoscaler".to_owned()),
            namespace: Some(namespace.clone()),
            name: Some(name.clone()),
            uid: found.metadata.uid,
            ..ObjectReference::default()
        };
        let note = format!(
            "{} scales the same target and stands back for this HorizontalPodAutoscaler, as two autoscalers undo each \
             other's work; delete one of the two",
            record.key
        );
        let reason = Reason::TargetConflict.to_string();
        let announced = Announcement { is_warning: true, action: "Poll", reason, note };
        made.push(events::made(regarding, record.outcome.at, identity, announced));
    }
    made
}
