//! What is wrong with what was given, with the file's name or the load's place before it.

use std::path::Path;

use engine::Problem;

use super::args::LoadArgs;

/// What is wrong with what was given, one line each.
#[derive(Debug)]
pub(crate) struct Invalid(pub(crate) Vec<String>);

impl Invalid {
    pub(crate) fn of(path: &Path, problem: impl std::fmt::Display) -> Self {
        Self(vec![format!("{}: {problem}", path.display())])
    }

    pub(crate) fn of_load(arguments: &LoadArgs, problem: impl std::fmt::Display) -> Self {
        Self(vec![format!("{}: {problem}", arguments.place())])
    }

    pub(super) fn all(path: &Path, object: &str, problems: &[Problem]) -> Self {
        let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
        Self(problems.iter().map(|problem| format!("{}: {object}{problem}", path.display())).collect())
    }
}
