use serde_json::{Value, json};

use crate::values::settings::tests::problems_of_source;

fn problems(source: &str, config: Value) -> Vec<String> {
    problems_of_source(source, &config)
}

#[test]
fn settings_are_judged_field_by_field() {
    let none: [&str; 0] = [];
    for source in ["cpu", "memory"] {
        assert_eq!(problems(source, json!({})), none);
        assert_eq!(problems(source, json!({ "measure": "usage", "container": "app" })), none);
        assert_eq!(
            problems(source, json!({ "measure": "Utilization", "container": "a b", "value": 80 })),
            [
                "spec.config.measure: Unsupported value: \"Utilization\": supported values: \"usage\", \
                 \"utilization\"",
                "spec.config.container: Invalid value: \"a b\": must be the name of a container",
                "spec.config.value: unknown field; this source accepts measure, container",
            ]
        );
    }
}
