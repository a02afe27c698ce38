use serde_json::{Value, json};

use super::*;
use crate::values::settings::tests::{parsed, problems_of_source, warnings_of_source};

fn problems(config: Value) -> Vec<String> {
    problems_of_source("cron", &config)
}

fn config(start: &str, end: &str) -> Value {
    json!({ "timezone": "Europe/Berlin", "start": start, "end": end, "desiredReplicas": 5 })
}

fn at(text: &str) -> Time {
    Time::from_millis(text.parse::<Timestamp>().unwrap().as_millisecond())
}

/// The number at an instant.
fn number(config: &Value, instant: &str) -> f64 {
    parsed(config, Config::parse).unwrap().number(at(instant)).unwrap()
}

fn assert_window(config: &Value, open: &[&str], closed: &[&str]) {
    for instant in open {
        assert_eq!(number(config, instant), 5.0, "{config} at {instant}");
    }
    for instant in closed {
        assert_eq!(number(config, instant), 0.0, "{config} at {instant}");
    }
}

#[test]
fn good_settings_have_no_problem() {
    for (start, end) in [
        ("0 8 * * *", "0 18 * * *"),
        ("0 8 * * mon-fri", "0 18 * * 1-5"),
        ("  0   8 1 jan ?", "0 8 2 1 *"),
        ("0/15 * * * *", "5/15 * * * *"),
        ("0 0 29 2 *", "0 0 1 3 *"),
        ("0 0 * * 7", "0 0 * * MON"),
    ] {
        assert_eq!(problems(config(start, end)), [] as [&str; 0], "{start} {end}");
    }
}

#[test]
fn every_problem_has_its_path_and_words() {
    let form = "must be a cron expression of five fields (minute, hour, day of month, month, day of week)";
    let zone = "must be the IANA name of a time zone, for example Europe/Paris";
    let never = "no such day exists, so the time never occurs";
    let with = |name: &str, value: Value| {
        let mut config = config("0 8 * * *", "0 18 * * *");
        config[name] = value;
        config
    };
    for (config, expected) in [
        (with("timezone", json!("Mars/Base")), format!("timezone: Invalid value: \"Mars/Base\": {zone}")),
        (with("timezone", json!("Local")), format!("timezone: Invalid value: \"Local\": {zone}")),
        (with("timezone", json!("+02:00")), format!("timezone: Invalid value: \"+02:00\": {zone}")),
        (with("timezone", json!("Etc/Unknown")), format!("timezone: Invalid value: \"Etc/Unknown\": {zone}")),
        (with("timezone", json!(null)), "timezone: Required value".into()),
        (with("start", json!("0 8 * *")), format!("start: Invalid value: \"0 8 * *\": {form}")),
        (with("start", json!("0 0 8 * * *")), format!("start: Invalid value: \"0 0 8 * * *\": {form}")),
        (with("start", json!("@daily")), format!("start: Invalid value: \"@daily\": {form}")),
        (with("start", json!("")), "start: Required value".into()),
        (with("start", json!(8)), "start: Invalid value: a number: must be a string".into()),
        (
            with("end", json!("60 18 * * *")),
            format!("end: Invalid value: \"60 18 * * *\": {form}: Component error: Number out of bounds."),
        ),
        (with("end", json!("0 0 30 2 *")), format!("end: Invalid value: \"0 0 30 2 *\": {never}")),
        (
            with("end", json!("0 0 31 4,6,9,11 *")),
            format!("end: Invalid value: \"0 0 31 4,6,9,11 *\": {never}"),
        ),
        (with("end", json!("0 8 * * *")), "end: Invalid value: \"0 8 * * *\": must differ from start".into()),
        (
            with("end", json!("00 08 * * *")),
            "end: Invalid value: \"00 08 * * *\": must differ from start".into(),
        ),
        (with("desiredReplicas", json!(null)), "desiredReplicas: Required value".into()),
        (
            with("desiredReplicas", json!(0)),
            "desiredReplicas: Invalid value: 0: must be a whole number from 1 to 2147483647".into(),
        ),
        (
            with("desiredReplicas", json!("5")),
            "desiredReplicas: Invalid value: \"5\": must be a whole number from 1 to 2147483647".into(),
        ),
        (
            with("timeZone", json!("UTC")),
            "timeZone: unknown field; this source accepts timezone, start, end, desiredReplicas".into(),
        ),
    ] {
        assert_eq!(problems(config), [format!("spec.config.{expected}")]);
    }
    assert_eq!(problems(json!({})).len(), 4);
}

