//! `scaling_csv.txt`: a header, and one row for every scaling, written as soon as it is measured.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::measure::{Group, Scaling};

/// The columns before those of the members.
const COLUMNS: [&str; 7] =
    ["requested", "group", "from", "to", "repetition", "total_seconds", "written_seconds"];

/// The file. Each member has a column of its own, empty where a row is of another group.
pub(super) struct Record {
    file: File,
    members: Vec<String>,
}

impl Record {
    /// Begins the file again, with its header.
    pub(super) fn create(path: &Path, groups: &[Group]) -> io::Result<Self> {
        let targets = groups.iter().flat_map(|group| &group.targets);
        let members: BTreeSet<&str> = targets.map(|target| target.name.as_str()).collect();
        let members: Vec<String> = members.into_iter().map(str::to_owned).collect();
        let mut file = File::create(path)?;
        let seconds = members.iter().map(|member| format!("{member}_seconds"));
        let header: Vec<String> =
            COLUMNS.map(str::to_owned).into_iter().chain(seconds).chain(["failures".to_owned()]).collect();
        writeln!(file, "{}", header.join(","))?;
        Ok(Self { file, members })
    }

    /// Adds a row.
    pub(super) fn add(&mut self, scaling: &Scaling) -> io::Result<()> {
        let row = row(scaling, &self.members);
        // In one write, so that a process that is killed leaves whole rows.
        self.file.write_all(format!("{row}\n").as_bytes())
    }
}

fn row(scaling: &Scaling, members: &[String]) -> String {
    let series = &scaling.series;
    let written: Option<Vec<Duration>> = scaling.members.iter().map(|member| member.written).collect();
    let written = written.and_then(|times| times.into_iter().max());
    let mut fields = vec![
        scaling.requested.to_string(),
        series.group.clone(),
        series.from.to_string(),
        series.to.to_string(),
        scaling.repetition.to_string(),
        seconds(scaling.total()),
        seconds(written),
    ];
    for name in members {
        let member = scaling.members.iter().find(|member| member.name == *name);
        fields.push(seconds(member.and_then(|member| member.ready)));
    }
    fields.push(quoted(&scaling.failures().collect::<Vec<_>>().join("; ")));
    fields.join(",")
}

fn seconds(time: Option<Duration>) -> String {
    time.map(|time| format!("{:.3}", time.as_secs_f64())).unwrap_or_default()
}

/// A field as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"").replace(['\n', '\r'], " "))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinate::experiment::tests::scaling;

    #[test]
    fn a_scaling_is_a_row() {
        let members = ["auth", "db", "webui"].map(str::to_owned);
        let whole = scaling(1, &[("webui", Some(5250)), ("db", Some(1001))]);
        assert_eq!(row(&whole, &members), "2023-11-14T22:13:20Z,group-1,1,5,1,5.250,0.010,,1.001,5.250,");
        let mut part = scaling(2, &[("webui", Some(5250)), ("db", None)]);
        part.members[1].failure = Some("it is \"gone\", or so".to_owned());
        assert_eq!(
            row(&part, &members),
            "2023-11-14T22:13:20Z,group-1,1,5,2,,0.010,,,5.250,\"db: it is \"\"gone\"\", or so\""
        );
    }
}
