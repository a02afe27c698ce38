//! The list of an experiment: which group is scaled from where to where, and how often.
//!
//! ```text
//! # group, from, to, repetitions
//! group-1, 1, 5, 3
//! all, 2, 10, 5
//! ```

use std::fmt;

/// The word that stands for every group, one after the other.
const ALL: &str = "all";

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    /// Name of the group.
    pub(super) group: String,
    /// Replicas of every member before; at least 0.
    pub(super) from: u32,
    /// Replicas of every member afterwards; another count than `from`.
    pub(super) to: u32,
    /// How often; at least 1.
    pub(super) repetitions: u32,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}→{}", self.group, self.from, self.to)
    }
}

/// Reads a list. `groups` are the names that there are.
///
/// # Errors
/// All problems at once, each with its line.
pub(super) fn parse(text: &str, groups: &[String]) -> Result<Vec<Series>, Vec<String>> {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() || is_header(content) {
            continue;
        }
        match series(content, groups) {
            Ok(series) => all.extend(series),
            Err(problem) => problems.push(format!("line {}: {problem}", index + 1)),
        }
    }
    if all.is_empty() && problems.is_empty() {
        problems.push("it has no line such as: group-1, 1, 5, 3 (group, from, to, repetitions)".to_owned());
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

fn is_header(content: &str) -> bool {
    content.split(',').map(str::trim).eq(["group", "from", "to", "repetitions"])
}

fn series(content: &str, groups: &[String]) -> Result<Vec<Series>, String> {
    let fields: Vec<&str> = content.split(',').map(str::trim).collect();
    let [group, from, to, repetitions] = fields[..] else {
        return Err(format!(
            "{content:?} has {} fields; four are required: group, from, to, repetitions",
            fields.len()
        ));
    };
    let (from, to) = (count("from", from, 0)?, count("to", to, 0)?);
    let repetitions = count("repetitions", repetitions, 1)?;
    if from == to {
        return Err(format!("from and to are both {from}, so nothing would be scaled"));
    }
    let series = |group: &String| Series { group: group.clone(), from, to, repetitions };
    if group == ALL {
        return Ok(groups.iter().map(series).collect());
    }
    let by_number = group.parse::<usize>().ok().and_then(|number| groups.get(number.checked_sub(1)?));
    let found = groups.iter().find(|name| *name == group).or(by_number);
    found.map(|group| vec![series(group)]).ok_or_else(|| {
        format!("there is no group {group:?}; use its number, {ALL}, or one of {}", groups.join(", "))
    })
}

fn count(name: &str, text: &str, least: u32) -> Result<u32, String> {
    let most = i32::MAX as u32;
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("{name} is {text:?}; it must be a whole number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<String> {
        vec!["group-1".to_owned(), "group-2".to_owned()]
    }

    #[test]
    fn a_line_is_a_series() {
        let text = "\u{feff}group, from, to, repetitions\r\n# warm\n\n group-2 , 1 ,5, 3 # \
                    twice\n1,5,0,1\nall,1,2,2\n";
        let shown: Vec<String> = parse(text, &groups())
            .unwrap()
            .iter()
            .map(|series| format!("{series} ×{}", series.repetitions))
            .collect();
        assert_eq!(shown, ["group-2 1→5 ×3", "group-1 5→0 ×1", "group-1 1→2 ×2", "group-2 1→2 ×2"]);
    }

    #[test]
    fn every_problem_has_its_line() {
        let text = "group-3,1,5,3\ngroup-1,1,5\n\ngroup-1,-1,5,3\n2,1,5,0\n0,1,2,1\nall,3,3,1\n";
        assert_eq!(
            parse(text, &groups()).unwrap_err(),
            [
                "line 1: there is no group \"group-3\"; use its number, all, or one of group-1, group-2",
                "line 2: \"group-1,1,5\" has 3 fields; four are required: group, from, to, repetitions",
                "line 4: from is \"-1\"; it must be a whole number from 0 to 2147483647",
                "line 5: repetitions is \"0\"; it must be a whole number from 1 to 2147483647",
                "line 6: there is no group \"0\"; use its number, all, or one of group-1, group-2",
                "line 7: from and to are both 3, so nothing would be scaled",
            ]
        );
        assert!(parse("# nothing\n", &groups()).unwrap_err()[0].contains("group-1, 1, 5, 3"));
    }
}
