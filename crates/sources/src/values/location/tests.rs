use serde_json::json;

use super::*;

fn value(path: &str, document: &Value) -> Option<Value> {
    let location = Location::parse(path).unwrap_or_else(|why| panic!("{path}: {why}"));
    location.find(document).map(Found::into_value)
}

#[test]
fn contract_6_6_every_step_leads_where_gjson_leads() {
    let document = json!({
        "name": {"first": "Tom"}, "fav.movie": 7, "*": 8, "12": "by name", "#": 9, "a!b": 3,
        "items": [{"n": "a", "v": 1, "tags": ["x"]}, {"n": "b", "v": 2, "on": true, "tags": []}, 5],
        "queues": {"orders": {"depth": 4}, "mails": {"depth": 6}},
    });
    for (path, expected) in [
        ("name.first", Some(json!("Tom"))),
        ("name", Some(json!({"first": "Tom"}))),
        (r"fav\.movie", Some(json!(7))),
        (r"\*", Some(json!(8))),
        ("12", Some(json!("by name"))),
        (r"\#", Some(json!(9))),
        ("a!b", Some(json!(3))),
        ("items.1.v", Some(json!(2))),
        ("items.#", Some(json!(3))),
        ("items|#", Some(json!(3))),
        ("items.0.tags.#", Some(json!(1))),
        (r#"items.#(n=="b").v"#, Some(json!(2))),
        (r#"items.#(n="b").v"#, Some(json!(2))),
        ("items.#(n==b).v", Some(json!(2))),
        (r#"items.#(n!="a").v"#, Some(json!(2))),
        (r#"items.#(n%"b*").v"#, Some(json!(2))),
        (r#"items.#(n!%"a*").v"#, Some(json!(2))),
        ("items.#(on).v", Some(json!(2))),
        ("items.#(on==true).v", Some(json!(2))),
        ("items.#(v>1).n", Some(json!("b"))),
        (r#"items.#(v=="2").n"#, Some(json!("b"))),
        ("items.#(v<=1).n", Some(json!("a"))),
        ("items.#(tags.#>=1).n", Some(json!("a"))),
        (r#"items.#(tags.#(=="x")).v"#, Some(json!(1))),
        (r#"items.#(n=="c").v"#, None),
        // Of each item, and of all of them.
        ("items.#.v", Some(json!([1, 2]))),
        ("items.#.v|1", Some(json!(2))),
        ("items.#.v|#", Some(json!(2))),
        ("items.#(v>0)#.n", Some(json!(["a", "b"]))),
        ("items.#(v>0)#|#", Some(json!(2))),
        ("items.#(v>9)#|#", Some(json!(0))),
        ("items.#.tags|@flatten|#", Some(json!(1))),
        ("items|@reverse|0", Some(json!(5))),
        ("items.@reverse.0", Some(json!(5))),
        ("queues.*.depth", Some(json!(6))),
        ("queues.o?ders.depth", Some(json!(4))),
        ("queues.x*.depth", None),
        ("queues|@keys|#", Some(json!(2))),
        ("queues.@values.#.depth", Some(json!([6, 4]))),
        ("queues.@this.mails.depth", Some(json!(6))),
        ("items.3", None),
        ("items.x", None),
        ("items.-1", None),
        ("items.#|0", None),
        ("name.first.x", None),
        ("name.#", None),
        ("name.@flatten", None),
        ("none", None),
    ] {
        assert_eq!(value(path, &document), expected, "{path}");
    }
    assert_eq!(value("0.a", &json!([{"a": 1}])), Some(json!(1)));
    assert_eq!(value("#(>3)", &json!([1, 5, 9])), Some(json!(5)));
}

#[test]
fn what_is_not_supported_is_refused_with_what_to_do() {
    for (path, words) in [
        ("", "empty step"),
        ("a..b", "empty step"),
        ("a.", "empty step"),
        ("a|", "empty step"),
        (".a", "empty step"),
        ("a.{b,c}", "must not have {"),
        ("!true", "must not have !"),
        ("@pretty", "those that are known are @this, @reverse"),
        ("items.#(n", "closing bracket"),
        ("items.#()", "a condition in each"),
        (r#"items.#(n=="a)"#, "closing bracket"),
        (r#"items.#(n=="a"b)"#, "ends with its quote"),
        ("a\\", "sign after"),
        ("#(a==1)b", "dot between"),
    ] {
        let why = Location::parse(path).unwrap_err();
        assert!(why.contains(words), "{path}: {why}");
    }
    assert!(Location::parse(&vec!["a"; 65].join(".")).is_err());
    let deep = format!("{}a{}", "#(".repeat(5000), ")".repeat(5000));
    assert!(Location::parse(&deep).unwrap_err().contains("within one another"));
}

#[test]
fn a_star_stands_for_any_signs() {
    for (pattern, text, expected) in [
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("*", "", true),
        ("?", "", false),
        ("a?c", "abc", true),
        ("*b*b*", "abab", true),
        (r"a\*", "a*", true),
        (r"a\*", "ab", false),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(condition::is_like(text, pattern), expected, "{pattern} {text}");
    }
    assert!(!condition::is_like(&"a".repeat(3000), &format!("{}b", "*a".repeat(1000))));
}
