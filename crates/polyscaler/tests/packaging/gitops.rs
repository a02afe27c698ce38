//! What `docs/gitops.md` gives to Argo CD, run by the Lua that Argo CD has.

use std::process::Command;

use serde_json::{Value, json};

use crate::packaging::tools::tool;
use crate::packaging::{read, repository};

/// The health check of the document.
fn health_check() -> String {
    let text = read("docs/gitops.md");
    let (_, rest) = text.split_once("\n```lua\n").unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// A JSON value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => format!("{{{}}}", items.iter().map(lua).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(field, value)| format!("[{field:?}] = {}", lua(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

/// Status and message by which Argo CD shows an object.
fn health(object: &Value) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("health.lua");
    let check = health_check();
    let text = format!(
        "obj = {}\nlocal function check()\n{check}\nend\nlocal health = check()\nprint(health.status)\nprint(health.message)\n",
        lua(object)
    );
    std::fs::write(&script, text).unwrap();
    let output = Command::new(tool("glua")).arg(&script).current_dir(repository("")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut lines = printed.lines().map(str::to_owned);
    let said = String::from_utf8_lossy(&output.stderr);
    (lines.next().unwrap_or_else(|| panic!("{said}")), lines.next().unwrap_or_default())
}

fn object(generation: i64, ready: Option<(&str, &str, i64)>) -> Value {
    let mut object = json!({ "metadata": { "generation": generation } });
    if let Some((status, reason, observed)) = ready {
        object["status"] = json!({ "conditions": [
            { "type": "AbleToScale", "status": "False", "reason": "x", "message": "y", "observedGeneration": observed },
            { "type": "Ready", "status": status, "reason": reason, "message": "words", "observedGeneration": observed },
        ] });
    }
    object
}

#[test]
fn argo_cd_shows_what_the_condition_ready_says() {
    for (given, status, message) in [
        (object(1, None), "Progressing", "waiting for the first poll"),
        (object(1, Some(("True", "Ready", 1))), "Healthy", "words"),
        (object(2, Some(("True", "Observing", 2))), "Healthy", "words"),
        (object(2, Some(("False", "MetricTimeout", 2))), "Degraded", "MetricTimeout: words"),
        (object(3, Some(("True", "Ready", 2))), "Progressing", "waiting for the spec to be read"),
    ] {
        assert_eq!(health(&given), (status.to_owned(), message.to_owned()), "{given}");
    }
}
