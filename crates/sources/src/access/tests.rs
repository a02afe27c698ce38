use engine::AbsenceReason;
use serde_json::{Value, json};
use testbed::certificates::Authority;

use super::*;
use crate::values::settings::tests::{parsed, problems_of};

fn access(config: &Value) -> Access {
    parsed(config, |settings| Some(Access::parse(settings, None))).unwrap()
}

fn key(key: &str) -> Value {
    json!({"secretKeyRef": {"name": "s", "key": key}})
}

fn secrets(values: &[(&str, &[u8])]) -> Credentials {
    let mut secrets = Credentials::default();
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect();
    secrets.insert(Holder::Secret { namespace: "shop".to_owned(), name: "s".to_owned() }, values);
    secrets
}

#[test]
fn headers_come_from_every_setting() {
    let config = json!({
        "username": "ann", "passwordFrom": key("p"), "headers": {"X-Plain": "1", "x-both": "plain"},
        "headersFrom": {"secretRef": {"name": "s"}},
    });
    let presented = access(&config)
        .present_known("application/json", &secrets(&[("p", b"hunter2\n"), ("X-Both", b"secret")]))
        .unwrap();
    let headers = &presented.headers.secret;
    for (name, value) in [("authorization", "Basic YW5uOmh1bnRlcjI="), ("x-plain", "1"), ("x-both", "secret")]
    {
        assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), [value], "{name}");
    }
    let shown = format!("{presented:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("YW5u") && !shown.contains("secret\""), "{shown}");
    for (said, reported) in [
        ("for Basic YW5uOmh1bnRlcjI=", "for Basic ***"),
        ("user ann, password hunter2", "user ann, password ***"),
        ("X-Both: secret, parse error", "X-Both: ***, parse error"),
    ] {
        assert_eq!(presented.hidden.cut_out(said), reported);
    }
}

#[test]
fn a_credential_in_a_header_is_hidden_without_its_scheme_too() {
    let access = access(&json!({"headersFrom": {"secretRef": {"name": "s"}}}));
    for (value, said, reported) in [
        ("Bearer t0ken", "got Bearer t0ken", "got ***"),
        ("Bearer t0ken", "no such token: t0ken", "no such token: ***"),
        ("Basic YW5uOmh1bnRlcjI=", "cannot decode YW5uOmh1bnRlcjI=", "cannot decode ***"),
        ("basic YW5uOmh1bnRlcjI=", "wrong password hunter2 of ann", "wrong password *** of ann"),
        ("Basic no base64", "Basic no base64, no base64", "***, ***"),
        ("t0ken", "Bearer and t0ken", "Bearer and ***"),
    ] {
        let presented = access
            .present_known("application/json", &secrets(&[("Authorization", value.as_bytes())]))
            .unwrap();
        assert_eq!(presented.hidden.cut_out(said), reported, "{value}");
    }
    // In other headers a space is no sign of a scheme.
    let presented = access.present_known("application/json", &secrets(&[("X-Team", b"a b")])).unwrap();
    assert_eq!(presented.hidden.cut_out("a b, but b"), "***, but b");
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let access = access(&json!({"bearerTokenFrom": key("t")}));
    let presented = access.present_known("application/json", &secrets(&[("t", b"abc\r\n")])).unwrap();
    assert_eq!(presented.headers.secret["authorization"], "Bearer abc");
    assert!(!format!("{presented:?}").contains("abc"));
}

