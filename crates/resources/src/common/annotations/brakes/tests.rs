use serde_json::json;

use super::*;

fn read_all(annotations: Value) -> (Brakes, Vec<String>, Vec<String>) {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let brakes = read(annotations.as_object().unwrap(), &mut problems, &mut warnings);
    let text = problems.iter().map(Problem::to_string).collect();
    (brakes, text, warnings.iter().map(Warning::to_string).collect())
}

#[test]
fn each_annotation_pauses_its_part() {
    for (annotations, pause) in [
        (json!({}), Pause::Nothing),
        (json!({ "polyscaler.dev/paused": "true" }), Pause::Everything),
        (json!({ "polyscaler.dev/paused": "false" }), Pause::Nothing),
        (json!({ "polyscaler.dev/paused-replicas": "3" }), Pause::At(3)),
        (json!({ "polyscaler.dev/paused": "true", "polyscaler.dev/paused-replicas": "0" }), Pause::At(0)),
        (json!({ "polyscaler.dev/paused-scale-in": "true" }), Pause::ScaleIn),
        (json!({ "polyscaler.dev/paused-scale-out": "true" }), Pause::ScaleOut),
        (
            json!({ "polyscaler.dev/paused-scale-in": "true", "polyscaler.dev/paused-scale-out": "true" }),
            Pause::BothDirections,
        ),
        (
            json!({ "polyscaler.dev/paused-scale-in": "false", "polyscaler.dev/paused-scale-out": "true" }),
            Pause::ScaleOut,
        ),
    ] {
        let (brakes, problems, warnings) = read_all(annotations.clone());
        assert_eq!((brakes.pause, problems.len(), warnings.len()), (pause, 0, 0), "{annotations}");
    }
}

#[test]
fn what_is_no_pause_is_refused_with_its_path() {
    for value in [json!("True"), json!("yes"), json!(""), json!(true), Value::Null] {
        let (_, problems, _) = read_all(json!({ "polyscaler.dev/paused": value }));
        let wanted = format!(
            "metadata.annotations[polyscaler.dev/paused]: Unsupported value: {value}: supported values: \"true\", \
             \"false\""
        );
        assert_eq!(problems, [wanted]);
    }
    for value in [json!("-1"), json!("+1"), json!("1.5"), json!(""), json!("2147483648"), json!(3)] {
        let (_, problems, _) = read_all(json!({ "polyscaler.dev/paused-replicas": value }));
        let wanted = format!(
            "metadata.annotations[polyscaler.dev/paused-replicas]: Invalid value: {value}: must be a whole number from 0 \
             to 2147483647, in quotes"
        );
        assert_eq!(problems, [wanted]);
    }
}

#[test]
fn replicas_beside_a_pause_that_is_off_are_doubtful() {
    let both = json!({ "polyscaler.dev/paused": "false", "polyscaler.dev/paused-replicas": "3" });
    let (brakes, problems, warnings) = read_all(both);
    assert_eq!((brakes.pause, problems.len(), warnings.len()), (Pause::At(3), 0, 1));
    assert!(warnings[0].starts_with("metadata.annotations[polyscaler.dev/paused]: "), "{warnings:?}");
}

fn over(text: &str) -> (Option<String>, Vec<String>) {
    let (brakes, problems, _) = read_all(json!({ "polyscaler.dev/override": text }));
    (brakes.bounds.map(|over| over.to_string()), problems)
}

#[test]
fn an_override_has_bounds_and_an_end() {
    let whole = r#"{"minReplicas": 12, "maxReplicas": 40, "until": "2026-12-01T06:00:00Z", "reason": "black\nfriday"}"#;
    let said = "min 12, max 40 until 2026-12-01T06:00:00Z: black friday";
    assert_eq!(over(whole), (Some(said.to_owned()), vec![]));
    let least = r#"{"minReplicas": 0, "until": "2026-12-01T07:00:00+01:00"}"#;
    assert_eq!(over(least), (Some("min 0 until 2026-12-01T06:00:00Z".to_owned()), vec![]));
}

#[test]
fn what_is_no_override_is_refused_with_its_path() {
    let until = r#""until": "2026-12-01T06:00:00Z""#;
    for (text, path, words) in [
        ("12".to_owned(), "", "must be a JSON object with minReplicas, maxReplicas, until and reason"),
        ("{".to_owned(), "", "must be a JSON object"),
        (r#"[1, 2, "2026-12-01T06:00:00Z", "why"]"#.to_owned(), "", "must be a JSON object"),
        (format!(r#"{{"minreplicas": 1, {until}}}"#), "", "unknown field `minreplicas`"),
        (r#"{"minReplicas": 1}"#.to_owned(), ".until", "Required value"),
        (r#"{"minReplicas": 1, "until": "tomorrow"}"#.to_owned(), ".until", "must be an instant in RFC 3339"),
        (r#"{"minReplicas": 1, "until": 5}"#.to_owned(), ".until", "must be an instant in RFC 3339"),
        (format!("{{{until}}}"), "", "must have minReplicas, maxReplicas or both"),
        (
            format!(r#"{{"minReplicas": 9, "maxReplicas": 8, {until}}}"#),
            ".minReplicas",
            "9: must not be above",
        ),
        (format!(r#"{{"minReplicas": -1, {until}}}"#), ".minReplicas", "must be a whole number from 0"),
        (format!(r#"{{"maxReplicas": 0, {until}}}"#), ".maxReplicas", "must be a whole number from 1"),
        (format!(r#"{{"maxReplicas": "9", {until}}}"#), ".maxReplicas", "must be a whole number from 1"),
        (format!(r#"{{"maxReplicas": 9, {until}, "reason": 1}}"#), ".reason", "must be a string"),
    ] {
        let (found, problems) = over(&text);
        assert_eq!((found, problems.len()), (None, 1), "{text}: {problems:?}");
        let place = format!("metadata.annotations[polyscaler.dev/override]{path}: ");
        assert!(problems[0].starts_with(&place) && problems[0].contains(words), "{text}: {problems:?}");
    }
    let (_, problems, _) = read_all(json!({ "polyscaler.dev/override": { "minReplicas": 1 } }));
    assert!(problems[0].contains("must be a string that contains a JSON object"), "{problems:?}");
}
