use jsonpath_rust::JsonPath as _;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn select(path: &str, document: &Value) -> Vec<Value> {
    let path = JsonPath::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    path.select(document).unwrap().into_iter().cloned().collect()
}

#[test]
fn selects_what_the_standard_says() {
    let shop = json!({
        "users": {"active": 7, "it's": 1, "a.b": 2},
        "queues": [
            {"name": "mail", "depth": 3, "tags": ["x", "y"], "limits": {"max": 5.0}},
            {"name": "print", "depth": 12, "tags": [], "limits": {"max": 5}},
            {"name": "späth", "depth": null},
        ],
        "numbers": [0, 1, 2, 3, 4, 5],
        "limits": {"max": 5},
    });
    for (path, expected) in [
        ("$.users.active", json!([7])),
        ("$['users']['active']", json!([7])),
        ("$.users[\"it's\"]", json!([1])),
        ("$.users['a.b']", json!([2])),
        ("$.missing", json!([])),
        ("$.users.active.deeper", json!([])),
        ("$.queues[0].depth", json!([3])),
        ("$.queues[-1].name", json!(["späth"])),
        ("$.queues[7].depth", json!([])),
        ("$.queues[-7].depth", json!([])),
        ("$.queues[*].depth", json!([3, 12, null])),
        ("$..active", json!([7])),
        ("$..depth", json!([3, 12, null])),
        ("$.numbers[1:3]", json!([1, 2])),
        ("$.numbers[::2]", json!([0, 2, 4])),
        ("$.numbers[::-2]", json!([5, 3, 1])),
        ("$.numbers[4:1:-1]", json!([4, 3, 2])),
        ("$.numbers[-2:]", json!([4, 5])),
        ("$.numbers[1:3:0]", json!([])),
        ("$.numbers[0,5,0]", json!([0, 5, 0])),
        ("$.queues[?@.name=='print'].depth", json!([12])),
        ("$.queues[?@.name==\"sp\\u00e4th\"].name", json!(["späth"])),
        ("$.queues[?@.depth>3].name", json!(["print"])),
        ("$.queues[?@.depth>=3 && @.depth<12].name", json!(["mail"])),
        ("$.queues[?@.depth<=3 || @.name=='print'].name", json!(["mail", "print"])),
        ("$.queues[?!@.tags].name", json!(["späth"])),
        ("$.queues[?@.tags[0]].name", json!(["mail"])),
        ("$.queues[?@.depth==null].name", json!(["späth"])),
        ("$.queues[?@.nothing==@.nowhere].name", json!(["mail", "print", "späth"])),
        ("$.queues[?@.name!='mail'].depth", json!([12, null])),
        ("$.queues[?@.limits==$.limits].name", json!(["mail", "print"])),
        ("$.queues[?length(@.tags)==2].name", json!(["mail"])),
        ("$.queues[?length(@.name)==5].name", json!(["print", "späth"])),
        ("$.queues[?count(@.*)==2].name", json!(["späth"])),
        ("$.queues[?value(@..max)==5].name", json!(["mail", "print"])),
        ("$.queues[?(@.depth==3)].name", json!(["mail"])),
        ("$.queues[?!(@.depth==3)].name", json!(["print", "späth"])),
        ("$.numbers[?@<2.5 && @!=0]", json!([1, 2])),
        ("$.numbers[?@==1.0]", json!([1])),
    ] {
        assert_eq!(Value::Array(select(path, &shop)), expected, "{path}");
    }
    assert_eq!(Value::Array(select("$", &shop)), json!([shop]));
}

