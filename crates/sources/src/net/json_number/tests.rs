use proptest::prelude::*;

use super::*;

fn read(path: &str, body: impl Into<Vec<u8>>) -> Result<f64, (AbsenceReason, String)> {
    let body = Body::of("application/json", body);
    extract(&body, &JsonPath::parse(path).unwrap(), path).map_err(|absence| (absence.reason, absence.message))
}

#[test]
fn numbers_are_read() {
    for (path, body, expected) in [
        ("$.active_users", r#"{"active_users": 2500}"#, 2500.0),
        ("$.active_users", r#"{"active_users": 0}"#, 0.0),
        ("$.active_users", r#"{"active_users": -3}"#, -3.0),
        ("$.active_users", r#"{"active_users": 1.5e3}"#, 1500.0),
        ("$.active_users", r#"{"active_users": 18446744073709551616}"#, 18_446_744_073_709_551_616.0),
        ("$", "7", 7.0),
        ("$[0].v", r#"[{"v": 1}, {"v": 2}]"#, 1.0),
        ("$.a.b", " \n{\"a\": {\"b\": 4}}\n", 4.0),
        ("$.a", r#"{"a": 1, "a": 2}"#, 2.0),
        ("$.a", r#"{"a": 1e-400}"#, 0.0),
    ] {
        assert_eq!(read(path, body), Ok(expected), "{body}");
    }
}

#[test]
fn everything_else_is_a_named_absence() {
    use AbsenceReason::*;
    let digits = format!(r#"{{"a": {}}}"#, "9".repeat(400));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, reason, words) in [
        (r#"{"users": 1, "b": 2}"#, ValueMissing, "nothing at $.a; it is an object with b, users"),
        ("{}", ValueMissing, "an empty object"),
        ("[1,2]", ValueMissing, "a list of 2"),
        ("3", ValueMissing, "it is a number"),
        (r#"{"a": "12"}"#, NotANumber, "the value at $.a is a string"),
        (r#"{"a": null}"#, NotANumber, "is null"),
        (r#"{"a": true}"#, NotANumber, "is a boolean"),
        (r#"{"a": [1]}"#, NotANumber, "is a list"),
        (r#"{"a": {"b": 1}}"#, NotANumber, "is an object"),
        (r#"{"a": 1e999}"#, NotFinite, "exceeds a 64-bit float"),
        (r#"{"a": -1e999}"#, NotFinite, "exceeds a 64-bit float"),
        (digits.as_str(), NotFinite, "exceeds a 64-bit float"),
        (r#"{"a": NaN}"#, Malformed, "not JSON"),
        (r#"{"a": Infinity}"#, Malformed, "not JSON"),
        ("NaN", Malformed, "not JSON"),
        ("", Malformed, "empty"),
        (" \r\n", Malformed, "empty"),
        ("<!doctype html><p>sign in", Malformed, "HTML"),
        (r#"{"a": 12"#, Malformed, "not JSON: EOF"),
        (r#"{"a": 1} {"a": 2}"#, Malformed, "not JSON: trailing"),
        (deep.as_str(), Malformed, "recursion limit"),
    ] {
        let shown = &body[..body.len().min(40)];
        let (found, message) = read("$.a", body).expect_err(shown);
        assert_eq!(found, reason, "{shown}: {message}");
        assert!(message.contains(words), "{shown}: {message}");
    }
}

#[test]
fn html_is_also_known_by_its_content_type() {
    let body = Body::of("Text/HTML; charset=utf-8", b"sign in");
    let absence = extract(&body, &JsonPath::parse("$.a").unwrap(), "$.a").unwrap_err();
    assert_eq!(absence.reason, AbsenceReason::Malformed);
    assert!(absence.message.contains("HTML"), "{absence}");
}

#[test]
fn several_values_are_ambiguous() {
    let (reason, message) = read("$..depth", r#"[{"depth": 1}, {"depth": 2}]"#).unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueAmbiguous);
    assert_eq!(message, "the response has 2 values at $..depth, not one");
}

#[test]
fn only_few_and_short_names_are_shown() {
    let long = "x".repeat(100);
    let body = format!(r#"{{"1":0,"2":0,"3":0,"a\u0007b":0,"{long}":0,"zz":0}}"#);
    let (_, message) = read("$.missing", body).unwrap_err();
    assert!(message.contains("1, 2, 3, a\\u{7}b, x"), "{message}");
    assert!(message.ends_with("… and more") && message.len() < 150, "{message}");
}

#[test]
fn a_path_that_takes_too_long_is_an_absence() {
    let body = format!("[{}0]", "0,".repeat(400_000));
    let (reason, _) = read("$[?$[?@==1]]", body).unwrap_err();
    assert_eq!(reason, AbsenceReason::TooLarge);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("$..a", bytes);
    }

    #[test]
    fn no_answer_that_looks_like_json_makes_it_panic(text in "[\\[\\]{}:,\"a0-9eE.+\\\\u\\- \
         ntrufalse]{0,120}") {
        for path in ["$", "$.a", "$..*", "$[?@.a>1]"] {
            if let Ok(number) = read(path, text.clone()) {
                prop_assert!(number.is_finite());
            }
        }
    }
}
