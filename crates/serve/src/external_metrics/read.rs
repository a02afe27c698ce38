//! Answers for the value of one metric.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use runner::{Answer, NoAnswer, ObjectKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::discovery::{GROUP, VERSION};
use super::quantity::quantity;
use super::status::failure;
use crate::Shown;
use crate::peers::NotAsked;

/// The label by which an HPA says whose metric it wants.
const LABEL: &str = "scaledobject.keda.sh/name";
/// The kind of whom the label names.
const KIND: &str = "ScaledObject";

/// The part of a request's query that counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selected {
    #[serde(default)]
    label_selector: String,
}

/// The metric in the path of the object that the label selector names.
pub(super) async fn read(
    State(shown): State<Shown>,
    Path((namespace, metric)): Path<(String, String)>,
    Query(selected): Query<Selected>,
    not_asked: Option<Extension<NotAsked>>,
) -> Response {
    let failed = |why: &str| failure(StatusCode::INTERNAL_SERVER_ERROR, why);
    let name = match object_name(&selected.label_selector) {
        Ok(name) => name,
        Err(why) => return failed(&why),
    };
    let key = ObjectKey::new(KIND, namespace, name);
    match shown.answers.awaited(&key, &metric, &*shown.clock).await {
        Ok(answer) => match list(&answer) {
            Some(list) => Json(list).into_response(),
            None => failed(&format!("metric:{metric} encountered error: its value is not a number")),
        },
        Err(none) => failed(&why_not(&shown, &key, &metric, &none, not_asked)),
    }
}

/// What keeps the metric from being answered, in the words that KEDA's users know where there are any.
fn why_not(
    shown: &Shown,
    key: &ObjectKey,
    metric: &str,
    none: &NoAnswer,
    not_asked: Option<Extension<NotAsked>>,
) -> String {
    match none {
        NoAnswer::NotLeading => format!("this replica is not the leader: {}", crate::why(not_asked)),
        NoAnswer::UnknownObject => match shown.board.object(key.kind, &key.namespace, &key.name) {
            Some((object, _)) => {
                format!("{key} publishes no metrics: {}: {}", object.reason, object.message)
            }
            None => format!("{key} does not exist, or has not been polled yet"),
        },
        NoAnswer::UnknownMetric { .. } => format!("no matching metrics found for {metric}: of {key}, {none}"),
        NoAnswer::NoValue { .. } | NoAnswer::Stale { .. } => {
            format!("error when getting metric values metric:{metric} encountered error: {none}")
        }
    }
}

fn list(Answer { metric, value, at, .. }: &Answer) -> Option<Value> {
    let timestamp = Timestamp::from_second(at.as_millis().div_euclid(1000)).ok()?;
    Some(json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "metadata": {},
        "items": [{
            "metricName": metric, "metricLabels": null,
            "timestamp": timestamp.to_string(), "value": quantity(*value)?,
        }],
    }))
}

/// The object that a label selector names. Only requirements that a label has a value are understood, the only ones
/// that an HPA's `matchLabels` makes.
fn object_name(selector: &str) -> Result<String, String> {
    for requirement in selector.split(',').map(str::trim).filter(|requirement| !requirement.is_empty()) {
        let (label, value) = requirement
            .split_once("==")
            .or_else(|| requirement.split_once('='))
            .filter(|(label, _)| !label.contains(['!', ' ', '(']))
            .ok_or_else(|| format!("label selector {selector:?} is not supported: use {LABEL}=NAME"))?;
        if label == LABEL && !value.trim().is_empty() {
            return Ok(value.trim().to_owned());
        }
    }
    Err("scaledObject name is not specified".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_5_the_object_is_the_one_that_the_label_names() {
        for selector in [
            "scaledobject.keda.sh/name=web",
            "scaledobject.keda.sh/name==web",
            "a=b, scaledobject.keda.sh/name=web",
            "scaledobject.keda.sh/name=web,a=b",
        ] {
            assert_eq!(object_name(selector).as_deref(), Ok("web"), "{selector}");
        }
    }

    #[test]
    fn contract_5_a_selector_that_names_none_is_refused() {
        for (selector, why) in [
            ("", "scaledObject name is not specified"),
            ("a=b", "scaledObject name is not specified"),
            ("scaledobject.keda.sh/name=", "scaledObject name is not specified"),
            ("scaledobject.keda.sh/name", "is not supported: use scaledobject.keda.sh/name=NAME"),
            ("scaledobject.keda.sh/name!=web", "is not supported"),
            ("scaledobject.keda.sh/name in (web)", "is not supported"),
        ] {
            assert!(object_name(selector).unwrap_err().contains(why), "{selector}");
        }
    }
}
