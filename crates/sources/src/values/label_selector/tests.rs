//! A test of the binary holds the same tables against the API server's own word.

use super::*;

#[test]
fn good_selectors_have_no_problem() {
    for text in include_str!("good.txt").lines() {
        assert_eq!(problem(text), None, "{text}");
    }
    assert_eq!(problem(&format!("{}=x", "a".repeat(63))), None);
}

#[test]
fn bad_selectors_are_bad() {
    for text in include_str!("bad.txt").lines() {
        assert!(problem(text).is_some(), "{text}");
    }
    assert!(problem(&format!("{}=x", "a".repeat(64))).is_some());
    assert!(problem(&format!("a={}", "x".repeat(64))).is_some());
}

#[test]
fn the_words_say_what_is_wrong() {
    for (text, expected) in [
        ("app=", None),
        ("app in web", Some(r#""web" is found where values in parentheses are expected"#)),
        ("app in (web", Some("it ends where a comma or a closing parenthesis is expected")),
        ("app web", Some(r#""web" is found where one of = == != in notin > < is expected"#)),
        ("app=web api", Some(r#""api" is found where a comma or the end is expected"#)),
        ("app=web,", Some("it ends where the name of a label is expected")),
        ("=web", Some(r#""=" is found where the name of a label is expected"#)),
        ("-app=web", Some(r#""-app" cannot be the name of a label"#)),
        ("app=we/b", Some(r#""we/b" cannot be the value of a label"#)),
        ("weight>heavy", Some(r#"> is for whole numbers, not for "heavy""#)),
    ] {
        assert_eq!(problem(text).as_deref(), expected, "{text}");
    }
}
