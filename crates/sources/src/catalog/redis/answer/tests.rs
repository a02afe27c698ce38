use redis::parse_redis_value;

use super::*;

fn numbers(measure: &Measure, replies: &[&str]) -> Result<f64, (AbsenceReason, String)> {
    let replies: Vec<Value> =
        replies.iter().map(|reply| parse_redis_value(reply.as_bytes()).unwrap()).collect();
    super::number(measure, &replies).map_err(|failure| (failure.reason, failure.message))
}

/// Where the server reports nothing but the first reply.
fn number(measure: &Measure, reply: &str) -> Result<f64, (AbsenceReason, String)> {
    numbers(measure, &[reply, "-NOPERM no\r\n"])
}

fn group(what: GroupMeasure) -> Measure {
    Measure::Group { key: "orders".into(), group: "work".into(), what, must_exist: false }
}

/// What `XINFO GROUPS` answers for one group, its fields given as they come.
fn groups(fields: &[(&str, &str)]) -> String {
    let mut text = format!("*1\r\n*{}\r\n", fields.len() * 2);
    for (name, value) in fields {
        text += &format!("${}\r\n{name}\r\n{value}\r\n", name.len());
    }
    text
}

#[test]
fn counts_are_never_negative() {
    let list = Measure::List { key: "jobs".into() };
    assert_eq!(number(&list, ":0\r\n"), Ok(0.0));
    assert_eq!(number(&list, ":7\r\n"), Ok(7.0));
    assert_eq!(number(&list, ":-1\r\n").unwrap_err().0, AbsenceReason::OutOfRange);
    for reply in ["$-1\r\n", "$1\r\n7\r\n", "*0\r\n", "+OK\r\n"] {
        assert_eq!(number(&list, reply).unwrap_err().0, AbsenceReason::Malformed, "{reply}");
    }
}

#[test]
fn a_text_is_a_number_or_an_absence() {
    let key = Measure::Number { key: "load".into() };
    let text = |text: &str| number(&key, &format!("${}\r\n{text}\r\n", text.len()));
    assert_eq!(text("42"), Ok(42.0));
    assert_eq!(text("-1.5e3"), Ok(-1500.0));
    assert_eq!(text(" 7\n"), Ok(7.0));
    assert_eq!(text("\u{feff}7\0"), Ok(7.0));
    for (value, reason) in [
        ("", AbsenceReason::ValueMissing),
        ("many", AbsenceReason::NotANumber),
        ("7 jobs", AbsenceReason::NotANumber),
        ("NaN", AbsenceReason::NotFinite),
        ("inf", AbsenceReason::NotFinite),
        ("1e999", AbsenceReason::NotFinite),
        (&"1".repeat(65), AbsenceReason::NotANumber),
    ] {
        let (found, message) = text(value).unwrap_err();
        assert_eq!(found, reason, "{value}");
        assert!(value.is_empty() || !message.contains(value), "{message}");
    }
    assert_eq!(number(&key, "$-1\r\n").unwrap_err().0, AbsenceReason::ValueMissing);
}

#[test]
fn a_groups_numbers_are_found_by_name() {
    let all = groups(&[("name", "$4\r\nwork"), ("pending", ":3"), ("lag", ":4")]);
    assert_eq!(number(&group(GroupMeasure::Pending), &all), Ok(3.0));
    assert_eq!(number(&group(GroupMeasure::Lag), &all), Ok(4.0));
    assert_eq!(number(&group(GroupMeasure::Backlog), &all), Ok(7.0));
    // Redis 6 reports no lag, and Redis 7 does not know it at times.
    let old = groups(&[("name", "$4\r\nwork"), ("pending", ":3")]);
    let unknown = groups(&[("name", "$4\r\nwork"), ("pending", ":3"), ("lag", "$-1")]);
    for (reply, words) in [(&old, "Redis 7"), (&unknown, "does not know the lag")] {
        assert_eq!(number(&group(GroupMeasure::Pending), reply), Ok(3.0));
        for what in [GroupMeasure::Lag, GroupMeasure::Backlog] {
            let (reason, message) = number(&group(what), reply).unwrap_err();
            assert_eq!(reason, AbsenceReason::ValueMissing);
            assert!(message.contains(words), "{message}");
        }
    }
}

