//! Chores of the repository: `cargo xtask generate` writes what is generated from code,
//! `cargo xtask check` fails where that has drifted or a source file is lost or too long.

mod generated;
mod tree;
mod versions;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask generate | check
  generate   Write the files that come from code (CRDs, RBAC rules, deploy/).
  check      Fail where a generated file differs from the code, versions do not agree, a .rs
             file belongs to no module, one is too long, or a workflow uses what is not pinned.
";

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let result = match argument.as_deref() {
        Some("generate") => generated::write(&root()),
        Some("check") => check(&root()),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder, two above this crate's.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

fn check(root: &Path) -> anyhow::Result<()> {
    let mut problems = generated::drifted(root)?;
    problems.extend(versions::problems(root)?);
    problems.extend(tree::problems(root)?);
    problems.extend(workflows::problems(root)?);
    if problems.is_empty() {
        return Ok(());
    }
    anyhow::bail!("\n{}", problems.join("\n"))
}
