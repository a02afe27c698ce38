use super::*;

#[test]
fn the_command_is_the_measures() {
    let key = || "k".to_owned();
    for (measure, words) in [
        (Measure::List { key: key() }, "LLEN k"),
        (Measure::SortedSet { key: key(), min: None, max: None }, "ZCARD k"),
        (Measure::SortedSet { key: key(), min: Some(1.5), max: None }, "ZCOUNT k 1.5 +inf"),
        (Measure::SortedSet { key: key(), min: None, max: Some(-2.0) }, "ZCOUNT k -inf -2"),
        (Measure::Number { key: key() }, "GETRANGE k 0 64"),
        (Measure::Collection { key: key(), seen: Seen::default() }, "TYPE k"),
        (Measure::Stream { key: key() }, "XLEN k"),
        (
            Measure::Group { key: key(), group: "work".into(), what: GroupMeasure::Lag, must_exist: false },
            "XINFO GROUPS k",
        ),
    ] {
        let packed = measure.commands()[0].get_packed_command();
        let packed = String::from_utf8(packed).unwrap();
        let sent: Vec<_> = packed.split("\r\n").skip(2).step_by(2).collect();
        assert_eq!(sent.join(" "), words);
        assert!(words.starts_with(measure.command_name()));
    }
}

#[test]
fn a_collection_is_asked_by_the_command_of_the_kind_that_was_seen() {
    let (key, seen) = ("k".to_owned(), Seen::default());
    let measure = Measure::Collection { key, seen };
    let Measure::Collection { seen, .. } = &measure else { unreachable!() };
    for (kind, command) in
        [(Kind::List, "LLEN"), (Kind::Set, "SCARD"), (Kind::Hash, "HLEN"), (Kind::SortedSet, "ZCARD")]
    {
        seen.note(kind);
        let packed = measure.commands()[1].get_packed_command();
        assert!(String::from_utf8(packed).unwrap().contains(command));
    }
    assert_eq!((Kind::named(b"zset"), Kind::named(b"stream")), (Some(Kind::SortedSet), None));
}
