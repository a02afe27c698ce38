//! An HPA as it would be kept beside the one that there is.

use engine::KeptHpa;
use engine::hpa::Quantity;
use serde_json::Value;

/// What becomes of the HPA, in a sentence.
pub(super) fn compared(wanted: &KeptHpa, namespace: &str, live: &[Value]) -> String {
    let name = &wanted.name;
    let field = |hpa: &Value, pointer: &str| hpa.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let found = live.iter().find(|hpa| {
        field(hpa, "/metadata/name").as_ref() == Some(name)
            && field(hpa, "/metadata/namespace").as_deref() == Some(namespace)
    });
    let Some(found) = found else { return format!("HPA {name} would be created") };
    match difference(&wanted.spec, &found["spec"], "spec") {
        None => format!("HPA {name} stays as it is"),
        Some(path) => format!("HPA {name} stays, and would be changed at {path}"),
    }
}

/// The path of the first field that is not as wanted. What the live one has beyond that is no difference: the API server
/// fills in what was left out.
fn difference(wanted: &Value, live: &Value, path: &str) -> Option<String> {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().find_map(|(name, wanted)| {
            difference(wanted, live.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"))
        }),
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            let items = wanted.iter().zip(live).enumerate();
            items
                .into_iter()
                .find_map(|(index, (wanted, live))| difference(wanted, live, &format!("{path}[{index}]")))
        }
        (Value::String(wanted), Value::String(live)) if is_same_quantity(wanted, live) => None,
        (wanted, live) => (wanted != live).then(|| path.to_owned()),
    }
}

/// `1k` is `1000`.
fn is_same_quantity(one: &str, other: &str) -> bool {
    let milli = |text: &str| text.parse::<Quantity>().ok().map(Quantity::milli);
    one == other || milli(one).is_some_and(|one| milli(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_change_is_named_and_what_the_api_server_adds_is_no_change() {
        let spec = |target: &str, most: u32| json!({ "maxReplicas": most, "metrics": [{ "external": { "target": { "averageValue": target } } }] });
        let wanted = KeptHpa { name: "keda-hpa-a".to_owned(), spec: spec("1000", 5), ..KeptHpa::default() };
        let live = |spec: Value| {
            vec![json!({ "metadata": { "name": "keda-hpa-a", "namespace": "shop" }, "spec": spec })]
        };
        let mut completed = spec("1k", 5);
        completed["behavior"] = json!({ "scaleUp": {} });
        for (live, said) in [
            (live(completed), "HPA keda-hpa-a stays as it is"),
            (live(spec("1k", 6)), "HPA keda-hpa-a stays, and would be changed at spec.maxReplicas"),
            (
                live(spec("2k", 5)),
                "HPA keda-hpa-a stays, and would be changed at spec.metrics[0].external.target.averageValue",
            ),
            (Vec::new(), "HPA keda-hpa-a would be created"),
        ] {
            assert_eq!(compared(&wanted, "shop", &live), said);
        }
        assert_eq!(compared(&wanted, "other", &live(spec("1k", 5))), "HPA keda-hpa-a would be created");
    }
}
