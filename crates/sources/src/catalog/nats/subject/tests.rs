use proptest::prelude::*;

use super::*;

#[test]
fn subjects_that_nats_takes_have_no_problem() {
    for subject in
        ["orders", "orders.processing", "orders.*", "orders.>", ">", "*", "*.a.*.>", "$KV.b.k", "ä.ö"]
    {
        assert_eq!(problem(subject), None, "{subject}");
    }
    assert_eq!(problem(&"a".repeat(1024)), None);
}

#[test]
fn other_subjects_have_one() {
    for (subject, words) in [
        ("", "dots"),
        (".", "dots"),
        ("orders.", "dots"),
        (".orders", "dots"),
        ("orders..new", "dots"),
        ("orders new", "spaces"),
        ("orders.\tnew", "spaces"),
        ("orders.\0", "control"),
        ("orders\u{a0}", "spaces"),
        ("orders.>.new", "> only at its end"),
        (">.>", "> only at its end"),
        ("orders.new*", "whole parts"),
        ("orders>", "whole parts"),
        ("**", "whole parts"),
        ("orders.*>", "whole parts"),
        (&"a".repeat(1025), "1024 bytes"),
    ] {
        let found = problem(subject).unwrap_or_else(|| panic!("{subject:?} is taken"));
        assert!(found.contains(words), "{subject:?}: {found}");
    }
}

#[test]
fn what_overlaps_and_what_does_not() {
    for (one, other, expected) in [
        ("orders.processing", "orders.processing", true),
        ("orders.processing", "orders.Processing", false),
        ("orders.*", "orders.processing", true),
        ("orders.*", "orders", false),
        ("orders.*", "orders.processing.eu", false),
        ("orders.>", "orders", false),
        ("orders.>", "orders.processing.eu", true),
        ("orders.>", "orders.*", true),
        ("orders.*.eu", "orders.new.*", true),
        ("orders.*.eu", "orders.new.us", false),
        ("*.*", ">", true),
        ("*", "a.>", false),
        (">", "a", true),
        ("a.b.>", "a.>", true),
        ("a.>", "b.>", false),
        ("*.b", "a.>", true),
    ] {
        assert_eq!(overlaps(one, other), expected, "{one} and {other}");
        assert_eq!(overlaps(other, one), expected, "{other} and {one}");
    }
}

/// Whether a message on `literal` is delivered to `pattern`, determined in another way than `overlaps` takes.
fn delivers(pattern: &[&str], literal: &[&str]) -> bool {
    match (pattern, literal) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        ([first, pattern @ ..], [token, literal @ ..]) => {
            (*first == "*" || first == token) && delivers(pattern, literal)
        }
        _ => false,
    }
}

/// Every literal subject of up to five tokens over an alphabet with one letter more than the patterns use.
fn literals() -> Vec<Vec<&'static str>> {
    let mut all: Vec<Vec<&str>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..5 {
        let to = all.len();
        for index in from..to {
            for token in ["a", "b", "other"] {
                let longer = [all[index].as_slice(), &[token]].concat();
                all.push(longer);
            }
        }
        from = to;
    }
    all.split_off(1)
}

/// A subject of up to four tokens.
fn pattern() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec!["a", "b", "*"]);
    (prop::collection::vec(token, 0..4), any::<bool>()).prop_map(|(mut tokens, tail)| {
        if tail || tokens.is_empty() {
            tokens.push(">");
        }
        tokens.join(".")
    })
}

proptest! {
    #[test]
    fn overlapping_is_having_a_message_in_common(patterns in prop::collection::vec(pattern(), 3)) {
        let split: Vec<Vec<&str>> = patterns.iter().map(|pattern| pattern.split('.').collect()).collect();
        let common = |chosen: &[usize]| {
            literals().iter().any(|literal| chosen.iter().all(|one| delivers(&split[*one], literal)))
        };
        let pairs = [[0, 1], [1, 2], [0, 2]];
        for [one, other] in pairs {
            prop_assert_eq!(overlaps(&patterns[one], &patterns[other]), common(&[one, other]));
        }
        let in_pairs = pairs.iter().all(|[one, other]| overlaps(&patterns[*one], &patterns[*other]));
        prop_assert_eq!(in_pairs, common(&[0, 1, 2]), "three at once");
    }

    #[test]
    fn the_order_does_not_matter_and_everything_meets_itself(one in pattern(), other in pattern()) {
        prop_assert_eq!(overlaps(&one, &other), overlaps(&other, &one));
        prop_assert!(overlaps(&one, &one) && overlaps(&one, ">") && problem(&one).is_none());
    }

    #[test]
    fn any_text_is_judged_without_a_panic(one in ".*", other in ".*") {
        let _ = (problem(&one), overlaps(&one, &other));
    }
}
