//! Joins the groups file with what exists: which groups the loop is to know, and what people are
//! to be reported. It does no I/O; `feed` brings the news.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use runner::Event;

use super::app::{App, Standing};
use super::args::RANDOM;
use super::groups_file::{Content, Group, GroupsFile};
use super::judge::Judge;
use super::objects::{Known, Settings, group_name};

/// See the module.
pub(super) struct Coordinator {
    file: PathBuf,
    settings: Settings,
    judge: Judge,
    app: App,
    /// The last good groups.
    groups: Vec<Group>,
    known: Known,
    /// Members that are left alone, with the line and the reason that were reported.
    unknown: HashMap<String, (usize, Standing)>,
}

impl Coordinator {
    /// Of the groups of `file`, as they are at the start.
    pub(super) fn new(file: &Path, settings: Settings, judge: Judge, app: App, groups: Vec<Group>) -> Self {
        let (known, unknown) = (Known::default(), HashMap::new());
        Self { file: file.to_owned(), settings, judge, app, groups, known, unknown }
    }

    /// Takes over an edit of the file where it is good; returns whether it is.
    pub(super) fn edit(&mut self, content: &Content) -> bool {
        let file = self.file.display();
        let parsed = match content {
            Ok(bytes) => GroupsFile::parse(bytes),
            Err(problem) => {
                tracing::error!(%file, problem, "invalid groups file, the last valid groups stay in effect");
                return false;
            }
        };
        for problem in &parsed.problems {
            let (line, member, problem) = (problem.line, &problem.member, problem.to_string());
            tracing::error!(%file, line, member, problem, "invalid groups file, the last valid groups stay \
                 in effect");
        }
        if parsed.problems.is_empty() && parsed.groups.is_empty() {
            let problem = "no line names a Deployment";
            tracing::error!(%file, problem, "invalid groups file, the last valid groups stay in effect");
        }
        let misfits = self.judge.misfits(&self.settings, &parsed.groups);
        for misfit in &misfits {
            let (line, problem) = (misfit.line, &misfit.problem);
            tracing::error!(%file, line, problem, "invalid groups file, the last valid groups stay in \
                 effect");
        }
        let is_good = parsed.problems.is_empty() && misfits.is_empty() && !parsed.groups.is_empty();
        if is_good {
            self.groups = parsed.groups;
            tracing::info!(%file, groups = self.groups.len(), "groups file reloaded");
            self.report_groups();
        }
        is_good
    }

    /// Reports which groups there are, and what is said of members that are in none.
    pub(super) fn report_groups(&self) {
        for (index, group) in self.groups.iter().enumerate() {
            let (group, line, members) = (group_name(index), group.line, group.members.join(", "));
            tracing::info!(group, line, members, "group");
        }
        let Some(group_spec) = &self.settings.group_spec else { return };
        let members: BTreeSet<&str> =
            self.groups.iter().flat_map(|group| &group.members).map(String::as_str).collect();
        for member in group_spec.strangers(&members) {
            tracing::warn!(member, "GROUP_SPEC names a member that is in no group, this has no effect");
        }
    }

    /// The events for the loop after a change.
    pub(super) fn reconcile(&mut self) -> Vec<Event> {
        self.report_unknown();
        let mut groups = BTreeMap::new();
        for (index, group) in self.groups.iter().enumerate() {
            let standing = |name: &&str| self.app.standing(name);
            let names = || group.members.iter().map(String::as_str);
            if !names().any(|name| standing(&name) == Standing::Belongs) {
                continue;
            }
            // What is measured at a member, and what it sends to others, counts while it is missing, too:
            // without it the others would be scaled by less than there is, or not at all.
            let follows_metrics = self.settings.policy != RANDOM;
            let counts = |name: &&str| match standing(name) {
                Standing::Belongs => true,
                Standing::Missing => follows_metrics,
                Standing::Foreign => false,
            };
            let members: Vec<&str> = names().filter(counts).collect();
            groups.insert(group_name(index), self.settings.spec(&members));
        }
        self.known.update(&self.settings, groups)
    }

    /// Names members that are left alone, each when that is news.
    fn report_unknown(&mut self) {
        let (file, namespace) = (self.file.display(), &self.settings.namespace);
        let mut unknown = HashMap::new();
        for (group, member) in
            self.groups.iter().flat_map(|group| group.members.iter().map(move |name| (group, name)))
        {
            let (line, standing) = (group.line, self.app.standing(member));
            let before = self.unknown.get(member);
            let problem = match standing {
                Standing::Belongs => {
                    if before.is_some() {
                        tracing::info!(%file, line, member, "member exists now and is scaled with its group");
                    }
                    continue;
                }
                Standing::Missing => format!("there is no Deployment {member} in namespace {namespace}"),
                Standing::Foreign => format!(
                    "Deployment {member} is of another application: its label app must equal APP_NAME"
                ),
            };
            if before != Some(&(line, standing)) {
                tracing::warn!(%file, line, member, problem, "unknown member, not scaled until it exists \
                     and belongs to the application");
            }
            unknown.insert(member.clone(), (line, standing));
        }
        self.unknown = unknown;
    }
}

#[cfg(test)]
mod tests;
