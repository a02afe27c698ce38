//! One span as it was received, read from the collector's JSON.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Value, json};

/// A span.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedSpan {
    /// The trace that it belongs to, in hexadecimal digits.
    pub trace_id: String,
    /// Its own identity.
    pub span_id: String,
    /// That of the span that it is a part of; empty for the root of a trace.
    pub parent_span_id: String,
    /// What it is called.
    pub name: String,
    /// Nanoseconds since 1970 at its start and its end.
    pub time: (u64, u64),
    /// Its attributes: texts, booleans, integers and floats.
    pub attributes: BTreeMap<String, Value>,
    /// How it ended.
    pub status: Status,
    /// The attributes of whoever sent it.
    pub resource: BTreeMap<String, Value>,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nothing was said.
    Unset,
    /// It is well.
    Ok,
    /// It failed, with this message.
    Error(String),
}

/// Adds the spans of one request.
pub(super) fn read(request: &Value, spans: &mut Vec<ReceivedSpan>) -> anyhow::Result<()> {
    for sender in list(&request["resourceSpans"]) {
        let resource = attributes(&sender["resource"]["attributes"])?;
        for span in list(&sender["scopeSpans"]).iter().flat_map(|scope| list(&scope["spans"])) {
            spans.push(ReceivedSpan {
                trace_id: text(&span["traceId"]),
                span_id: text(&span["spanId"]),
                parent_span_id: text(&span["parentSpanId"]),
                name: text(&span["name"]),
                time: (nanoseconds(&span["startTimeUnixNano"])?, nanoseconds(&span["endTimeUnixNano"])?),
                attributes: attributes(&span["attributes"])?,
                status: match span["status"]["code"].as_u64() {
                    Some(1) => Status::Ok,
                    Some(2) => Status::Error(text(&span["status"]["message"])),
                    _ => Status::Unset,
                },
                resource: resource.clone(),
            });
        }
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Integers of 64 bits are texts in this JSON.
fn nanoseconds(value: &Value) -> anyhow::Result<u64> {
    text(value).parse().with_context(|| format!("{value} is no time"))
}

fn attributes(list_of: &Value) -> anyhow::Result<BTreeMap<String, Value>> {
    let attribute = |attribute: &Value| {
        let value = &attribute["value"];
        let read = if let Some(text) = value["intValue"].as_str() {
            json!(text.parse::<i64>().with_context(|| format!("{text} is no integer"))?)
        } else if let Some(number) = value["doubleValue"].as_f64() {
            // Printed without a fraction where it has none.
            json!(number)
        } else {
            let found = ["stringValue", "boolValue"].map(|kind| value[kind].clone());
            found.into_iter().find(|value| !value.is_null()).unwrap_or_default()
        };
        Ok((text(&attribute["key"]), read))
    };
    list(list_of).iter().map(attribute).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_attribute_is_read() {
        let request = json!({ "resourceSpans": [{
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "x" } }] },
            "scopeSpans": [{ "scope": {}, "spans": [{
                "traceId": "aa", "spanId": "bb", "name": "poll",
                "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
                "attributes": [
                    { "key": "count", "value": { "intValue": "6" } },
                    { "key": "share", "value": { "doubleValue": 2 } },
                    { "key": "done", "value": { "boolValue": true } },
                ],
                "status": { "code": 2, "message": "why" },
            }] }],
        }] });
        let mut spans = Vec::new();
        read(&request, &mut spans).unwrap();
        let span = &spans[0];
        assert_eq!((span.parent_span_id.as_str(), span.time.1 - span.time.0), ("", 1));
        assert_eq!(json!(span.attributes), json!({ "count": 6, "share": 2.0, "done": true }));
        assert_eq!(
            (&span.status, &span.resource["service.name"]),
            (&Status::Error("why".into()), &json!("x"))
        );
    }
}
