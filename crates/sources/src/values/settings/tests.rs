use serde_json::json;

use super::*;

#[test]
fn long_texts_are_cut_in_messages() {
    assert_eq!(quoted("a\"b"), r#""a\"b""#);
    assert_eq!(quoted(&"ä".repeat(80)), format!("\"{}\"", "ä".repeat(80)));
    assert_eq!(quoted(&"ä".repeat(81)), format!("\"{}…\"", "ä".repeat(80)));
}

#[test]
fn a_reference_to_a_key_of_a_secret_has_name_and_key() {
    let path = ConfigPath { source: "type", config: "config", elsewhere: &[] };
    let good = json!({ "passwordFrom": { "secretKeyRef": { "name": "db", "key": "password" } } });
    let mut settings = Settings::new(&good, &path);
    let reference = settings.secret_key_ref("passwordFrom").unwrap();
    assert_eq!((reference.secret.name.as_str(), reference.key.as_str()), ("db", "password"));
    assert_eq!(settings.finish(), []);

    for (value, problems) in [
        (json!("s3cret"), &["config.passwordFrom: Invalid value: a text: must be an object"][..]),
        (json!({}), &["config.passwordFrom.secretKeyRef: Required value"]),
        (
            json!({ "secretRef": { "name": "db" } }),
            &[
                "config.passwordFrom.secretRef: unknown field; known is secretKeyRef",
                "config.passwordFrom.secretKeyRef: Required value",
            ],
        ),
        (
            json!({ "secretKeyRef": {} }),
            &[
                "config.passwordFrom.secretKeyRef.name: Required value",
                "config.passwordFrom.secretKeyRef.key: Required value",
            ],
        ),
        (
            json!({ "secretKeyRef": { "name": "", "key": 1, "optional": true } }),
            &[
                "config.passwordFrom.secretKeyRef.optional: unknown field; known is name, key",
                "config.passwordFrom.secretKeyRef.name: Required value",
                "config.passwordFrom.secretKeyRef.key: Invalid value: a number: must be a text",
            ],
        ),
        (
            json!({ "secretKeyRef": { "name": "../../other/secrets/s3cret", "key": "a" } }),
            &["config.passwordFrom.secretKeyRef.name: Invalid value: must be the name of a secret: \
               lower-case letters and digits, with hyphens and dots between them"],
        ),
    ] {
        let config = json!({ "passwordFrom": value });
        let mut settings = Settings::new(&config, &path);
        assert!(settings.secret_key_ref("passwordFrom").is_none(), "{config}");
        let found: Vec<String> = settings.finish().iter().map(Problem::to_string).collect();
        assert_eq!(found, problems, "{config}");
        // A secret written into the wrong place is not repeated.
        assert!(!found.concat().contains("s3cret"));
    }
}
