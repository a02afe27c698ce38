//! The documents of a file, lists taken apart.

use engine::{Fault, FaultKind, Problem};
use serde_json::{Map, Value};

/// What the kind of a list ends with.
const LIST: &str = "List";

/// The documents of a YAML (or JSON) stream; empty documents are left out. In the place of a list, of whatever kind and
/// depth, stand its items. Those of a list as the API server answers it have no `apiVersion` and `kind` of their own, and
/// take them from the list, as with kubectl.
///
/// # Errors
/// Where the text is no YAML: what and at which line.
pub fn documents(text: &str) -> Result<Vec<Value>, Problem> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| not_yaml(&error))?;
    let mut flat = Vec::new();
    for mut document in documents.into_iter().filter(|document| !document.is_null()) {
        whole_numbers_as_integers(&mut document);
        flatten(document, &mut flat);
    }
    Ok(flat)
}

fn flatten(document: Value, flat: &mut Vec<Value>) {
    match items(document) {
        Ok(items) => items.into_iter().for_each(|item| flatten(item, flat)),
        Err(other) => flat.push(other),
    }
}

/// The items of a list; the document itself where it is none.
fn items(document: Value) -> Result<Vec<Value>, Value> {
    let Value::Object(mut list) = document else { return Err(document) };
    let text = |field: &str| list.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some(of_item) = kind.strip_suffix(LIST) else { return Err(Value::Object(list)) };
    match list.remove("items") {
        Some(Value::Array(mut items)) => {
            for item in items.iter_mut().filter_map(Value::as_object_mut).filter(|_| !of_item.is_empty()) {
                take_kind(item, &api_version, of_item);
            }
            Ok(items)
        }
        // A list without items is empty, and written as null by programs in Go.
        None if of_item.is_empty() => Ok(Vec::new()),
        Some(Value::Null) => Ok(Vec::new()),
        // An object whose kind is merely called so, or something that is no list of objects.
        None => Err(Value::Object(list)),
        Some(other) => {
            list.insert("items".to_owned(), other);
            Err(Value::Object(list))
        }
    }
}

/// Gives an item that has neither the API version and the kind that its list says.
fn take_kind(item: &mut Map<String, Value>, api_version: &str, kind: &str) {
    let lacks = |field: &str| item.get(field).is_none_or(|value| value.is_null() || value == "");
    if lacks("apiVersion") && lacks("kind") {
        item.insert("apiVersion".to_owned(), api_version.into());
        item.insert("kind".to_owned(), kind.into());
    }
}

/// What is wrong and at which line, in one line: an excerpt of the file would need several.
fn not_yaml(error: &serde_saphyr::Error) -> Problem {
    let options = serde_saphyr::render_options! {
        formatter: &serde_saphyr::UserMessageFormatter,
        snippets: serde_saphyr::SnippetMode::Off,
    };
    let detail = format!("not YAML: {}; correct it there", error.render_with_options(options));
    Problem::new("", Fault::new(FaultKind::Unreadable, detail))
}

/// `5.0` is the integer 5, as kubectl sends it.
fn whole_numbers_as_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e15)
            {
                *number = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers_as_integers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers_as_integers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_any_kind_and_depth_are_taken_apart() {
        let kinds = |document: &Value| {
            let all = documents(&document.to_string()).unwrap();
            let said = |item: &Value| {
                let text = |field: &str| item[field].as_str().unwrap_or("none").to_owned();
                format!("{} {} {}", text("apiVersion"), text("kind"), item["metadata"]["name"])
            };
            all.iter().map(said).collect::<Vec<_>>().join(", ")
        };
        let named = |name: &str| json!({ "metadata": { "name": name } });
        let hpas = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscalerList",
                           "metadata": { "resourceVersion": "5" }, "items": [named("a"), named("b")] });
        let two =
            "autoscaling/v2 HorizontalPodAutoscaler \"a\", autoscaling/v2 HorizontalPodAutoscaler \"b\"";
        assert_eq!(kinds(&hpas), two);
        let own = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "c" } });
        let nested = json!({ "apiVersion": "v1", "kind": "List", "items": [
            own, { "apiVersion": "v1", "kind": "List", "items": [hpas] } ] });
        assert_eq!(kinds(&nested), format!("v1 Pod \"c\", {two}"));
        let of_keda = json!({ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObjectList", "items": [own] });
        assert_eq!(kinds(&of_keda), "v1 Pod \"c\"", "what an item says of itself counts");
        let of_anything = json!({ "apiVersion": "v1", "kind": "List", "items": [named("d")] });
        assert_eq!(kinds(&of_anything), "none none \"d\"");
    }

    #[test]
    fn what_is_no_list_stays_what_it_is() {
        for (document, count) in [
            (json!({ "kind": "List" }), 0),
            (json!({ "kind": "List", "items": null }), 0),
            (json!({ "kind": "PodList", "items": [] }), 0),
            (json!({ "kind": "AllowList", "spec": {} }), 1),
            (json!({ "kind": "AllowList", "items": { "a": 1 } }), 1),
            (json!({ "kind": "ConfigMap", "items": [1, 2] }), 1),
        ] {
            let found = documents(&document.to_string()).unwrap();
            assert_eq!(found.len(), count, "{document}");
            assert!(found.iter().all(|found| *found == document), "{document}");
        }
    }
}
