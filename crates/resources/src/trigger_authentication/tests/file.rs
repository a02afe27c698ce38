//! Values from a file of the operator.

use super::*;

#[test]
fn contract_7_a_file_has_all_values_and_nothing_else_counts() {
    let spec = |path: &str| {
        json!({ "filePath": path, "env": bearer(json!({ "name": "TOKEN" })),
                "secretTargetRef": bearer(json!({ "name": "tokens", "key": "prometheus" })) })
    };
    let by_file = |path: &str| of_cluster(guarded(), spec(path), Some("polyscaler"));
    assert_eq!(
        by_file("team/keys.json").shown_credentials(),
        [
            "bearerTokenFrom: bearerToken of file team/keys.json, or token of file team/keys.json",
            "caFrom: ca of file team/keys.json, or nothing",
        ]
    );
    let path = "spec.triggers[0].authenticationRef.name: Invalid value: spec.filePath of";
    for outside in ["/etc/passwd", "../keys", "team/../../keys", "./../keys", ".."] {
        assert_eq!(
            by_file(outside).problems()[0],
            format!(
                "{path} ClusterTriggerAuthentication auth: must be a path within the operator's folder, without .."
            )
        );
    }
    let namespaced = guarded().authenticated(spec("keys.json")).problems();
    assert_eq!(
        namespaced[0],
        format!(
            "{path} TriggerAuthentication shop/auth: is for a ClusterTriggerAuthentication only; put the values into a \
             Secret and name it in secretTargetRef"
        )
    );
}

#[test]
fn what_a_file_may_lack_is_left_out() {
    let redis = trigger("redis", &[("host", "redis"), ("port", "6379"), ("listName", "jobs")]);
    let by_file = of_cluster(redis, json!({ "filePath": "keys" }), Some("polyscaler"));
    assert_eq!(
        by_file.asked().1,
        json!({ "host": "redis", "port": "6379", "db": 0, "collectionName": "jobs", "tls": {} })
    );
    assert_eq!(
        by_file.shown_credentials(),
        [
            "usernameFrom: username of file keys, or nothing",
            "passwordFrom: password of file keys, or nothing",
            "tlsModeFrom: tls of file keys, or \"disable\"",
            "tls.certFrom: cert of file keys, or Cert of file keys, or nothing",
            "tls.keyFrom: key of file keys, or nothing",
            "tls.caFrom: ca of file keys, or nothing",
        ]
    );
}