#[test]
fn a_bad_path_says_what_is_wrong_with_it() {
    let long = format!("$.{}", "a".repeat(MAX_LENGTH));
    let deep = format!("$[?{}@.a{}]", "(".repeat(9), ")".repeat(9));
    for (path, words) in [
        ("", "begins with $"),
        ("active_users", "begins with $"),
        (".active_users", "begins with $"),
        ("$.", "ends too early"),
        ("$.users[", "ends too early"),
        ("$.users[0", "from character 9"),
        ("$.active-users", "from character 9: \"-users\""),
        ("$.1abc", "cannot be parsed"),
        ("$[01]", "cannot be parsed"),
        ("$.a[?]", "cannot be parsed"),
        ("$.a[?@.b=1]", "cannot be parsed"),
        ("$[?length(@.a)]", "must compare"),
        ("$[?length(@.*)==1]", "names and indexes only"),
        ("$[?match(@.a, 'b+')]", "function match()"),
        ("$[?search(@.a, 'b+')]", "function search()"),
        ("$[?in(@.a, [1])]", "cannot be parsed"),
        ("$[?in(@.a, @.b)]", "function in()"),
        ("$[?count(1)==1]", "expected a node"),
        (long.as_str(), "at most 1024"),
        (deep.as_str(), "deeper than 8"),
    ] {
        let error = JsonPath::parse(path).expect_err(path);
        assert!(error.contains(words) && !error.contains('\n'), "{path}: {error}");
    }
}

#[test]
fn brackets_within_names_do_not_count_as_nesting() {
    assert_eq!(nesting(r"$['((((((((((['][']']"), 1);
    assert_eq!(nesting(r"$['\'((('][0]"), 1);
    assert_eq!(nesting("$[?(@[0])]"), 3);
}

/// Each of these asks for more than billions of steps, gigabytes of memory or both.
#[test]
fn a_path_that_would_run_for_ever_is_given_up() {
    let wide = Value::Array(vec![json!(0); 500_000]);
    let deep = (0..100).fold(json!([0, 0]), |inner, _| json!([inner, 0]));
    let texts = Value::Array(vec![json!({"a": "x"}); 100_000]);
    let text = json!({"text": "x".repeat(500_000), "items": texts});
    for (path, document) in [
        ("$..*..*..*..*..*", &deep),
        (
            "$[0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0][0,0]",
            &deep,
        ),
        ("$[?$[?@==1]]", &wide),
        ("$[?@==0||@==1||@==2||@==3][?@]", &wide),
        ("$.items[?length($.text)==1]", &text),
        ("$.items[?$.text==$.text]", &text),
        ("$.items[?$.items==$.items]", &text),
    ] {
        let path = JsonPath::parse(path).unwrap();
        let result = path.select(document).map(|nodes| nodes.len());
        assert_eq!(result, Err(TooManySteps), "{path:?}");
    }
}

#[test]
fn the_largest_answer_is_within_the_steps_of_a_plain_search() {
    let mut items = vec![json!(0); 500_000];
    items.push(json!({"name": "x", "depth": 4}));
    let wide = Value::Array(items);
    assert_eq!(select("$..depth", &wide), [json!(4)]);
    assert_eq!(select("$[?@.name=='x'].depth", &wide), [json!(4)]);
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// The library that lends its grammar is the oracle for what a path selects.
    #[test]
    fn agrees_with_the_library(
        document in documents(),
        path in prop::sample::select(vec![
            "$.a", "$..a", "$.a.b", "$[0]", "$[-1]", "$[*]", "$..*", "$.a[*].b", "$[1:]", "$[::-1]", "$[:2]",
            "$[-3:-1]", "$['a','b']", "$[?@.a]", "$[?@.a==1]", "$[?@.a!=1]", "$[?@>0]", "$[?@<='a']",
            "$[?!@.a]", "$[?@.a && @.b]", "$[?@.a || @[0]]", "$[?@==null]", "$[?@==true]",
            "$[?length(@)>1]", "$[?(@.a==1 || @.b<2)]",
        ]),
    ) {
        let expected: Vec<Value> = document.query(path).unwrap().into_iter().cloned().collect();
        prop_assert_eq!(select(path, &document), expected);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\$[\\[\\]().@?*:'\"!=<>&|,a-c0-9 \\\\-]{0,40}") {
        let document = json!({"a": [1, {"b": 2}], "b": "x"});
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.select(&document);
        }
    }
}
