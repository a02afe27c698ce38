use super::*;

type Rows = Vec<(i64, Vec<f64>)>;

fn rows(text: &[u8], options: ReadOptions) -> Result<(Vec<String>, Rows), LoadError> {
    let mut load = CsvLoad::open(text, options)?;
    let columns = load.columns();
    Ok((columns, drain(&mut load)?))
}

fn drain(load: &mut impl Samples) -> Result<Rows, LoadError> {
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    while let Some(at) = load.next(&mut values)? {
        rows.push((at.as_millis() / 1000, values.clone()));
    }
    Ok(rows)
}

fn plain(text: &str) -> Rows {
    rows(text.as_bytes(), ReadOptions::default()).unwrap_or_else(|error| panic!("{text:?}: {error}")).1
}

fn error(text: &[u8], options: ReadOptions) -> String {
    rows(text, options).unwrap_err().to_string()
}

const T: i64 = 1_700_000_000;

#[test]
fn separators_marks_and_line_ends_do_not_matter() {
    let expected = vec![(T, vec![1.5, 7.0]), (T + 60, vec![2.0, 8.0])];
    for text in [
        "time,a,b\n1700000000,1.5,7\n1700000060,2,8\n",
        "time;a;b\r\n1700000000;1.5;7\r\n1700000060;2;8\r\n",
        "time\ta\tb\n1700000000\t1.5\t7\n1700000060\t2\t8",
        "\u{feff}time|a|b\n1700000000|1.5|7\n1700000060|2|8\n",
        "\u{feff}1700000000,1.5,7\r\n1700000060,2,8\r\n",
        "# recorded by hand\n\"time\",\"a\",\"b\"\n1700000000, 1.5,\"7\"\n\n1700000060, 2, 8\n",
        "2023-11-14 22:13:20,1.5,7\n2023-11-14 22:14:20,2,8\n",
        "a,b,timestamp\n1.5,7,1700000000000\n2,8,1700000060000\n",
    ] {
        // Where the time is last, the values are first all the same.
        assert_eq!(plain(text), expected, "{text:?}");
    }
}

#[test]
fn one_value_a_line_needs_no_header_and_no_times() {
    let start = ReadOptions::default().start.as_millis() / 1000;
    for text in ["157\n158\n", "157\r\n158", "value\n157\n158\n", "\u{feff}157\n158\n"] {
        assert_eq!(plain(text), [(start, vec![157.0]), (start + 60, vec![158.0])], "{text:?}");
    }
    let large = plain("1700000000\n1700000001\n");
    assert_eq!(large[0], (start, vec![1.7e9]), "a single column is load, however large");
    let second = ReadOptions { step: Duration::from_secs(1), ..ReadOptions::default() };
    assert_eq!(rows(b"1\n2\n", second).unwrap().1[1].0, start + 1);
}

#[test]
fn columns_are_known_by_name_or_place() {
    let mut load = CsvLoad::open(&b"time,a,b\n1700000000,1,7\n"[..], ReadOptions::default()).unwrap();
    assert_eq!((load.columns(), load.has_times()), (vec!["a".to_owned(), "b".to_owned()], true));
    load.select(&["b".to_owned()]).unwrap();
    assert_eq!(drain(&mut load).unwrap(), [(T, vec![7.0])]);
    let error = load.select(&["c".to_owned()]).unwrap_err().to_string();
    assert_eq!(error, "has no column \"c\"; its columns: a, b");
    let (columns, _) = rows(b"1700000000,1,7\n", ReadOptions::default()).unwrap();
    assert_eq!(columns, ["2", "3"], "without a header a column is its place");
    let asked = ReadOptions { time_column: Some("when".to_owned()), ..ReadOptions::default() };
    assert!(error_of(asked).contains("no column \"when\"; its columns: time, a"));
}

fn error_of(options: ReadOptions) -> String {
    error(b"time,a\n1700000000,1\n", options)
}

#[test]
fn what_is_missing_is_no_zero() {
    let rows = plain("time,a\n1700000000,\n1700000060,NaN\n1700000120,null\n1700000180,5\n");
    assert_eq!(rows.iter().map(|row| row.1[0].is_nan()).collect::<Vec<_>>(), [true, true, true, false]);
}

#[test]
fn errors_name_line_and_column() {
    let cases: [(&[u8], &str); 9] = [
        (b"time,a\n1700000000,1\n1700000060,abc\n", "line 3, column a: \"abc\" is not a number"),
        (b"time,a\n1700000000,1\nyesterday,2\n", "line 3, column time: \"yesterday\" is not a time"),
        (b"time,a,b\n1700000000,1,2\n1700000060,1\n", "line 3: 2 fields, and column b is field 3"),
        (b"", "has no values"),
        (b"time,a\n", "has no values"),
        (b"time\n1700000000\n", "has no column of values besides the time"),
        (b"\xff\xfet\0i\0", "is written in UTF-16"),
        (b"time,a\n1700000000,\xff\n", "is not UTF-8"),
        (b"time;a\n1700000000;1,5\n", "line 2, column a: \"1,5\" is not a number"),
    ];
    for (text, expected) in cases {
        let found = error(text, ReadOptions::default());
        assert!(found.contains(expected), "{found}");
    }
    let no_step = ReadOptions { step: Duration::ZERO, ..ReadOptions::default() };
    assert!(error(b"1\n", no_step).contains("at least a millisecond"));
}

#[test]
fn local_times_over_a_change_of_clocks_need_their_zone() {
    let text = b"time,a\n2026-10-25 02:30:00,1\n2026-10-25 02:45:00,2\n2026-10-25 02:00:00,3\n\
                 2026-10-25 02:15:00,4\n2026-10-25 02:30:00,5\n2026-10-25 02:45:00,6\n2026-10-25 03:00:00,7\n";
    let found = error(text, ReadOptions::default());
    assert!(found.starts_with("line 4, column time: the time goes back by an hour at"), "{found}");
    assert!(found.contains("--time-zone"), "{found}");
    let berlin = ReadOptions {
        time_zone: Some(super::time_text::zone("Europe/Berlin").unwrap()),
        ..ReadOptions::default()
    };
    let times: Vec<i64> = rows(text, berlin.clone()).unwrap().1.iter().map(|row| row.0).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 900), "{times:?}");
    let gap = error(b"time,a\n2026-03-29 02:30:00,1\n", berlin);
    assert!(gap.contains("does not exist in Europe/Berlin"), "{gap}");
}