#[test]
fn all_entries_wait_for_a_group_that_is_not_there_yet() {
    let other = groups(&[("name", "$5\r\nother"), ("pending", ":3")]);
    for what in [GroupMeasure::Pending, GroupMeasure::Lag, GroupMeasure::Backlog] {
        for reply in ["*0\r\n", &other] {
            assert_eq!(numbers(&group(what), &[reply, ":500\r\n"]), Ok(500.0));
            let (reason, message) = number(&group(what), reply).unwrap_err();
            assert_eq!(reason, AbsenceReason::ValueMissing);
            assert!(message.starts_with("stream \"orders\" has no consumer group \"work\""), "{message}");
        }
        assert_eq!(numbers(&group(what), &["-ERR no such key\r\n", ":0\r\n"]), Ok(0.0));
    }
    let wrong = groups(&[("name", "$4\r\nwork"), ("pending", "$1\r\n3")]);
    assert_eq!(number(&group(GroupMeasure::Pending), &wrong).unwrap_err().0, AbsenceReason::Malformed);
}

#[test]
fn no_more_wait_than_the_stream_has() {
    let all = groups(&[("name", "+work"), ("pending", ":3"), ("lag", ":400")]);
    assert_eq!(numbers(&group(GroupMeasure::Lag), &[&all, ":10\r\n"]), Ok(10.0));
    assert_eq!(numbers(&group(GroupMeasure::Backlog), &[&all, ":10\r\n"]), Ok(13.0));
    assert_eq!(number(&group(GroupMeasure::Lag), &all), Ok(400.0));
    let unknown = groups(&[("name", "$4\r\nwork"), ("pending", ":0"), ("lag", "$-1")]);
    assert_eq!(numbers(&group(GroupMeasure::Lag), &[&unknown, ":0\r\n"]), Ok(0.0));
}

#[test]
fn the_members_of_a_collection_count_whichever_it_is() {
    let measure = Measure::Collection { key: "jobs".into(), seen: Seen::default() };
    let read = |kind: &str, number: &str| numbers(&measure, &[&format!("+{kind}\r\n"), number]);
    assert_eq!(read("none", ":0\r\n"), Ok(0.0));
    assert_eq!(read("list", ":7\r\n"), Ok(7.0));
    // It is another one now: the first reply was to the command for a list.
    assert!(read("zset", "-WRONGTYPE no\r\n").is_err());
    assert_eq!(measure.seen(), Some(Kind::SortedSet));
    assert_eq!(read("zset", ":3\r\n"), Ok(3.0));
    let (reason, message) = read("stream", ":3\r\n").unwrap_err();
    let words = "key \"jobs\" is not a list, set, hash or sorted set";
    assert_eq!((reason, message.as_str()), (AbsenceReason::ValueMissing, words));
    let (reason, message) = numbers(&measure, &["-NOPERM no\r\n", ":3\r\n"]).unwrap_err();
    assert_eq!((reason, message.contains("TYPE")), (AbsenceReason::Unauthorized, true), "{message}");
}

#[test]
fn a_group_may_have_to_exist() {
    for (what, replies) in [
        (GroupMeasure::Pending, ["-ERR no such key\r\n", ":0\r\n"]),
        (GroupMeasure::Lag, ["*0\r\n", ":4\r\n"]),
    ] {
        let measure = Measure::Group { key: "orders".into(), group: "work".into(), what, must_exist: true };
        let (reason, message) = numbers(&measure, &replies).unwrap_err();
        assert_eq!(reason, AbsenceReason::ValueMissing);
        assert_eq!(message, "stream \"orders\" has no consumer group \"work\"");
    }
}