#[test]
fn what_cannot_be_used_is_named_by_secret_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let files = Authority::new(folder.path(), "ours").unwrap().files().clone();
    let (certificate, private) =
        (std::fs::read(files.certificate).unwrap(), std::fs::read(files.key).unwrap());
    let all =
        secrets(&[("crt", &certificate), ("key", &private), ("text", b"hunter2"), ("lines", b"hun\nter2")]);
    for (config, message) in [
        (json!({"bearerTokenFrom": key("none")}), "it has no key \"none\""),
        (
            json!({"bearerTokenFrom": key("lines")}),
            "the value of its key \"lines\" cannot be sent as a header",
        ),
        (json!({"caFrom": key("text")}), "the value of its key \"text\" is not a certificate in PEM format"),
        (json!({"caFrom": key("key")}), "the value of its key \"key\" is not a certificate in PEM format"),
        (
            json!({"certFrom": key("text"), "keyFrom": key("key")}),
            "the value of its key \"text\" is not a certificate in PEM format",
        ),
        (
            json!({"certFrom": key("crt"), "keyFrom": key("crt")}),
            "the value of its key \"crt\" is not a private key in PEM format",
        ),
    ] {
        let absence = access(&config).present_known("application/json", &all).unwrap_err();
        assert_eq!(absence.reason, AbsenceReason::SecretUnavailable);
        assert_eq!(absence.message, format!("secret shop/s: {message}"), "{config}");
    }
    let good = json!({"caFrom": key("crt"), "certFrom": key("crt"), "keyFrom": key("key")});
    let presented = access(&good).present_known("application/json", &all).unwrap();
    assert_eq!(
        format!("{:?}", presented.tls),
        "Tls { authority: true, identity: true, believes_any: false }"
    );
}

#[test]
fn a_header_or_a_key_of_the_objects_choice_is_sent_and_hidden() {
    let all = secrets(&[("value", b"Bearer t0ken\n"), ("n", b"X-Auth")]);
    let config = json!({
        "authHeader": {"name": "authorization", "valueFrom": key("value")}, "apiKey": {"key": "s3same", "name": "X-Key"},
    });
    let presented = access(&config).present_known("text/plain", &all).unwrap();
    let headers = &presented.headers.secret;
    assert_eq!(
        (&headers["authorization"], &headers["x-key"]),
        (&"Bearer t0ken".parse().unwrap(), &"s3same".parse().unwrap())
    );
    assert_eq!(presented.headers.accept, "text/plain");
    assert_eq!(presented.hidden.cut_out("no t0ken, no s3same"), "no ***, no ***");
    let url = "http://p/?a=1".parse().unwrap();
    assert_eq!(access(&config).url(&url), url);
    let config = json!({"apiKey": {"key": "a b&c", "in": "query"}});
    assert_eq!(access(&config).url(&url).as_str(), "http://p/?a=1&api_key=a+b%26c");
    assert_eq!(access(&config).present_known("", &all).unwrap().headers.secret.len(), 0);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let problems = |config: Value| problems_of(&config, |settings| Some(Access::parse(settings, None)));
    let grant = json!({"tokenUrl": "https://login/token", "clientId": "me"});
    for (config, expected) in [
        (json!({"oauth2": grant}), &[][..]),
        (json!({"username": "ann"}), &[]),
        (
            json!({"oauth2": grant, "bearerTokenFrom": key("t")}),
            &["oauth2: Forbidden: must not be set together with bearerTokenFrom, username and passwordFrom"],
        ),
        (
            json!({"oauth2": {"endpointParams": {"audience": 1}}}),
            &[
                "oauth2.tokenUrl: Required value",
                "oauth2.clientId: Required value",
                "oauth2.endpointParams.audience: Invalid value: a number: must be a string",
            ],
        ),
        (
            json!({"authHeader": {"name": "Content-Length"}}),
            &[
                "authHeader.name: Forbidden: this header frames the request and must not be set",
                "authHeader.valueFrom: Required value",
            ],
        ),
        (
            json!({"apiKey": {"key": "a", "in": "body"}}),
            &["apiKey.in: Unsupported value: \"body\": supported values: \"header\", \"query\""],
        ),
    ] {
        let expected: Vec<_> = expected.iter().map(|problem| format!("spec.config.{problem}")).collect();
        assert_eq!(problems(config.clone()), expected, "{config}");
    }
}