#[test]
fn contract_6_7_a_window_includes_its_start_and_excludes_its_end() {
    let day = config("0 8 * * *", "0 18 * * *");
    assert_window(
        &day,
        &["2026-01-15T07:00:00Z", "2026-01-15T16:59:59.999Z", "2026-07-15T06:00:00Z"],
        &["2026-01-15T06:59:59.999Z", "2026-01-15T17:00:00Z", "2026-07-15T16:00:00Z", "2026-07-15T05:59:59Z"],
    );
}

#[test]
fn a_window_may_span_midnight_a_weekend_or_a_year() {
    let night = config("0 22 * * *", "0 6 * * *");
    assert_window(&night, &["2026-01-15T21:00:00Z", "2026-01-15T23:30:00Z"], &["2026-01-15T05:00:00Z"]);
    let weekend = config("0 18 * * fri", "0 6 * * mon");
    assert_window(
        &weekend,
        &["2026-01-16T17:00:00Z", "2026-01-18T12:00:00Z", "2026-01-19T04:59:00Z"],
        &["2026-01-16T16:59:00Z", "2026-01-19T05:00:00Z", "2026-01-21T12:00:00Z"],
    );
    let winter = config("0 0 1 11 *", "0 0 1 3 *");
    assert_window(&winter, &["2026-12-31T23:30:00Z", "2027-01-15T12:00:00Z"], &["2026-07-15T12:00:00Z"]);
    // The day of the month or the day of the week: one of them is enough, as in crontab.
    let either = config("0 0 13 * fri", "0 12 13 * fri");
    assert_window(&either, &["2026-01-13T08:00:00Z", "2026-01-16T08:00:00Z"], &["2026-01-14T08:00:00Z"]);
    // An end without a start before it: what closes first counts, so it is open until then.
    let uneven = config("0 8 * * mon-fri", "0 18 * * *");
    assert_window(&uneven, &["2026-01-16T12:00:00Z", "2026-01-17T12:00:00Z"], &["2026-01-15T20:00:00Z"]);
    // A leap day comes once in four years.
    let leap = config("0 0 29 2 *", "0 18 29 2 *");
    assert_window(&leap, &["2028-02-29T12:00:00Z"], &["2026-02-28T12:00:00Z", "2027-12-31T12:00:00Z"]);
}

#[test]
fn contract_6_7_what_opens_and_closes_at_one_instant_is_open() {
    let both = config("0 8 * * *", "0 8 * * mon-fri");
    // Thursday: it opens and closes on Friday at eight.
    assert_window(&both, &["2026-01-15T12:00:00Z"], &["2026-01-16T12:00:00Z"]);
}

/// In Berlin 02:00 to 03:00 on 29 March 2026 does not exist.
#[test]
fn a_time_that_spring_leaves_out_is_right_after_it() {
    let starts_within = config("30 2 * * *", "0 6 * * *");
    assert_window(
        &starts_within,
        &["2026-03-29T01:00:00Z", "2026-03-29T03:59:00Z"],
        &["2026-03-29T00:59:00Z", "2026-03-29T04:00:00Z"],
    );
    let ends_within = config("0 22 * * *", "30 2 * * *");
    assert_window(&ends_within, &["2026-03-29T00:59:00Z"], &["2026-03-29T01:00:00Z", "2026-03-29T12:00:00Z"]);
    // All of it is left out: it must not be open the whole day before.
    let lost = config("15 2 * * *", "45 2 * * *");
    assert_window(
        &lost,
        &["2026-03-28T01:15:00Z", "2026-03-30T00:15:00Z"],
        &["2026-03-28T02:00:00Z", "2026-03-28T20:00:00Z", "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"],
    );
    // And what is open all day but for that hour stays open.
    let across = config("45 2 * * *", "15 2 * * *");
    assert_window(&across, &["2026-03-28T20:00:00Z", "2026-03-29T01:00:00Z"], &["2026-03-28T01:30:00Z"]);
}

/// In Berlin 02:00 to 03:00 on 25 October 2026 comes twice: 00:00 to 01:00 and 01:00 to 02:00 UTC.
#[test]
fn a_time_that_autumn_repeats_counts_the_first_time() {
    let window = config("15 2 * * *", "45 2 * * *");
    assert_window(
        &window,
        &["2026-10-25T00:15:00Z", "2026-10-25T00:44:00Z"],
        &["2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"],
    );
    let across = config("0 22 * * *", "0 3 * * *");
    assert_window(&across, &["2026-10-25T00:30:00Z", "2026-10-25T01:59:00Z"], &["2026-10-25T02:00:00Z"]);
}

