//! How triggers prove to an HTTP server who they are.

use serde_json::json;

use super::*;

/// A trigger with these modes and an authentication that gives these parameters.
fn case(modes: &str, parameters: &[&str]) -> fixture::Case {
    let key = |parameter: &&str| json!({ "parameter": parameter, "name": "s", "key": parameter });
    let spec = json!({ "secretTargetRef": parameters.iter().map(key).collect::<Vec<_>>() });
    with("metrics-api", &[("authModes", modes)]).authenticated(spec)
}

#[test]
fn contract_6_0_each_mode_has_its_credentials() {
    let secret = |setting: &str, key: &str| format!("{setting}: {key} of secret shop/s");
    let optional = |setting: &str, key: &str| format!("{}, or nothing", secret(setting, key));
    for (modes, parameters, expected) in [
        ("bearer", &["bearerToken"][..], vec![secret("bearerTokenFrom", "bearerToken")]),
        ("basic", &["username"], vec![secret("usernameFrom", "username")]),
        (
            "basic",
            &["username", "password"],
            vec![secret("usernameFrom", "username"), optional("passwordFrom", "password")],
        ),
        ("tls", &["cert", "key"], vec![secret("certFrom", "cert"), secret("keyFrom", "key")]),
        (
            "tls, bearer",
            &["cert", "key", "ca", "token"],
            vec![
                secret("bearerTokenFrom", "token"),
                secret("certFrom", "cert"),
                secret("keyFrom", "key"),
                optional("caFrom", "ca"),
            ],
        ),
        (
            "custom",
            &["customAuthHeader", "customAuthValue"],
            vec![
                secret("authHeader.nameFrom", "customAuthHeader"),
                secret("authHeader.valueFrom", "customAuthValue"),
            ],
        ),
        ("apiKey", &["apiKey"], vec![secret("apiKey.keyFrom", "apiKey")]),
        (
            "apiKey",
            &["apiKey", "method", "keyParamName"],
            vec![
                secret("apiKey.keyFrom", "apiKey"),
                format!("{}, or \"header\"", secret("apiKey.inFrom", "method")),
                optional("apiKey.nameFrom", "keyParamName"),
            ],
        ),
        (
            "oauth",
            &["oauthTokenURI", "clientID", "clientSecret", "scope", "endpointParams"],
            vec![
                secret("oauth2.tokenUrlFrom", "oauthTokenURI"),
                secret("oauth2.clientIdFrom", "clientID"),
                optional("oauth2.clientSecretFrom", "clientSecret"),
                optional("oauth2.scopesFrom", "scope"),
                optional("oauth2.endpointParamsFrom", "endpointParams"),
            ],
        ),
        ("", &["bearerToken", "ca"], Vec::new()),
    ] {
        assert_eq!(case(modes, parameters).shown_credentials(), expected, "{modes}");
    }
}

#[test]
fn contract_6_0_what_a_mode_lacks_is_said() {
    for (modes, lacking) in [
        ("bearer", &["bearerToken"][..]),
        ("basic", &["username"]),
        ("tls", &["cert", "key"]),
        ("custom", &["customAuthHeader", "customAuthValue"]),
        ("oauth", &["oauthTokenURI", "clientID"]),
    ] {
        let lacks = |parameter: &&str| {
            format!(
                "spec.triggers[0].metadata.{parameter}: Required value: missing required parameter {parameter:?} in \
                 [authParams]"
            )
        };
        assert_eq!(case(modes, &[]).problems(), lacking.iter().map(lacks).collect::<Vec<_>>());
    }
}

#[test]
fn contract_6_0_a_key_goes_into_a_header_or_the_query() {
    let of = |more: &[(&str, &str)]| {
        let more = [&[("authModes", "apiKey"), ("apiKey", "k")], more].concat();
        with("metrics-api", &more).asked().1["apiKey"].clone()
    };
    assert_eq!(of(&[]), json!({ "key": "k", "in": "header" }));
    assert_eq!(
        of(&[("method", "query"), ("keyParamName", "token")]),
        json!({ "key": "k", "in": "query", "name": "token" })
    );
    assert_eq!(
        with("metrics-api", &[("authModes", "apiKey"), ("apiKey", "k"), ("method", "body")]).problems(),
        [
            "spec.triggers[0].metadata.method: Invalid value: parameter \"method\" value \"body\" must be one of [header \
          query]"
        ]
    );
}

#[test]
fn contract_6_0_modes_are_those_of_a_list() {
    assert_eq!(
        case("bearer,digest", &["bearerToken"]).problems(),
        [
            "spec.triggers[0].metadata.authModes: Invalid value: parameter \"authModes\" value \"bearer,digest\" must be \
          one of [apiKey basic tls bearer custom oauth]"
        ]
    );
    assert_eq!(
        case("bearer,basic", &["bearerToken", "username"]).problems(),
        [
            "spec.triggers[0].metadata.authModes: Invalid value: parameter \"authModes\" value \"bearer,basic\" must \
          contain only one of [bearer basic oauth]"
        ]
    );
    let by_alias = with("prometheus", &[("authMode", "bearer")]);
    assert_eq!(by_alias.problems().len(), 1, "it asks for a token");
    // Which credentials are asked for depends on them, so they must be known.
    assert_eq!(
        trigger("prometheus", &[("serverAddress", "http://p"), ("query", "up"), ("threshold", "1")])
            .authenticated(
                json!({ "secretTargetRef": [{ "parameter": "authModes", "name": "s", "key": "m" }] })
            )
            .problems(),
        [
            "spec.triggers[0].authenticationRef: Forbidden: authModes would come from the secret shop/s, which is read \
          with the metric only: write it in the trigger's metadata"
        ]
    );
}
