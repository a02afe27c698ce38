use serde_json::json;

use super::*;

#[test]
fn what_is_no_yaml_is_reported_in_one_line_with_its_place() {
    let cases = [
        ("a: [1, 2\nb: }", 2),
        ("a:\n\tb: 1", 2),
        ("a: 1\nb: 2\na: 3", 3),
        ("a: 1\n---\nb: 'x", 3),
        ("a: 1\n---\nb: {c: 1", 3),
        ("a: b: c", 1),
        ("- a\nb: 1", 2),
        ("a: *nobody", 1),
        // The problem is in what an alias stands for.
        ("a: &x {k: \"1\n2\", k: 2}\nb: *x", 2),
        // What Helm has not rendered.
        ("a: 1\nb: {{ .Values.b }}", 2),
        ("a: \u{0}", 1),
    ];
    for (text, line) in cases {
        let reported = documents(text).unwrap_err().to_string();
        assert_eq!(reported.lines().count(), 1, "{reported}");
        assert!(reported.starts_with("not YAML: ") && reported.ends_with("; correct it there"), "{reported}");
        assert!(reported.contains(&format!(" at line {line}, column ")), "{text:?}: {reported}");
        assert!(!reported.contains("Options"), "for programmers: {reported}");
    }
}

#[test]
fn an_object_is_named_as_the_api_server_takes_it() {
    let long = "a".repeat(254);
    for metadata in [
        json!({ "name": "a-1.b" }),
        json!({ "name": "a".repeat(253) }),
        json!({ "generateName": "a-" }),
        json!({ "name": null, "generateName": "a-" }),
    ] {
        assert_eq!(name_problem(&json!({ "metadata": metadata })), None, "{metadata}");
    }
    for (metadata, said) in [
        (json!({}), "Required value"),
        (json!({ "name": "" }), "Invalid value: \"\": a lowercase RFC 1123 subdomain"),
        (json!({ "name": "Bad_Name" }), "Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain"),
        (json!({ "name": "a..b" }), "Invalid value: \"a..b\": a lowercase"),
        (json!({ "name": "a\n" }), "Invalid value: \"a\\n\": a lowercase"),
        (json!({ "name": long }), "Invalid value: \"aaa"),
        (json!({ "name": 5 }), "Invalid value: 5: must be a string"),
    ] {
        let problem = name_problem(&json!({ "metadata": metadata })).unwrap().to_string();
        assert!(problem.starts_with(&format!("metadata.name: {said}")), "{problem}");
    }
}
