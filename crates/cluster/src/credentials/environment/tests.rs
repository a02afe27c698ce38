use serde_json::{Value, json};

use super::*;

fn of(container: Value) -> Container {
    let mut container = container;
    container["name"] = json!("app");
    serde_json::from_value(container).unwrap()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn holding(values: &[(&str, &str)]) -> Fetched {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    Fetched::Values(values.collect())
}

fn held() -> Held {
    let secrets = [
        ("db", holding(&[("password", "hunter2"), ("USER", "ann")])),
        ("gone", Fetched::Missing),
        ("locked", Fetched::Failed("forbidden".to_owned())),
    ];
    let config_maps = [("site", holding(&[("HOST", "db.shop"), ("USER", "nobody")]))];
    let owned = |objects: &[(&str, Fetched)]| {
        objects.iter().map(|(name, fetched)| ((*name).to_owned(), fetched.clone())).collect()
    };
    Held { secrets: owned(&secrets), config_maps: owned(&config_maps) }
}

/// The value of `A`, as text.
fn value_of_a(container: Value) -> Result<Option<String>, String> {
    let values = values(&of(container), &names(&["A"]), &held())?;
    Ok(values.get("A").map(|value| String::from_utf8(value.clone()).unwrap()))
}

fn text(text: &str) -> Result<Option<String>, String> {
    Ok(Some(text.to_owned()))
}

#[test]
fn contract_7_a_literal_is_expanded_by_what_stands_before_it() {
    for (value, expected) in [
        ("plain", "plain"),
        ("", ""),
        ("$(B)/x", "b/x"),
        ("$$(B)", "$(B)"),
        ("$$$(B)", "$b"),
        ("$(C)", "$(C)"),
        ("$(LATER)", "$(LATER)"),
        ("$B $", "$B $"),
        ("$(B", "$(B"),
        ("100 $", "100 $"),
    ] {
        let env = json!([{ "name": "B", "value": "b" }, { "name": "A", "value": value }, { "name": "LATER", "value": "x" }]);
        assert_eq!(value_of_a(json!({ "env": env })), text(expected), "{value}");
    }
    let twice = json!({ "env": [{ "name": "A", "value": "1" }, { "name": "A", "value": "$(A)2" }] });
    assert_eq!(value_of_a(twice), text("12"));
}

#[test]
fn contract_7_values_come_from_objects() {
    let secret = json!({ "secretKeyRef": { "name": "db", "key": "password" } });
    assert_eq!(value_of_a(json!({ "env": [{ "name": "A", "valueFrom": secret }] })), text("hunter2"));
    let map = json!({ "configMapKeyRef": { "name": "site", "key": "HOST" } });
    let url = json!([{ "name": "H", "valueFrom": map }, { "name": "A", "value": "redis://$(H)" }]);
    assert_eq!(value_of_a(json!({ "env": url })), text("redis://db.shop"));
    let from =
        json!([{ "prefix": "", "configMapRef": { "name": "site" } }, { "secretRef": { "name": "db" } }]);
    let later_wins = json!({ "envFrom": from, "env": [{ "name": "A", "value": "$(USER)@$(HOST)" }] });
    assert_eq!(value_of_a(later_wins), text("ann@db.shop"));
    let prefixed = json!({ "envFrom": [{ "prefix": "DB_", "secretRef": { "name": "db" } }],
                           "env": [{ "name": "A", "value": "$(DB_password)" }] });
    assert_eq!(value_of_a(prefixed), text("hunter2"));
    assert_eq!(value_of_a(json!({})), Ok(None));
}

#[test]
fn contract_7_what_may_be_missing_leaves_what_was_there() {
    let gone =
        |optional: bool| json!({ "secretKeyRef": { "name": "gone", "key": "a", "optional": optional } });
    let env =
        |optional| json!([{ "name": "A", "value": "before" }, { "name": "A", "valueFrom": gone(optional) }]);
    assert_eq!(value_of_a(json!({ "env": env(true) })), text("before"));
    let missing = "secret gone, which its variable A names: it does not exist";
    assert_eq!(value_of_a(json!({ "env": env(false) })), Err(missing.to_owned()));
    let no_key = json!({ "secretKeyRef": { "name": "db", "key": "a" } });
    let no_key = value_of_a(json!({ "env": [{ "name": "A", "valueFrom": no_key }] }));
    assert_eq!(no_key, Err("secret db, which its variable A names: it has no key \"a\"".to_owned()));
    let from =
        |optional: bool| json!({ "envFrom": [{ "secretRef": { "name": "gone", "optional": optional } }] });
    assert_eq!(value_of_a(from(true)), Ok(None));
    assert_eq!(
        value_of_a(from(false)),
        Err("secret gone, which its envFrom names, does not exist".to_owned())
    );
    let field = json!({ "fieldRef": { "fieldPath": "status.podIP" } });
    let field = value_of_a(json!({ "env": [{ "name": "A", "valueFrom": field }] }));
    assert_eq!(field, Ok(None), "contract 7: fieldRef and resourceFieldRef are skipped");
}

#[test]
fn contract_7_only_what_is_rested_on_is_read() {
    let secret = |name: &str| json!({ "secretKeyRef": { "name": name, "key": "password" } });
    let container = json!({
        "env": [
            { "name": "OTHER", "valueFrom": secret("locked") },
            { "name": "P", "valueFrom": secret("db") },
            { "name": "A", "value": "$(P)" },
        ],
        "envFrom": [{ "configMapRef": { "name": "site" } }],
    });
    let objects = needed(&of(container.clone()), &names(&["A"]));
    assert_eq!(objects, Objects { secrets: names(&["db"]), config_maps: names(&[]) });
    assert_eq!(value_of_a(container.clone()), text("hunter2"));
    let objects = needed(&of(container.clone()), &names(&["HOST"]));
    assert_eq!(objects, Objects { secrets: names(&[]), config_maps: names(&["site"]) });
    let locked = values(&of(container), &names(&["OTHER"]), &held()).unwrap_err();
    assert_eq!(locked, "secret locked, which its variable OTHER names: forbidden");
}

#[test]
fn doubling_values_end_soon() {
    let double = |index: usize| json!({ "name": format!("V{}", index + 1), "value": format!("$(V{index})$(V{index})") });
    let mut env = vec![json!({ "name": "V0", "value": "xx" })];
    env.extend((0..60).map(double));
    env.push(json!({ "name": "A", "value": "$(V60)" }));
    let error = value_of_a(json!({ "env": env })).unwrap_err();
    assert!(error.contains("is longer than 64 KiB"), "{error}");
}

#[test]
fn contract_7_a_container_is_found_by_its_name_or_is_the_first() {
    let two =
        || ["app", "side"].map(|name| Container { name: name.to_owned(), ..Container::default() }).to_vec();
    assert_eq!(container(two(), None).unwrap().unwrap().name, "app");
    assert_eq!(container(two(), Some("side")).unwrap().unwrap().name, "side");
    let missing = container(two(), Some("db")).unwrap_err();
    assert_eq!(missing, "its pod template has no container \"db\", only app, side");
    // Contract 7: what has no pod template has an empty environment.
    for name in [Some("db"), None] {
        assert_eq!(container(Vec::new(), name), Ok(None));
    }
}
