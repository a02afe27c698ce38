//! The groups file: a line a group, names of Deployments separated by commas.
//!
//! Reading is pure and never fails as a whole: what makes sense is kept, and each problem names its
//! line and member. Whoever reads decides what the problems mean: at the start the rest works, an
//! edit is refused.

use std::collections::HashMap;
use std::fmt;

pub(super) use crate::parts::followed_file::{Content, follow, read};

/// What a line may name, as one ScalingGroup takes no more.
const MOST_MEMBERS: usize = 64;

/// The longest name of an object.
const LONGEST_NAME: usize = 253;

/// The groups of a file, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupsFile {
    /// In the order of the file; each has a member.
    pub(super) groups: Vec<Group>,
    /// In the order of the file.
    pub(super) problems: Vec<Problem>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Counted from 1.
    pub(super) line: usize,
    /// Names of Deployments, each in no other group.
    pub(super) members: Vec<String>,
}

/// Something that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Counted from 1.
    pub(super) line: usize,
    /// What it is about; empty where the line is all that is known.
    pub(super) member: String,
    /// What is wrong, and what to do.
    pub(super) fault: Fault,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The file holds bytes that are no text.
    NotText,
    /// Two commas with nothing in between.
    NoName,
    /// No Deployment can be called so.
    NotAName,
    /// The line names it before.
    Repeated,
    /// A line before names it.
    Overlapping {
        /// That line, counted from 1.
        first: usize,
    },
    /// The line has as many members as a group can have.
    TooMany,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.member.is_empty() {
            write!(f, "{}: ", self.member)?;
        }
        match self.fault {
            Fault::NotText => f.write_str("not valid UTF-8: save the file as UTF-8"),
            Fault::NoName => f.write_str("a name is missing next to a comma"),
            Fault::NotAName => f.write_str(
                "not a valid name of a Deployment: use at most 253 lower-case letters, digits, '-' and '.', \
                 beginning and ending with a letter or digit",
            ),
            Fault::Repeated => f.write_str("repeated in this line: name it once"),
            Fault::Overlapping { first } => {
                write!(f, "in the group of line {first} already: a Deployment can be in one group only")
            }
            Fault::TooMany => write!(f, "beyond the {MOST_MEMBERS} members that a group can have: split it"),
        }
    }
}

impl GroupsFile {
    /// What the file says.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::of_text(text),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
                let problem = Problem { line, member: String::new(), fault: Fault::NotText };
                Self { groups: Vec::new(), problems: vec![problem] }
            }
        }
    }

    fn of_text(text: &str) -> Self {
        let mut file = Self::default();
        let mut first_lines = HashMap::new();
        for (index, text) in text.lines().enumerate() {
            let text = text.split_once('#').map_or(text, |(text, _)| text).trim();
            if !text.is_empty() {
                file.take_line(index + 1, text, &mut first_lines);
            }
        }
        file
    }

    fn take_line(&mut self, line: usize, text: &str, first_lines: &mut HashMap<String, usize>) {
        let mut members = Vec::new();
        // As people leave one behind when they take the last name away.
        let text = text.strip_suffix(',').unwrap_or(text);
        for name in text.split(',').map(str::trim) {
            let first = first_lines.get(name).copied();
            let fault = match first {
                _ if name.is_empty() => Fault::NoName,
                _ if !is_name(name) => Fault::NotAName,
                Some(first) if first == line => Fault::Repeated,
                Some(first) => Fault::Overlapping { first },
                None if members.len() == MOST_MEMBERS => Fault::TooMany,
                None => {
                    first_lines.insert(name.to_owned(), line);
                    members.push(name.to_owned());
                    continue;
                }
            };
            self.problems.push(Problem { line, member: shown(name), fault });
        }
        if !members.is_empty() {
            self.groups.push(Group { line, members });
        }
    }
}

/// Whether a Deployment can be called so: a DNS-1123 subdomain.
fn is_name(name: &str) -> bool {
    let is_end =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= LONGEST_NAME
        && name.split('.').all(|label| {
            let bytes = label.as_bytes();
            is_end(bytes.first())
                && is_end(bytes.last())
                && bytes.iter().all(|byte| is_end(Some(byte)) || *byte == b'-')
        })
}

/// A name for a log: in one line, and not too long.
fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let short: String = name.chars().take(LONGEST).collect();
    let more = if short.len() < name.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}

#[cfg(test)]
mod tests;
