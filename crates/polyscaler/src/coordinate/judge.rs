//! Judges groups as admission would, had they been written to the cluster: at the start, and at each
//! edit of the groups file. Apart from the file's own form, as it is about what a policy needs.

use std::sync::Arc;

use engine::{SourceCatalog, Time};
use resources::Context;

use super::groups_file::Group;
use super::objects::{Settings, group_name};
use crate::policies::policies;

/// A group that cannot be scaled as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Of the groups file, counted from 1.
    pub(super) line: usize,
    /// All that is wrong, with the paths of fields.
    pub(super) problem: String,
}

/// Knows the metric sources.
#[derive(Clone)]
pub(super) struct Judge(pub(super) Arc<dyn SourceCatalog>);

impl Judge {
    /// The groups that do not fit, each as if all its members were there.
    pub(super) fn misfits(&self, settings: &Settings, groups: &[Group]) -> Vec<Misfit> {
        let context = Context {
            catalog: &*self.0,
            policies: policies(),
            allow_cross_namespace: false,
            admitting: true,
            resolved: None,
        };
        let misfit = |(index, group): (usize, &Group)| {
            let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
            let name = group_name(index);
            let object = settings.object(&name, 1, &settings.spec(&members));
            // What ends at an instant is in annotations, of which a group of a file has none.
            let problems = match resources::check(&object.to_string(), &context, Time::default()) {
                Ok(findings) => findings.into_iter().flat_map(|finding| finding.problems).collect(),
                Err(problem) => vec![problem],
            };
            let reported: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let problem = format!("{name} of line {}: {}", group.line, reported.join("; "));
            (!reported.is_empty()).then_some(Misfit { line: group.line, problem })
        };
        groups.iter().enumerate().filter_map(misfit).collect()
    }
}
