use super::*;

const NAMES: &[&str] = &["a", "b", "trig_one"];

/// The value with a = 3, b = 0.5 and trig_one nil.
fn value(text: &str) -> Option<f64> {
    evaluated(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn evaluated(text: &str) -> Result<Option<f64>, String> {
    let formula = Formula::compile(text, NAMES)?;
    let values = [("a", Some(3.0)), ("b", Some(0.5)), ("trig_one", None)];
    let values: Vec<_> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    formula.evaluate(&values).map_err(|absence| absence.message)
}

fn refused(text: &str) -> String {
    Formula::compile(text, NAMES).expect_err(text)
}

#[test]
fn contract_4_7_what_kedas_formulas_use() {
    for (text, expected) in [
        ("a + b", 3.5),
        ("a * 2", 6.0),
        ("a + 1", 4.0),
        ("a < 5 ? b + a : 5", 3.5),
        ("a > 5 ? 1 : b > 1 ? 2 : 4", 4.0),
        ("a < 5 ? (b < 1 ? 7 : 8) : 9", 7.0),
        ("count([a,b],{#>1}) > 1 ? 5 : 0", 0.0),
        ("count([a,b],{# > 0.1}) > 1 ? 5 : 0", 5.0),
        ("trig_one ?? b ?? 8", 0.5),
        ("trig_one ?? 8", 8.0),
        ("float(a) + float(2)", 5.0),
        ("float(a) > 1 ? 5 : 0", 5.0),
        ("(a + b) / 2", 1.75),
        ("max(a, b) - min([a, b])", 2.5),
        ("sum([a, b, 1])", 4.5),
        ("mean([a, b])", 1.75),
        ("median(a, b, 10)", 3.0),
        ("any([a, b], {# > 2}) and not all([a, b], # > 2) ? 1 : 0", 1.0),
        ("none([a], # < 0) && one([a, b], # > 1) ? 1 : 0", 1.0),
        ("sum(filter([a, b, 7], {# > 1}))", 10.0),
        ("sum(map([a, b], {# * 2}))", 7.0),
        ("sum([a, b], # * 2)", 7.0),
        ("[a, b] | filter(# > 1) | len()", 1.0),
        ("ceil(b) + floor(b) + round(b) + abs(-a)", 5.0),
        ("int(a) % 2", 1.0),
        ("let total = a + b; total > 3 ? total : 0", 3.5),
        ("first([a, b]) + last([a, b])", 3.5),
        ("a in [1, 3] ? 1 : 0", 1.0),
        ("trig_one == nil ? 4 : 5", 4.0),
        ("1 < a <= 3 ? 1 : 0", 1.0),
        ("1 < a < 3 ? 1 : 0", 0.0),
        ("if (max([a, b]) > 5) {\n  max([a, b])\n} else {\n  a\n}\n", 3.0),
        ("if a > 5 { 1 } else if b > 5 { 2 } else { let x = 4; x * 2 }", 8.0),
        ("float(if a > 1 { 5 } else { 0 })", 5.0),
        ("a // the first\n + /* and\n the second */ b", 3.5),
    ] {
        assert_eq!(value(text), Some(expected), "{text}");
    }
    assert_eq!(value("trig_one ?? nil"), None);
}

#[test]
fn contract_4_7_operators_bind_as_in_expr_lang() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("8 - 4 - 2", 2.0),
        ("2 ^ 3 ** 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("2 * -3", -6.0),
        ("7 / 2", 3.5),
        ("-7 % 4", -3.0),
        ("1 + trig_one ?? 5", 6.0),
        ("-trig_one ?? 5", -5.0),
        ("true or false and false ? 1 : 2", 1.0),
        ("not (a > 1) ? 1 : 2", 2.0),
        ("1_000 + 1e3 + .5", 2000.5),
        ("+a - -b", 3.5),
        ("a > 1 == true ? 1 : 0", 1.0),
    ] {
        assert_eq!(value(text), Some(expected), "{text}");
    }
}

#[test]
fn contract_4_7_what_has_no_value_says_why() {
    for (text, why) in [
        ("a + trig_one", "the formula: + takes numbers, not nil"),
        ("1 / (a - 3)", "the formula: its result is inf"),
        ("(b - 0.5) / (a - 3)", "the formula: its result is NaN"),
        ("int(a) % int(b)", "the formula: % by 0"),
        ("trig_one > 1 ? 1 : 0", "the formula: a comparison takes numbers, not nil"),
    ] {
        assert_eq!(evaluated(text), Err(why.to_owned()), "{text}");
    }
    assert_eq!(value("a - 10"), Some(-7.0), "a negative one is a number");
}

#[test]
fn contract_4_7_what_cannot_come_to_a_number_is_refused() {
    for (text, why) in [
        ("a +", "at 4: the formula ends too early"),
        ("", "at 1: the formula ends too early"),
        ("a b", "at 3: unexpected \"b\""),
        ("(a", "at 3: the formula ends too early, \")\" is expected"),
        ("c + 1", "at 1: unknown name \"c\": the triggers are a, b, trig_one"),
        ("my-trig", "at 1: unknown name \"my\": the triggers are a, b, trig_one"),
        ("a > 1 ? unknown : 1", "at 9: unknown name \"unknown\": the triggers are a, b, trig_one"),
        ("a > 1", "the result is true or false and no number: write `… ? 1 : 0`"),
        ("[a]", "the result is an array and no number"),
        ("a ? 1 : 2", "? : takes true or false, not a number"),
        ("a + true", "+ takes numbers, not true or false"),
        ("a > 100 ? true + 1 : 1", "+ takes numbers, not true or false"),
        ("a % 2", "% takes whole numbers: write int(…)"),
        ("\"a\" == \"b\" ? 1 : 0", "at 1: strings are not supported, only numbers"),
        (
            "sum(1..1000000000)",
            "at 6: fields and ranges are not supported, only names of triggers and arrays",
        ),
        ("sum([a]..[b])", "at 8: fields and ranges are not supported, only names of triggers and arrays"),
        ("{a: 1}", "at 1: maps are not supported"),
        ("# + 1", "at 1: # stands for an element, in a predicate alone"),
        ("filter([a])", "at 12: filter needs a predicate, for example filter([a, b], {# > 1})"),
        ("count(a, # > 1)", "count takes an array, not a number"),
        ("a ?? b + 1", "at 8: \"+\" after ??: put brackets round either"),
        ("let a = 1; a", "at 5: \"a\" cannot be bound, the name is taken"),
        ("abs(a, b)", "at 10: abs takes one argument, not 2"),
        ("min()", "at 6: min takes at least one argument, not 0"),
        ("99999999999999999999", "at 1: not a number that is understood"),
        ("1e999", "at 1: not a number that is understood"),
        ("a; b", "at 2: unexpected \";\""),
        ("if a > 1 { 1 }", "at 15: the formula ends too early, \"else\" is expected"),
        ("if a > 1 ? 1 : 0", "at 17: the formula ends too early, \"{\" is expected"),
        ("if a { 1 } else { 2 }", "? : takes true or false, not a number"),
        ("1 + if a > 1 { 1 } else { 2 }", "at 5: unexpected \"if\""),
        ("a /* b", "at 3: the comment does not end"),
    ] {
        assert_eq!(refused(text), why, "{text}");
    }
    assert!(refused("now() > 1 ? 1 : 0").starts_with("at 5: unknown function \"now\": known are abs, all"));
    assert_eq!(Formula::compile("x", &[]).unwrap_err(), "at 1: unknown name \"x\": no trigger has a name");
}

#[test]
fn its_size_its_depth_and_its_steps_are_limited() {
    assert_eq!(refused(&"a+".repeat(3000)), "the formula has 6000 bytes, 4096 are the most");
    assert_eq!(refused(&format!("a{}", "+a".repeat(400))), "the formula has more than 500 parts");
    for deep in ["(", "-", "[", "abs(", "a>1?", "1<(", "if a>1{", "if a>1{1}else "] {
        let why = refused(&deep.repeat(200));
        assert!(why.contains("more than 50 levels"), "{deep}: {why}");
    }
    let lets: String = (0..60).map(|place| format!("let x{place} = 1; ")).collect();
    assert!(refused(&format!("{lets} a")).contains("more than 50 levels"));
    assert!(value(&format!("a{}", "+a".repeat(200))).is_some());
    let ones = ["1"; 60].join(",");
    let nested = format!("count([{ones}], {{count([{ones}], {{count([{ones}], {{# > 0}}) > 0}}) > 0}})");
    assert_eq!(refused(&nested), "it takes more than 20000 steps");
    let copies = format!("let x = [{ones}]; len(map(x, {{map(x, {{map([1, 2], x)}})}}))");
    assert_eq!(refused(&copies), "it takes more than 20000 steps");
}

#[test]
fn an_operator_word_may_begin_a_name() {
    let names = &["notifications", "orders", "android", "nilpotent", "trueload", "inbox"];
    let formula =
        Formula::compile("notifications + orders + android + nilpotent + trueload + inbox", names).unwrap();
    let values: Vec<_> = names.iter().map(|name| ((*name).to_owned(), Some(1.0))).collect();
    assert_eq!(formula.evaluate(&values), Ok(Some(6.0)));
}
