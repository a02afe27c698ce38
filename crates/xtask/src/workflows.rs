//! The workflows of `.github`, as far as no linter that knows their syntax looks: what they run of others is pinned.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

const FOLDER: &str = ".github/workflows";

/// What is wrong with any workflow.
pub(crate) fn problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(root.join(FOLDER)).context(FOLDER)? {
        let path = entry?.path();
        let name = format!("{FOLDER}/{}", path.file_name().unwrap_or_default().display());
        let text = std::fs::read_to_string(&path).with_context(|| name.clone())?;
        problems.extend(of_workflow(&text).into_iter().map(|problem| format!("{name}: {problem}")));
    }
    Ok(problems)
}

fn of_workflow(text: &str) -> Vec<String> {
    let workflow: Value = match serde_saphyr::from_str(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![format!("not YAML: {error}")],
    };
    let mut problems = Vec::new();
    if workflow.get("permissions").is_none() {
        problems.push("no permissions: without them every job may write to the repository".to_owned());
    }
    for (name, job) in workflow["jobs"].as_object().into_iter().flatten() {
        if job.get("timeout-minutes").is_none() && job.get("uses").is_none() {
            problems.push(format!("job {name}: no timeout-minutes: what hangs would hang for six hours"));
        }
    }
    let uses =
        text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses:"));
    problems.extend(uses.map(str::trim).filter(|used| !is_pinned(used)).map(|used| {
        format!("{used}: name the commit by its 40 digits, and after ` # ` the version that it is")
    }));
    problems
}

/// Whether an action is one of this repository, or named by a commit with the version as a comment.
fn is_pinned(used: &str) -> bool {
    if used.starts_with("./") {
        return true;
    }
    let Some((action, version)) = used.split_once(" # ") else { return false };
    let Some((_, commit)) = action.split_once('@') else { return false };
    let is_commit =
        commit.len() == 40 && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_commit && version.starts_with('v')
}

#[cfg(test)]
mod tests {
    use super::of_workflow;

    const COMMIT: &str = "11bd71901bbe5b1630ceea73d27597364c9af683";

    fn workflow(used: &str) -> String {
        format!(
            "on: push\npermissions: {{}}\njobs:\n  a:\n    timeout-minutes: 5\n    steps:\n      - uses: {used}\n      \
             - name: b\n        uses: {used}\n"
        )
    }

    #[test]
    fn what_is_pinned_and_limited_is_fine() {
        for used in [format!("actions/checkout@{COMMIT} # v4.2.2"), "./.github/actions/own".to_owned()] {
            assert_eq!(of_workflow(&workflow(&used)), [""; 0], "{used}");
        }
    }

    #[test]
    fn whatever_can_be_moved_is_refused() {
        for used in [
            "actions/checkout@v4",
            "actions/checkout",
            &format!("actions/checkout@{COMMIT}"),
            &format!("actions/checkout@{COMMIT} # main"),
            &format!("actions/checkout@{} # v4", &COMMIT[..39]),
        ] {
            let problems = of_workflow(&workflow(used));
            assert_eq!(problems.len(), 2, "{used}: {problems:?}");
            assert!(problems.iter().all(|problem| problem.starts_with(used)), "{problems:?}");
        }
    }

    #[test]
    fn permissions_and_time_are_limited() {
        let problems = of_workflow("on: push\njobs: {a: {steps: []}, b: {uses: ./x}}\n");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("no permissions") && problems[1].starts_with("job a: no timeout"));
        assert!(of_workflow("on: [push\n")[0].starts_with("not YAML"));
    }
}
