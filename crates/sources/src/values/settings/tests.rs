use engine::{Asked, AskedTarget, ConfigPath, Sought, SourceCatalog as _};
use serde_json::json;

use super::*;
use crate::registry::Content;
use crate::{AddressPolicy, Registry};

/// A question to `source` by an object that is in the namespace `shop`.
pub(crate) fn asked<'a>(source: &'a str, config: &'a Value) -> Asked<'a> {
    let path = ConfigPath { source: "spec.type", config: "spec.config", elsewhere: &[] };
    Asked { source, config, path, namespace: "shop", target: AskedTarget::Refused, credentials: &[] }
}

/// What `parse` makes of `config`, or all that is wrong.
pub(crate) fn parsed<T>(
    config: &Value,
    parse: impl FnOnce(&mut Settings<'_>) -> Option<T>,
) -> Result<T, Vec<String>> {
    let asked = asked("test", config);
    let stand_ins = StandIns::default();
    let mut settings = Settings::new(&asked, &stand_ins);
    let parsed = parse(&mut settings);
    let problems: Vec<String> = settings.finish().problems.iter().map(Problem::to_string).collect();
    parsed.filter(|_| problems.is_empty()).ok_or(problems)
}

/// All that `parse` finds wrong with `config`.
pub(crate) fn problems_of<T>(
    config: &Value,
    parse: impl FnOnce(&mut Settings<'_>) -> Option<T>,
) -> Vec<String> {
    parsed(config, parse).err().unwrap_or_default()
}

/// All that the source called `source` finds wrong with `config`.
pub(crate) fn problems_of_source(source: &str, config: &Value) -> Vec<String> {
    let prepared = Registry::new(AddressPolicy::default()).prepare(&asked(source, config));
    prepared.err().unwrap_or_default().iter().map(Problem::to_string).collect()
}

/// The warnings of the source called `source` about `config`.
pub(crate) fn warnings_of_source(source: &str, config: &Value) -> Vec<String> {
    let prepared = Registry::new(AddressPolicy::default()).prepare(&asked(source, config));
    prepared.unwrap().warnings.iter().map(ToString::to_string).collect()
}

/// What a query of the source called `source` needs of whom.
pub(crate) fn needs_of_source(source: &str, config: &Value) -> Vec<String> {
    let prepared = Registry::new(AddressPolicy::default()).prepare(&asked(source, config)).unwrap();
    let content: &Content = prepared.query.content().unwrap();
    let named = content.needs.iter().map(|(holder, keys)| {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        if keys.is_empty() { holder.to_string() } else { format!("{holder}: {}", keys.join(" ")) }
    });
    named.collect()
}

#[test]
fn long_texts_are_cut_in_messages() {
    assert_eq!(quoted("a\"b"), r#""a\"b""#);
    assert_eq!(quoted(&"ä".repeat(80)), format!("\"{}\"", "ä".repeat(80)));
    assert_eq!(quoted(&"ä".repeat(81)), format!("\"{}…\"", "ä".repeat(80)));
}

#[test]
fn a_credential_is_named_in_one_of_a_few_ways() {
    let target = Target {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    };
    let (namespace, name) = ("shop".to_owned(), "db".to_owned());
    let audience = Some("vault".to_owned());
    for (reference, expected) in [
        (
            json!({ "secretKeyRef": { "name": "db", "key": "password" } }),
            Holder::Secret { namespace: namespace.clone(), name: name.clone() }.value("password"),
        ),
        (
            json!({ "configMapKeyRef": { "name": "db", "key": "user" } }),
            Holder::ConfigMap { namespace: namespace.clone(), name: name.clone() }.value("user"),
        ),
        (
            json!({ "targetEnv": { "name": "PASSWORD", "containerName": "app" } }),
            Holder::TargetEnv { target: target.clone(), container: Some("app".to_owned()) }.value("PASSWORD"),
        ),
        (
            json!({ "serviceAccountToken": { "name": "db", "audience": "vault" } }),
            Holder::ServiceAccount { namespace, name, audience }.value("token"),
        ),
    ] {
        let config = json!({ "passwordFrom": reference });
        let asked = Asked { target: AskedTarget::Of(&target), ..asked("test", &config) };
        let stand_ins = StandIns::default();
        let mut settings = Settings::new(&asked, &stand_ins);
        assert_eq!(settings.credential("passwordFrom").as_ref(), Some(&expected), "{config}");
        let read = settings.finish();
        assert_eq!(read.problems, []);
        assert_eq!(read.needs, Needs::from([(expected.holder, [expected.key].into())]));
    }
}

#[test]
fn a_wrong_reference_is_refused_without_what_may_be_secret() {
    const FORMS: &str = "secretKeyRef, configMapKeyRef, targetEnv, serviceAccountToken";
    let none = format!("spec.config.passwordFrom: Required value: must have one of {FORMS}");
    for (value, problems) in [
        (
            json!("s3cret"),
            vec!["spec.config.passwordFrom: Invalid value: a string: must be an object".to_owned()],
        ),
        (json!({}), vec![none.clone()]),
        (
            json!({ "secretRef": { "name": "db" } }),
            vec![
                format!("spec.config.passwordFrom.secretRef: unknown field; known fields are {FORMS}"),
                none,
            ],
        ),
        (
            json!({ "secretKeyRef": {} }),
            vec![
                "spec.config.passwordFrom.secretKeyRef.name: Required value".to_owned(),
                "spec.config.passwordFrom.secretKeyRef.key: Required value".to_owned(),
            ],
        ),
        (
            json!({ "secretKeyRef": { "name": "", "key": 1, "optional": true } }),
            vec![
                "spec.config.passwordFrom.secretKeyRef.optional: unknown field; known fields are name, \
                 key"
                .to_owned(),
                "spec.config.passwordFrom.secretKeyRef.name: Required value".to_owned(),
                "spec.config.passwordFrom.secretKeyRef.key: Invalid value: a number: must be a string"
                    .to_owned(),
            ],
        ),
        (
            json!({ "secretKeyRef": { "name": "../../other/secrets/s3cret", "key": "a" } }),
            vec![
                "spec.config.passwordFrom.secretKeyRef.name: Invalid value: must be the name of a secret: \
                 lower-case letters and digits, with hyphens and dots between them"
                    .to_owned(),
            ],
        ),
        (
            json!({ "targetEnv": { "name": "PASSWORD" } }),
            vec![
                "spec.config.passwordFrom.targetEnv: Forbidden: the metric has no target that this object \
                 may scale"
                    .to_owned(),
            ],
        ),
    ] {
        let config = json!({ "passwordFrom": value });
        let found = problems_of(&config, |settings| settings.credential("passwordFrom"));
        assert_eq!(found, problems, "{config}");
        // A secret written into the wrong place is not repeated.
        assert!(!found.concat().contains("s3cret"));
    }
}

#[test]
fn a_credential_may_come_from_elsewhere_and_makes_another_query() {
    let of = |name: &str| -> Sought {
        Holder::Secret { namespace: "team".to_owned(), name: name.to_owned() }.value("key").into()
    };
    let key = |config: &Value, given: &[(&str, Sought)]| {
        let asked = Asked { credentials: given, ..asked("test", config) };
        let stand_ins = StandIns::default();
        let mut settings = Settings::new(&asked, &stand_ins);
        let found = settings.section("tls", |tls| tls.credential("caFrom")).flatten();
        let read = settings.finish();
        assert_eq!(found.is_some(), read.problems.is_empty());
        read.key
    };
    let config = json!({ "tls": {} });
    let first = key(&config, &[("tls.caFrom", of("a"))]);
    assert_eq!(first, key(&config, &[("tls.caFrom", of("a"))]));
    assert_ne!(first, key(&config, &[("tls.caFrom", of("b"))]));
    let twice = json!({ "tls": { "caFrom": { "secretKeyRef": { "name": "a", "key": "key" } } } });
    key(&twice, &[("tls.caFrom", of("a"))]);
}