#[test]
fn zones_differ_and_have_their_own_summers() {
    let mut window = config("0 8 * * *", "0 18 * * *");
    for (zone, open, closed) in [
        ("UTC", "2026-07-15T08:00:00Z", "2026-07-15T07:59:00Z"),
        ("America/New_York", "2026-07-15T12:00:00Z", "2026-07-15T11:59:00Z"),
        ("america/new_york", "2026-01-15T13:00:00Z", "2026-01-15T12:59:00Z"),
        ("Asia/Kathmandu", "2026-07-15T02:15:00Z", "2026-07-15T02:14:00Z"),
        ("Australia/Lord_Howe", "2026-01-14T21:00:00Z", "2026-01-14T20:59:00Z"),
    ] {
        window["timezone"] = json!(zone);
        assert_window(&window, &[open], &[closed]);
    }
}

#[test]
fn a_range_with_steps_needs_no_end() {
    for (written, meant) in [
        ("0/15 8 * * *", "0-59/15 8 * * *"),
        ("5/20,50 1/2 1/10 6/2 1/2", "5-59/20,50 1-23/2 1-31/10 6-12/2 1-6/2"),
        ("*/7 8-18/2 * * *", "*/7 8-18/2 * * *"),
    ] {
        assert_eq!(pattern(written).unwrap(), pattern(meant).unwrap(), "{written}");
    }
}

#[test]
fn a_window_that_is_hardly_meant_is_warned_of() {
    let warnings = |start: &str, end: &str| warnings_of_source("cron", &config(start, end));
    assert_eq!(
        warnings("* 8 * * *", "* 18 * * *"),
        [
            "spec.config.start: \"* 8 * * *\" occurs several times before the window closes, for example from Tuesday \
             08:00 to Tuesday 08:59, and the window opens at the last of them; use \"0 8 * * *\" for 08:00",
            "spec.config.end: \"* 18 * * *\" occurs several times before the window opens, for example from Monday \
             18:00 to Monday 18:59, and the window closes at the last of them; use \"0 18 * * *\" for 18:00",
        ]
    );
    for (start, end, field) in [
        ("*/5 8 * * *", "0 18 * * *", "start"),
        ("* * * * *", "0 18 * * *", "start"),
        ("0 8 * * *", "30,45 18 * * *", "end"),
        ("0 8,9 * * *", "0 18 * * *", "start"),
        ("0 8 * * MON-FRI", "0 18 * * *", "end"),
        ("0 8 * * *", "0 18 * * FRI", "start"),
        ("0 0 29 2 *", "0 0 1 3 *", "end"),
    ] {
        let found = warnings(start, end);
        assert!(found.len() == 1 && found[0].starts_with(&format!("spec.config.{field}: ")), "{found:?}");
    }
    for (start, end) in [
        ("0 8 * * *", "0 18 * * *"),
        ("0 8,20 * * *", "0 12,23 * * *"),
        ("0 8 * * MON-FRI", "0 18 * * MON-FRI"),
        ("0 22 * * *", "0 6 * * *"),
        ("0 20 * * FRI", "0 6 * * MON"),
        ("*/30 * * * *", "15/30 * * * *"),
        ("0 0 1 * *", "0 0 3 * *"),
    ] {
        assert_eq!(warnings(start, end), [""; 0], "{start} to {end}");
    }
}

#[test]
fn contract_6_7_an_expression_may_have_a_time_zone_of_its_own() {
    // 8:00 in Tokyo is 23:00 UTC of the day before, and 18:00 in Berlin is 16:00 UTC in summer.
    for prefix in ["TZ=Asia/Tokyo", "CRON_TZ=Asia/Tokyo", "  TZ=Asia/Tokyo "] {
        let config = config(&format!("{prefix} 0 8 * * *"), "0 18 * * *");
        assert_window(
            &config,
            &["2024-07-01T23:00:00Z", "2024-07-02T15:59:00Z"],
            &["2024-07-01T22:59:00Z", "2024-07-02T16:00:00Z"],
        );
    }
    // Equal expressions of two zones are two times: from 9:00 in Tokyo, midnight UTC, to 9:00 in Berlin.
    let shifted = config("TZ=Asia/Tokyo 0 9 * * *", "0 9 * * *");
    assert_window(&shifted, &["2024-07-02T00:00:00Z"], &["2024-07-02T07:00:00Z"]);
    for (start, words) in [
        ("TZ=Mars/Base 0 8 * * *", "after TZ="),
        ("TZ=Asia/Tokyo", "cron expression of five fields"),
        ("TZ= 0 8 * * *", "after TZ="),
        ("TZ=Asia/Tokyo @daily", "cron expression of five fields"),
    ] {
        let found = problems(config(start, "0 18 * * *"));
        assert!(found.len() == 1 && found[0].contains(words), "{start}: {found:?}");
    }
}
