use proptest::prelude::*;

use super::*;

/// Line and members of each group.
type Lines<'a> = Vec<(usize, Vec<&'a str>)>;

fn groups(file: &GroupsFile) -> Lines<'_> {
    file.groups.iter().map(|group| (group.line, group.members.iter().map(String::as_str).collect())).collect()
}

fn reported(file: &GroupsFile) -> Vec<String> {
    file.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_line_is_a_group_whatever_stands_around_the_names() {
    for text in [
        "web,db,image\nauth\n",
        "web,db,image\nauth",
        "web,db,image\r\nauth\r\n",
        "\u{feff}web,db,image\nauth\n",
        " web ,\tdb , image \n  auth\t\n",
        "web,db,image # front\nauth#alone\n",
        "web,db,image,\nauth,\n",
    ] {
        let file = GroupsFile::parse(text.as_bytes());
        assert_eq!(groups(&file), [(1, vec!["web", "db", "image"]), (2, vec!["auth"])], "{text:?}");
        assert_eq!(file.problems, [], "{text:?}");
    }
}

#[test]
fn blank_lines_and_comments_count_as_lines_only() {
    let file = GroupsFile::parse(b"# the shop\n\nweb,db\n   \n\t# image,auth\nimage\n\n");
    assert_eq!(groups(&file), [(3, vec!["web", "db"]), (6, vec!["image"])]);
    assert_eq!(file.problems, []);
    for nothing in ["", "\n\n", "# web", "\u{feff}", "  \r\n"] {
        assert_eq!(GroupsFile::parse(nothing.as_bytes()), GroupsFile::default(), "{nothing:?}");
    }
}

#[test]
fn the_file_of_the_tutorial_works_as_written() {
    let text = "teastore-webui,teastore-db,teastore-image\nother_microservices\nother_microservices\n";
    let file = GroupsFile::parse(text.as_bytes());
    assert_eq!(groups(&file), [(1, vec!["teastore-webui", "teastore-db", "teastore-image"])]);
    let reported = reported(&file);
    assert_eq!(reported.len(), 2, "{reported:?}");
    for (line, reported) in reported.iter().enumerate() {
        assert!(
            reported.starts_with(&format!("line {}: other_microservices: not a valid name", line + 2)),
            "{reported}"
        );
    }
}

#[test]
fn each_problem_names_line_and_member_and_the_first_mention_counts() {
    let long = "a".repeat(254);
    let cases: Vec<(String, Lines, Vec<String>)> = vec![
        (
            "web,db,web\n".into(),
            vec![(1, vec!["web", "db"])],
            vec!["line 1: web: repeated in this line".into()],
        ),
        (
            "web,db\n\nimage,db\n".into(),
            vec![(1, vec!["web", "db"]), (3, vec!["image"])],
            vec!["line 3: db: in the group of line 1 already".into()],
        ),
        (
            "other\nother\n".into(),
            vec![(1, vec!["other"])],
            vec!["line 2: other: in the group of line 1 already".into()],
        ),
        ("web,,db\n".into(), vec![(1, vec!["web", "db"])], vec!["line 1: a name is missing".into()]),
        (",web\n".into(), vec![(1, vec!["web"])], vec!["line 1: a name is missing".into()]),
        (",\n".into(), vec![], vec!["line 1: a name is missing".into()]),
        ("Web,db\n".into(), vec![(1, vec!["db"])], vec!["line 1: Web: not a valid name".into()]),
        ("web db\n".into(), vec![], vec!["line 1: web db: not a valid name".into()]),
        (
            "-a,a-,a..b,.a,a.-b\n".into(),
            vec![],
            ["-a", "a-", "a..b", ".a", "a.-b"]
                .map(|name| format!("line 1: {name}: not a valid name"))
                .to_vec(),
        ),
        ("a.b-c.9\n".into(), vec![(1, vec!["a.b-c.9"])], vec![]),
        ("w\u{1b}[31m\n".into(), vec![], vec!["line 1: w\\u{1b}[31m: not a valid name".into()]),
        (long.clone() + "\n", vec![], vec![format!("line 1: {}…: not a valid name", &long[..80])]),
    ];
    for (text, wanted, problems) in cases {
        let file = GroupsFile::parse(text.as_bytes());
        assert_eq!(groups(&file), wanted, "{text:?}");
        let reported = reported(&file);
        assert_eq!(reported.len(), problems.len(), "{text:?}: {reported:?}");
        for (reported, problem) in reported.iter().zip(problems) {
            assert!(reported.starts_with(&problem), "{reported} for {problem}");
        }
    }
}

#[test]
fn a_group_has_at_most_as_many_members_as_a_scaling_group() {
    let names: Vec<String> = (1..=66).map(|index| format!("m{index}")).collect();
    let file = GroupsFile::parse(names.join(",").as_bytes());
    assert_eq!(file.groups[0].members, names[..64]);
    assert_eq!(reported(&file).iter().filter(|reported| reported.contains("beyond the 64")).count(), 2);
    // What had no room is free for another group.
    let file = GroupsFile::parse(format!("{}\nm66\n", names.join(",")).as_bytes());
    assert_eq!(groups(&file)[1], (2, vec!["m66"]));
}

#[test]
fn what_is_no_text_is_reported_with_its_line() {
    for (bytes, line) in [(&b"web\n\xffdb\n"[..], 2), (b"\xff\xfew\0e\0b\0", 1), (b"\x80", 1)] {
        let file = GroupsFile::parse(bytes);
        assert_eq!(file.groups, []);
        assert_eq!(reported(&file), [format!("line {line}: not valid UTF-8: save the file as UTF-8")]);
    }
    let file = GroupsFile::parse(b"w\0eb\n");
    assert_eq!(file.groups, []);
    assert!(reported(&file)[0].starts_with("line 1: w\\0eb: not a valid name"), "{:?}", reported(&file));
}

#[test]
fn what_cannot_be_read_is_reported_and_what_can_is_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("groups.txt");
    assert!(read(&path).unwrap_err().contains("cannot be read"));
    assert!(read(folder.path()).unwrap_err().contains("cannot be read"));
    std::fs::write(&path, "web\n").unwrap();
    assert_eq!(read(&path).unwrap(), b"web\n");
    std::fs::write(&path, vec![b'a'; (1 << 20) + 1]).unwrap();
    assert!(read(&path).unwrap_err().contains("longer than"));
}

/// Bytes that look like a groups file, more or less.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z]{1,3}".prop_map(String::into_bytes),
        3 => Just(b",".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"#".to_vec()),
        1 => Just(b" ".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_become_groups_without_overlap_and_problems_with_lines(bytes in bytes()) {
        let file = GroupsFile::parse(&bytes);
        let lines = 1 + bytes.iter().filter(|&&byte| byte == b'\n').count();
        for problem in &file.problems {
            prop_assert!((1..=lines).contains(&problem.line));
            prop_assert!(!problem.to_string().contains('\n'));
            let is_of_line = matches!(problem.fault, Fault::NotText | Fault::NoName);
            prop_assert!(is_of_line || !problem.member.is_empty());
        }
        let mut seen = std::collections::HashSet::new();
        for (before, group) in std::iter::once(None).chain(file.groups.iter().map(Some)).zip(&file.groups) {
            prop_assert!(group.line <= lines && before.is_none_or(|before: &Group| before.line < group.line));
            prop_assert!(!group.members.is_empty() && group.members.len() <= MOST_MEMBERS);
            for member in &group.members {
                prop_assert!(is_name(member) && seen.insert(member.clone()));
            }
        }
    }
}
