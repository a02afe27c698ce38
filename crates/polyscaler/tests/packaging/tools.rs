//! helm and kubectl, each built the first time that it is asked for.

use std::path::PathBuf;
use std::process::Command;

use crate::packaging::repository;

/// Where the program of that name is.
pub(crate) fn tool(name: &str) -> PathBuf {
    let script = repository(&format!("hack/tools/{name}.sh"));
    let built =
        Command::new(&script).output().unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    PathBuf::from(String::from_utf8(built.stdout).unwrap().trim())
}
