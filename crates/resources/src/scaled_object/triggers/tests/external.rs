//! The triggers whose server says what they measure.

use serde_json::json;

use super::*;

#[test]
fn all_metadata_are_passed_on() {
    let case = with(
        "external",
        &[("anything", "a b"), ("tokenFromEnv", "TOKEN"), ("emptyFromEnv", ""), ("enableTLS", "false")],
    );
    assert_eq!(
        case.asked(),
        (
            "external".to_owned(),
            json!({ "scalerAddress": "scaler.shop:9090", "object": "web", "metadata": {
                "scalerAddress": "scaler.shop:9090", "anything": "a b", "enableTLS": "false" } })
        )
    );
    assert_eq!(
        case.shown_credentials(),
        ["metadata.tokenFromEnv: TOKEN of environment of Deployment shop/web, or nothing"]
    );
    assert_eq!(case.warnings(), [] as [&str; 0]);
    assert_eq!(least("external-push").asked().1["push"], true);
}

#[test]
fn its_metrics_are_open() {
    for type_ in ["external", "external-push"] {
        let published = least(type_).at(4).published();
        assert!(published.is_open);
        assert_eq!(&*published.metric, "s4", "the server says what follows");
        assert_eq!(published.target.type_(), TargetType::AverageValue);
    }
    let by_value = least("external").with(|trigger| trigger.metric_type = Some("Value".to_owned()));
    assert_eq!(by_value.published().target.type_(), TargetType::Value);
}

#[test]
fn tls_is_on_with_a_certificate_or_when_asked_for() {
    let tls = |more: &[(&str, &str)], parameters: &[&str]| {
        let key = |parameter: &&str| json!({ "parameter": parameter, "name": "s", "key": parameter });
        let spec = json!({ "secretTargetRef": parameters.iter().map(key).collect::<Vec<_>>() });
        let case = with("external", more).authenticated(spec);
        (case.asked().1.get("tls").cloned(), case.shown_credentials())
    };
    assert_eq!(tls(&[("unsafeSsl", "true")], &[]), (None, Vec::new()));
    assert_eq!(tls(&[("enableTLS", "true")], &[]), (Some(json!({})), Vec::new()));
    assert_eq!(
        tls(&[("unsafeSsl", "true")], &["caCert", "tlsClientCert", "tlsClientKey"]),
        (
            Some(json!({ "insecureSkipVerify": true })),
            vec![
                "tls.caFrom: caCert of secret shop/s, or nothing".to_owned(),
                "tls.certFrom: tlsClientCert of secret shop/s, or nothing".to_owned(),
                "tls.keyFrom: tlsClientKey of secret shop/s, or nothing".to_owned(),
            ]
        )
    );
}
